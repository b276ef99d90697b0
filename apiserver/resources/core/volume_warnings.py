"""Warnings about volumes: plugins that are gone, files that cover each other, fractions of bytes.
Models the volume parts of pkg/api/pod/warnings.go and pkg/api/persistentvolumeclaim/util.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.quantity import NANO, parse_quantity
from apiserver.machinery.validation import Path, go_quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from apiserver.machinery.types import Object

_PLUGINS: Final = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_SHOWN: Final = {"storageos": "storageOS"}
"""Where a warning spells the field in another way than the API."""


def volume_warnings(volumes: Sequence[Object], path: Path) -> Iterator[str]:
    """Warnings about a pod's volumes."""
    for i, volume in enumerate(volumes):
        own = path.at(i)
        for source, text in _PLUGINS.items():
            if volume.get(source) is not None:
                yield f"{own.child(_SHOWN.get(source, source))}: {text}"
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template is not None:
            yield from claim_spec_warnings(
                template.get("spec") or {}, own.child("ephemeral", "volumeClaimTemplate", "spec"))
    for volume in volumes:
        yield from _overlaps(volume)


def claim_spec_warnings(spec: Object, path: Path) -> Iterator[str]:
    """Warnings about a PersistentVolumeClaimSpec."""
    resources = spec.get("resources") or {}
    for side in ("requests", "limits"):
        yield from byte_warnings(resources.get(side), ("storage",), path.child("resources", side))


def byte_warnings(amounts: Mapping[str, str] | None, names: Sequence[str],
                  path: Path) -> Iterator[str]:
    """Warnings about amounts that are no whole number of bytes."""
    for name in names:
        text = (amounts or {}).get(name)
        if text is not None and parse_quantity(text).nano % NANO:
            yield (f"{path.key(name)}: fractional byte value {go_quote(text)} is invalid, must be "
                   "an integer")


def _overlaps(volume: Object) -> Iterator[str]:
    """Files of one volume that cover each other."""
    name = volume.get("name") or ""
    for source, shown in (("configMap", "ConfigMap"), ("secret", "Secret"),
                          ("downwardAPI", "DownwardAPI")):
        holder = volume.get(source) or {}
        named = holder.get("name") or holder.get("secretName")
        what = f"{shown} {go_quote(named)}" if named else shown
        yield from _covered(name, what, [(path, "") for path in _paths(holder)])
    sources = (volume.get("projected") or {}).get("sources") or ()
    if not all(sources):
        yield f"volume {go_quote(name)} (Projected) has no sources provided"
    yield from _covered(name, "Projected", [pair for s in sources for pair in _projected(s)])


def _paths(holder: Object) -> list[str]:
    return [item.get("path") or "" for item in holder.get("items") or ()]


def _projected(source: Object) -> list[tuple[str, str]]:
    for kind, shown in (("configMap", "ConfigMap"), ("secret", "Secret")):
        if source.get(kind) is not None:
            what = f" ({shown} {go_quote(source[kind].get('name') or '')})"
            return [(path, what) for path in _paths(source[kind])]
    if source.get("downwardAPI") is not None:
        return [(path, " (DownwardAPI)") for path in _paths(source["downwardAPI"])]
    if source.get("serviceAccountToken") is not None:
        return [(source["serviceAccountToken"].get("path") or "", " (ServiceAccountToken)")]
    bundle = source.get("clusterTrustBundle") or {}
    named = bundle.get("name") or bundle.get("signerName") or ""
    return [(bundle["path"], f" (ClusterTrustBundle {go_quote(named)})")] \
        if bundle.get("path") else []


def _covered(volume: str, what: str, files: Sequence[tuple[str, str]]) -> Iterator[str]:
    seen: list[tuple[str, str]] = []
    for path, source in files:
        own = path.rstrip("/")
        for other, origin in seen:
            if own and other and _covers(own, other):
                yield (f"volume {go_quote(volume)} ({what}): overlapping paths: {go_quote(own)}"
                       f"{source} with {go_quote(other)}{origin}")
        seen.append((own, source))


def _covers(a: str, b: str) -> bool:
    return f"{a}/".startswith(f"{b}/") or f"{b}/".startswith(f"{a}/")
