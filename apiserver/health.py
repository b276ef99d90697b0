"""/healthz, /livez, /readyz: whole, by check, and verbose. Models apiserver/pkg/server/healthz."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from apiserver.handlers.answer import not_found_text, text_answer
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from apiserver.handlers.answer import Answer
    from apiserver.handlers.request import Request

ENDPOINTS: Final = ("healthz", "livez", "readyz")
_READY: Final = frozenset({"etcd-readiness", "informer-sync", "shutdown"})
"""What only /readyz asks."""
_HOOK: Final = "poststarthook/"
_CHECKS: Final = (
    "ping", "log", "etcd", "etcd-readiness", "informer-sync",
    *(_HOOK + name for name in (
        "start-apiserver-admission-initializer", "generic-apiserver-start-informers",
        "priority-and-fairness-config-consumer", "priority-and-fairness-filter",
        "storage-object-count-tracker-hook", "start-apiextensions-informers",
        "start-apiextensions-controllers", "crd-informer-synced",
        "start-system-namespaces-controller", "start-cluster-authentication-info-controller",
        "start-kube-apiserver-identity-lease-controller",
        "start-kube-apiserver-identity-lease-garbage-collector",
        "start-legacy-token-tracking-controller", "start-service-ip-repair-controllers",
        "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes",
        "priority-and-fairness-config-producer", "bootstrap-controller",
        "start-kubernetes-service-cidr-controller", "aggregator-reload-proxy-client-cert",
        "start-kube-aggregator-informers", "apiservice-status-local-available-controller",
        "apiservice-status-remote-available-controller", "apiservice-registration-controller",
        "apiservice-discovery-controller", "kube-apiserver-autoregistration")),
    "autoregister-completion", _HOOK + "apiservice-openapi-controller",
    _HOOK + "apiservice-openapiv3-controller", "shutdown")
"""In the order of a real server. What we start is done before we listen, so a check passes unless
something below it says otherwise."""
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


class Health:
    """The checks by name; each says what is wrong, '' when nothing is."""

    def __init__(self, checks: Mapping[str, Callable[[], str]] | None = None) -> None:
        self._checks = dict(checks or {})
        self.results: Counter[tuple[str, str, str]] = Counter()
        """How often each check passed and failed: by name, endpoint and status."""

    def answer(self, request: Request, path: str) -> Answer:
        """`ok`, or which check failed; `/livez/etcd` asks one of them."""
        endpoint, _, one = path.strip("/").partition("/")
        if one:
            return self._single(one) if one in self.names(endpoint) else not_found_text()
        excluded = dict.fromkeys(request.query.get("exclude", ()))
        return self._all(endpoint, excluded, verbose="verbose" in request.query)

    def names(self, endpoint: str) -> list[str]:
        """The checks of an endpoint, in order."""
        return [*(name for name in _CHECKS if endpoint == "readyz" or name not in _READY),
                *(name for name in self._checks if name not in _CHECKS)]

    def paths(self) -> Iterator[str]:
        """Every path that answers."""
        for endpoint in ENDPOINTS:
            yield f"/{endpoint}"
            yield from (f"/{endpoint}/{name}" for name in self.names(endpoint))

    def states(self) -> Iterator[tuple[str, str, bool]]:
        """Name, endpoint, and whether the check passes now."""
        for endpoint in ENDPOINTS:
            for name in self.names(endpoint):
                yield name, endpoint, not self._problem(name)

    def _problem(self, name: str) -> str:
        check = self._checks.get(name)
        return check() if check is not None else ""

    def _single(self, name: str) -> Answer:
        problem = self._problem(name)
        if problem:
            answer = text_answer(f"internal server error: {problem}\n".encode(), status=500)
            answer.headers.append(_NOSNIFF)
            return answer
        return text_answer(b"ok")

    def _all(self, endpoint: str, excluded: dict[str, None], *, verbose: bool) -> Answer:
        lines, failed = [], False
        for name in self.names(endpoint):
            if name in excluded:
                del excluded[name]
                lines.append(f"[+]{name} excluded: ok")
                continue
            good = not self._problem(name)
            self.results[name, endpoint, "success" if good else "error"] += 1
            failed = failed or not good
            lines.append(f"[+]{name} ok" if good else f"[-]{name} failed: reason withheld")
        if excluded:
            lines.append("warn: some health checks cannot be excluded: no matches for "
                         + ", ".join(go_quote(name) for name in excluded))
        lines.append(f"{endpoint} check {'failed' if failed else 'passed'}\n")
        text = "\n".join(lines) if failed or verbose else "ok"
        answer = text_answer(text.encode(), status=500 if failed else 200)
        answer.headers.append(_NOSNIFF)
        return answer
