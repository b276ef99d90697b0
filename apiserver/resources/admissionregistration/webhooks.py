"""Webhook configurations. Models pkg/apis/admissionregistration for webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.names import is_fully_qualified_domain_name
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    duplicate,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, number
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

GROUP: Final = "admissionregistration.k8s.io"
CATEGORIES: Final = ("api-extensions",)
_CHOICES: Final = (
    ("failurePolicy", ("Fail", "Ignore")), ("matchPolicy", ("Equivalent", "Exact")))
_OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES: Final = ("*", "Cluster", "Namespaced")
_LISTS: Final = ("operations", "apiGroups", "apiVersions", "resources")


class WebhookConfigurationStrategy(Strategy):
    """Who else is asked before an object is stored."""

    unconditional_update = False
    mutating: ClassVar[bool] = False

    def default(self, obj: Object) -> None:
        for hook in obj.get("webhooks") or ():
            _default_webhook(hook)
            if self.mutating and hook.get("reinvocationPolicy") is None:
                hook["reinvocationPolicy"] = "Never"

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        seen: set[str] = set()
        for i, hook in enumerate(obj.get("webhooks") or ()):
            path, name = Path("webhooks").at(i), hook.get("name") or ""
            errors += _webhook_errors(hook, path)
            if name in seen:
                errors.append(duplicate(path.child("name"), name))
            seen.add(name)
        return errors

    def generation_changed(self, obj: Object, old: Object) -> bool:
        return bool(obj.get("webhooks") != old.get("webhooks"))


class MutatingStrategy(WebhookConfigurationStrategy):
    """Who else may change an object before it is stored."""

    mutating = True


def _default_webhook(hook: Object) -> None:
    for name, value in (("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"),
                        ("timeoutSeconds", 10)):
        if hook.get(name) is None:
            hook[name] = value
    for name in ("namespaceSelector", "objectSelector"):
        if hook.get(name) is None:
            hook[name] = {}
    default_rules(hook.get("rules") or ())
    service = (hook.get("clientConfig") or {}).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = 443


def default_rules(rules: Sequence[Object]) -> None:
    """Rules are about everything unless they say so."""
    for rule in rules:
        if rule.get("scope") is None:
            rule["scope"] = "*"


def _webhook_errors(hook: Object, path: Path) -> list[FieldError]:
    errors = is_fully_qualified(hook.get("name") or "", path.child("name"))
    for i, rule in enumerate(hook.get("rules") or ()):
        errors += rule_errors(rule, path.child("rules").at(i))
    for name, supported in _CHOICES:
        value = hook.get(name)
        if value is not None and value not in supported:
            errors.append(not_supported(path.child(name), value, supported))
    effects = hook.get("sideEffects")
    if effects is None:
        errors.append(required(path.child("sideEffects"),
                               "must specify one of None, NoneOnDryRun"))
    elif effects not in ("None", "NoneOnDryRun"):
        errors.append(not_supported(path.child("sideEffects"), effects, ["None", "NoneOnDryRun"]))
    errors += _version_errors(hook, path.child("admissionReviewVersions"))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        errors.append(invalid(path.child("timeoutSeconds"), seconds,
                              "the timeout value must be between 1 and 30 seconds"))
    for name in ("namespaceSelector", "objectSelector"):
        errors += selector_errors(hook.get(name), path.child(name))
    for i, condition in enumerate(hook.get("matchConditions") or ()):
        errors += expression_errors(condition.get("expression"),
                                    path.child("matchConditions").at(i).child("expression"))
    return errors + _client_errors(hook.get("clientConfig") or {}, path.child("clientConfig"))


def expression_errors(text: str | None, path: Path) -> list[FieldError]:
    """What the CEL compiler says of an expression."""
    from apiserver.admission.expressions import ExpressionError, compile_program

    if not (text or "").strip():
        return []
    try:
        compile_program(text or "")
    except ExpressionError as error:
        return [invalid(path, text, f"compilation failed: {error}")]
    return []


def is_fully_qualified(name: str, path: Path) -> list[FieldError]:
    """A domain name of three parts or more."""
    if not name:
        return [required(path)]
    errors = [invalid(path, name, text) for text in is_fully_qualified_domain_name(name)]
    if not errors and len(name.split(".")) < 3:
        errors.append(invalid(path, name, "should be a domain with at least three segments "
                              "separated by dots"))
    return errors


def _version_errors(hook: Object, path: Path) -> list[FieldError]:
    versions = hook.get("admissionReviewVersions") or []
    if not versions:
        return [required(path, "must specify one of v1, v1beta1")]
    if not {"v1", "v1beta1"} & set(versions):
        return [invalid(path, versions, "must include at least one of v1, v1beta1")]
    return []


def _client_errors(config: Object, path: Path) -> list[FieldError]:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    errors: list[FieldError] = []
    if url is not None and not url.startswith("https://"):
        errors.append(invalid(path.child("url"), url.partition(":")[0],
                              "'https' is the only allowed URL scheme; desired format: "
                              "https://host[/path]"))
    if service is None:
        return errors
    return errors + [required(path.child("service", name), f"service {name} is required")
                     for name in ("name", "namespace") if not service.get(name)]


def rule_errors(rule: Object, path: Path) -> list[FieldError]:
    """Which requests a rule is about."""
    errors = [required(path.child(name)) for name in _LISTS if not rule.get(name)]
    for i, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            errors.append(not_supported(path.child("operations").at(i), operation, _OPERATIONS))
    for name in ("operations", "apiGroups", "apiVersions"):
        values = rule.get(name) or []
        if len(values) > 1 and "*" in values:
            errors.append(invalid(path.child(name), values,
                                  "if '*' is present, must not specify other "
                                  + ("operations" if name == "operations" else
                                     "API groups" if name == "apiGroups" else "API versions")))
    scope = rule.get("scope")
    if scope is not None and scope not in _SCOPES:
        errors.append(not_supported(path.child("scope"), scope, _SCOPES))
    return errors


_COLUMNS: Final = (
    NAME,
    number("Webhooks", lambda obj, now: len(obj.get("webhooks") or ()), "How many it names."),
    AGE)

MUTATINGWEBHOOKCONFIGURATIONS = Resource(
    group=GROUP, version="v1", kind="MutatingWebhookConfiguration",
    plural="mutatingwebhookconfigurations", namespaced=False, categories=CATEGORIES,
    strategy=MutatingStrategy(),
    columns=_COLUMNS)

VALIDATINGWEBHOOKCONFIGURATIONS = Resource(
    group=GROUP, version="v1", kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations", namespaced=False, categories=CATEGORIES,
    strategy=WebhookConfigurationStrategy(), columns=_COLUMNS)
