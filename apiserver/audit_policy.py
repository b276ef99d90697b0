"""Which requests are written down, and how much of them: audit.k8s.io/v1 Policy. Models
apiserver/pkg/audit/policy (checker.go, reader.go) and pkg/apis/audit/validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from apiserver.machinery.validation import FieldError, Path, go_quote, invalid, not_supported

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apiserver.authorization.attributes import Attributes
    from apiserver.machinery.types import Object

LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
STAGES: Final = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_ALL: Final = "*"


class PolicyError(ValueError):
    """A file that is no policy; one line for people."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How one request is written down."""

    level: str = "None"
    omitted: frozenset[str] = frozenset()
    """Stages that leave no event."""
    omits_managed_fields: bool = False

    def at_least(self, level: str) -> bool:
        """Whether as much as `level` is written."""
        return LEVELS.index(self.level) >= LEVELS.index(level)


class Policy:
    """The rules of one file; the first that is about a request decides."""

    def __init__(self, document: Object) -> None:
        self._rules: Sequence[Object] = document["rules"]
        self._omitted = frozenset(document.get("omitStages") or ())
        self._plain = bool(document.get("omitManagedFields"))

    def decide(self, asked: Attributes) -> Decision:
        """What becomes of a request; nothing is written of one that no rule is about."""
        for rule in self._rules:
            if _is_about(rule, asked):
                plain = rule.get("omitManagedFields")
                return Decision(rule["level"],
                                self._omitted | frozenset(rule.get("omitStages") or ()),
                                self._plain if plain is None else bool(plain))
        return Decision(omitted=self._omitted)


METADATA: Final = Policy({"rules": [{"level": "Metadata"}]})
"""Of who gives no policy file."""


def read_policy(text: str) -> Policy:
    """The policy of a file's text. Raises PolicyError."""
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolicyError(f"failed decoding: {error}".splitlines()[0]) from None
    if not isinstance(document, dict) or (document.get("apiVersion"), document.get("kind")) != (
            "audit.k8s.io/v1", "Policy"):
        raise PolicyError("it must be of apiVersion audit.k8s.io/v1 and kind Policy")
    if not document.get("rules"):
        raise PolicyError("loaded illegal policy with 0 rules")
    errors = [*_stage_errors(document, Path("omitStages")), *(
        error for i, rule in enumerate(document["rules"])
        for error in _rule_errors(rule, Path("rules").at(i)))]
    if errors:
        raise PolicyError("; ".join(str(error) for error in errors))
    return Policy(document)


# --- matching -------------------------------------------------------------------------------------

def _is_about(rule: Object, asked: Attributes) -> bool:
    user = asked.user
    if (users := rule.get("users")) and user.name not in users:
        return False
    if (groups := rule.get("userGroups")) and not set(groups) & set(user.groups):
        return False
    if (verbs := rule.get("verbs")) and asked.verb not in verbs:
        return False
    if rule.get("namespaces") or rule.get("resources"):
        return bool(asked.resource) and _is_resource(rule, asked)
    if paths := rule.get("nonResourceURLs"):
        return not asked.resource and any(_is_path(path, asked.path) for path in paths)
    return True


def _is_resource(rule: Object, asked: Attributes) -> bool:
    namespaces = rule.get("namespaces")
    if namespaces and asked.namespace not in namespaces:
        return False
    kinds = rule.get("resources")
    return not kinds or any(_is_kind(each, asked) for each in kinds)


def _is_kind(kinds: Object, asked: Attributes) -> bool:
    if (kinds.get("group") or "") != asked.group:
        return False
    if not kinds.get("resources"):
        return True
    names = kinds.get("resourceNames")
    return (not names or asked.name in names) and any(
        wanted in (_ALL, asked.combined_resource)
        or (bool(asked.subresource) and wanted == f"*/{asked.subresource}")
        or wanted == f"{asked.resource}/*" for wanted in kinds["resources"])


def _is_path(wanted: str, path: str) -> bool:
    if wanted in (_ALL, path):
        return True
    return wanted.endswith(_ALL) and path.startswith(wanted[:-1])


# --- checking -------------------------------------------------------------------------------------

def _rule_errors(rule: Any, path: Path) -> Iterable[FieldError]:
    if not isinstance(rule, dict):
        yield invalid(path, str(rule), "must be a rule")
        return
    if rule.get("level") not in LEVELS:
        yield not_supported(path.child("level"), rule.get("level") or "", LEVELS)
    yield from _stage_errors(rule, path.child("omitStages"))
    urls = rule.get("nonResourceURLs") or ()
    if urls and (rule.get("resources") or rule.get("namespaces")):
        yield invalid(path.child("nonResourceURLs"), list(urls),
                      "rules cannot apply to both regular resources and non-resource URLs")
    for i, url in enumerate(urls):
        if url != _ALL and not str(url).startswith("/"):
            yield invalid(path.child("nonResourceURLs").at(i), url,
                          "non-resource URL rules must begin with a '/' character")
        elif _ALL in str(url)[:-1]:
            yield invalid(path.child("nonResourceURLs").at(i), url,
                          f"non-resource URL wildcards {go_quote(_ALL)} must be the final character"
                          " of the rule")


def _stage_errors(holder: Object, path: Path) -> Iterable[FieldError]:
    for i, stage in enumerate(holder.get("omitStages") or ()):
        if stage not in STAGES:
            yield not_supported(path.at(i), stage, STAGES)
