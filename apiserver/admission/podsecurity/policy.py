"""Which levels a namespace's labels ask for. Models pod-security-admission/api/helpers.go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "pod-security.kubernetes.io/"
LEVELS: Final = ("privileged", "baseline", "restricted")
_VERSION: Final = re.compile("v1\\.([0-9]|[1-9][0-9]*)")
_LABELS: Final = Path("metadata.labels")


@dataclass(frozen=True, slots=True)
class LevelVersion:
    """`restricted:latest`."""

    level: str = "privileged"
    version: str = "latest"

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is refused, noted in the audit log, and warned of."""

    enforce: LevelVersion
    audit: LevelVersion
    warn: LevelVersion
    errors: tuple[FieldError, ...] = ()
    """Labels that are not understood."""

    @property
    def demands_nothing(self) -> bool:
        """Everything is allowed (FullyPrivileged)."""
        return not self.errors and {
            self.enforce.level, self.audit.level, self.warn.level} == {"privileged"}


def policy_of(labels: Mapping[str, str]) -> Policy:
    """The policy of a namespace (PolicyToEvaluate)."""
    errors: list[FieldError] = []
    enforce = _read(labels, "enforce", "restricted", errors)
    audit = _read(labels, "audit", "privileged", errors)
    warn = _read(labels, "warn", "privileged", errors)
    stated = labels.get(f"{PREFIX}enforce") in LEVELS
    if f"{PREFIX}warn" not in labels and stated and enforce.level != "privileged":
        own = f"{PREFIX}warn-version" in labels
        warn = LevelVersion(enforce.level, warn.version if own else enforce.version)
    return Policy(enforce, audit, warn, tuple(errors))


def _read(labels: Mapping[str, str], mode: str, otherwise: str,
          errors: list[FieldError]) -> LevelVersion:
    """One mode; `otherwise` is the level of a label that is not understood."""
    level = labels.get(f"{PREFIX}{mode}", "privileged")
    if level not in LEVELS:
        errors.append(invalid(_LABELS.key(f"{PREFIX}{mode}"), level,
                              f"must be one of {', '.join(LEVELS)}"))
        level = otherwise
    version = labels.get(f"{PREFIX}{mode}-version", "latest")
    if version != "latest" and not _VERSION.fullmatch(version):
        errors.append(invalid(_LABELS.key(f"{PREFIX}{mode}-version"), version,
                              'must be "latest" or "v1.x"'))
        version = "latest"
    return LevelVersion(level, version)
