"""/healthz, /livez, /readyz: whole, by check, and verbose. Models apiserver/pkg/server/healthz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.handlers.answer import not_found_text, text_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.handlers.answer import Answer
    from apiserver.handlers.request import Request

ENDPOINTS: Final = frozenset({"healthz", "livez", "readyz"})
_COMMON: Final = (
    "ping", "log", "etcd",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/bootstrap-controller",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/start-kubernetes-service-cidr-controller",
)
_ONLY_READY: Final = ("informer-sync", "shutdown")

Check = "Callable[[], str]"


class Health:
    """The checks by name; each says what is wrong, '' when nothing is."""

    def __init__(self, checks: Mapping[str, Callable[[], str]] | None = None) -> None:
        self._checks = dict(checks or {})

    def answer(self, request: Request, path: str) -> Answer:
        """`ok`, or which check failed; `/livez/etcd` asks one of them."""
        endpoint, _, one = path.strip("/").partition("/")
        names = self._names(endpoint)
        if one:
            return self._single(one) if one in names else not_found_text()
        excluded = set(request.query.get("exclude", ()))
        return self._all(endpoint, [name for name in names if name not in excluded],
                         verbose="verbose" in request.query, excluded=excluded & set(names))

    def _names(self, endpoint: str) -> list[str]:
        ready = _ONLY_READY if endpoint == "readyz" else ()
        return [*_COMMON, *(name for name in self._checks if name not in _COMMON), *ready]

    def _problem(self, name: str) -> str:
        check = self._checks.get(name)
        return check() if check is not None else ""

    def _single(self, name: str) -> Answer:
        problem = self._problem(name)
        if problem:
            return text_answer(f"internal server error: {problem}\n".encode(), status=500)
        return text_answer(b"ok")

    def _all(self, endpoint: str, names: Sequence[str], *, verbose: bool,
             excluded: set[str]) -> Answer:
        failed = [name for name in names if self._problem(name)]
        if not failed and not verbose:
            return text_answer(b"ok")
        lines = [f"[-]{name} failed: reason withheld" if name in failed else f"[+]{name} ok"
                 for name in names]
        lines += [f"[+]{name} excluded: ok" for name in sorted(excluded)]
        lines.append(f"{endpoint} check {'failed' if failed else 'passed'}")
        return text_answer("\n".join([*lines, ""]).encode(), status=500 if failed else 200)
