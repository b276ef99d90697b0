"""Query and path parameters of the operations, as the real server describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.openapi.operations import Operation

Parameter = dict[str, Any]


class _Spec(NamedTuple):
    name: str
    type: str
    description: str


_ALL: Final = {spec.name: spec for spec in (
    _Spec("pretty", "string", "If 'true', then the output is pretty printed. Defaults to 'false' "
          "unless the user-agent indicates a browser or command-line HTTP tool (curl and wget)."),
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
    _Spec("command", "string", "Command is the remote command to execute: argv, without a shell."),
    _Spec("container", "string", "The container; the only one of the Pod by default."),
    _Spec("stderr", "boolean", "Whether standard error is wanted."),
    _Spec("stdin", "boolean", "Whether standard input is given."),
    _Spec("stdout", "boolean", "Whether standard output is wanted."),
    _Spec("tty", "boolean", "Whether the process gets a terminal."),
    _Spec("ports", "integer", "The ports to forward, where the protocol names them here."),
    _Spec("path", "string", "The part of the URL that goes on to what is proxied."),
    _Spec("follow", "boolean", "Follow the log stream of the pod. Defaults to false."),
    _Spec("insecureSkipTLSVerifyBackend", "boolean", "Whether the kubelet's certificate may be "
          "anybody's."),
    _Spec("limitBytes", "integer", "How many bytes of the log are wanted at most."),
    _Spec("previous", "boolean", "Whether the log of the terminated container before is wanted."),
    _Spec("sinceSeconds", "integer", "A relative time in seconds from which on the log is wanted."),
    _Spec("stream", "string", "Which stream of the log is wanted: All, Stdout or Stderr."),
    _Spec("tailLines", "integer", "How many lines from the end of the log are wanted."),
    _Spec("timestamps", "boolean", "Whether each line begins with its time in RFC3339."),
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
    "watch": (),
    "watchlist": (),
}
"""The query parameters of each action."""
_WATCHED: Final = ("watch", "watchlist")
_STREAMS: Final = ("container", "stderr", "stdin", "stdout", "tty")
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "pods/attach": _STREAMS,
    "pods/exec": ("command", *_STREAMS),
    "pods/log": ("container", "follow", "insecureSkipTLSVerifyBackend", "limitBytes", "previous",
                 "sinceSeconds", "stream", "tailLines", "timestamps"),
    "pods/portforward": ("ports",),
    "pods/proxy": ("path",), "services/proxy": ("path",), "nodes/proxy": ("path",),
}
"""The query parameters of subresources that are no objects."""


def query_parameters(action: str, texts: Mapping[str, str], *, v3: bool) -> list[Parameter]:
    """The parameters of an action, without the ones that its path has in common.

    `texts`: how the fields of DeleteOptions are described, which are parameters too.
    """
    found = [_parameter(_ALL[name], v3=v3) for name in QUERY[action]]
    return [{**each, "description": texts.get(each["name"], each["description"])}
            for each in found]


def path_parameters(each: Operation, *, v3: bool) -> list[Parameter]:
    """What all operations of a path share: name, namespace, path, and query parameters."""
    out = []
    for name, text in (("name", f"name of the {each.gvk.kind}"),
                       ("namespace", "object name and auth scope, such as for teams and projects"),
                       ("path", "path to the resource")):
        if f"{{{name}}}" in each.path:
            form: Parameter = {"schema": {"type": "string", "uniqueItems": True}} if v3 else {
                "type": "string", "uniqueItems": True}
            out.append({"name": name, "in": "path", "description": text, "required": True, **form})
    names = _LIST if each.action in _WATCHED else OPTIONS.get(each.options, ())
    if each.action != "connect":
        names = (*names, "pretty")
    return [*out, *(_parameter(_ALL[name], v3=v3) for name in sorted(names))]


def _parameter(spec: _Spec, *, v3: bool) -> Parameter:
    type_: Parameter = {"type": spec.type, "uniqueItems": True}
    form = {"schema": type_} if v3 else type_
    return {"name": spec.name, "in": "query", "description": spec.description, **form}
