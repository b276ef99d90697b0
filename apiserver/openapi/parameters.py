"""Query and path parameters of the operations, as the real server describes them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

Parameter = dict[str, Any]


class _Spec(NamedTuple):
    name: str
    type: str
    description: str


_ALL: Final = {spec.name: spec for spec in (
    _Spec("pretty", "string", "If 'true', then the output is pretty printed."),
    _Spec("dryRun", "string", "When present, indicates that modifications should not be persisted. "
          "Valid values are: - All: all dry run stages will be processed"),
    _Spec("fieldManager", "string", "fieldManager is a name associated with the actor or entity "
          "that is making these changes."),
    _Spec("fieldValidation", "string", "fieldValidation instructs the server on how to handle "
          "objects in the request containing unknown or duplicate fields: Ignore, Warn, Strict."),
    _Spec("force", "boolean", "Force is going to \"force\" Apply requests. It means user will "
          "re-acquire conflicting fields owned by other people."),
    _Spec("allowWatchBookmarks", "boolean", "allowWatchBookmarks requests watch events with type "
          "\"BOOKMARK\"."),
    _Spec("continue", "string", "The continue option should be set when retrieving more results "
          "from the server."),
    _Spec("fieldSelector", "string", "A selector to restrict the list of returned objects by "
          "their fields."),
    _Spec("labelSelector", "string", "A selector to restrict the list of returned objects by "
          "their labels."),
    _Spec("limit", "integer", "limit is a maximum number of responses to return for a list call."),
    _Spec("resourceVersion", "string", "resourceVersion sets a constraint on what resource "
          "versions a request may be served from."),
    _Spec("resourceVersionMatch", "string", "resourceVersionMatch determines how resourceVersion "
          "is applied to list calls."),
    _Spec("sendInitialEvents", "boolean", "`sendInitialEvents=true` may be set together with "
          "`watch=true`."),
    _Spec("timeoutSeconds", "integer", "Timeout for the list/watch call."),
    _Spec("watch", "boolean", "Watch for changes to the described resources and return them as a "
          "stream of add, update, and remove notifications."),
    _Spec("gracePeriodSeconds", "integer", "The duration in seconds before the object should be "
          "deleted."),
    _Spec("orphanDependents", "boolean", "Deprecated: please use the PropagationPolicy."),
    _Spec("propagationPolicy", "string", "Whether and how garbage collection will be performed."),
    _Spec("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean", "Deletes an object even "
          "when it cannot be read from the store."),
)}
_DELETE: Final = ("dryRun", "gracePeriodSeconds",
                  "ignoreStoreReadErrorWithClusterBreakingPotential",
                  "orphanDependents", "propagationPolicy")
_LIST: Final = ("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit",
                "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds",
                "watch")
QUERY: Final[dict[str, tuple[str, ...]]] = {
    "get": (),
    "list": _LIST,
    "post": ("dryRun", "fieldManager", "fieldValidation"),
    "put": ("dryRun", "fieldManager", "fieldValidation"),
    "patch": ("dryRun", "fieldManager", "fieldValidation", "force"),
    "delete": _DELETE,
    "deletecollection": tuple(sorted({*_DELETE, *_LIST} - {"allowWatchBookmarks", "watch"})),
    "connect": (),
}
"""The query parameters of each action."""


def query_parameters(action: str, *, v3: bool) -> list[Parameter]:
    """The parameters of an action, without the ones that its path has in common."""
    return [_parameter(_ALL[name], v3=v3) for name in QUERY[action]]


def path_parameters(kind: str, path: str, *, v3: bool) -> list[Parameter]:
    """What all operations of a path share: name, namespace, path, pretty."""
    out = []
    for name, text in (("name", f"name of the {kind}"),
                       ("namespace", "object name and auth scope, such as for teams and projects"),
                       ("path", "path to the resource")):
        if f"{{{name}}}" in path:
            form: Parameter = {"schema": {"type": "string", "uniqueItems": True}} if v3 else {
                "type": "string", "uniqueItems": True}
            out.append({"name": name, "in": "path", "description": text, "required": True, **form})
    return [*out, _parameter(_ALL["pretty"], v3=v3)]


def _parameter(spec: _Spec, *, v3: bool) -> Parameter:
    type_: Parameter = {"type": spec.type, "uniqueItems": True}
    form = {"schema": type_} if v3 else type_
    return {"name": spec.name, "in": "query", "description": spec.description, **form}
