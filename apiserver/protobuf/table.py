"""The field table of Kubernetes' protobuf messages, read once from `fields.txt`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from apiserver.machinery.gvk import GVK

META: Final = "M.v1"
UNKNOWN: Final = "P.runtime.Unknown"
_PACKAGES: Final = {
    "apiextensions": "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions",
    "apiregistration": "k8s.io.kube_aggregator.pkg.apis.apiregistration",
    "audit": "k8s.io.apiserver.pkg.apis.audit",
}


class Field(NamedTuple):
    """One field of a message."""

    name: str
    """Its JSON name."""
    label: str
    """optional, repeated, map (string keys) or inline (its fields stand in the parent)."""
    type: str
    """string, bytes, bool, int32, int64, double, or a message's name."""


Message = dict[int, Field]


@cache
def messages() -> dict[str, Message]:
    """All messages by name; never to be changed."""
    table: dict[str, Message] = {}
    message: Message = {}
    text = files(__package__).joinpath("fields.txt").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("\t"):
            number, name, label, type_ = line.split()
            message[int(number)] = Field(name, label, type_)
        elif not line.startswith("#"):
            message = table.setdefault(line, {})
    return table


def message_of(gvk: GVK) -> str:
    """The message of a kind; '' when the table has none."""
    first = gvk.group.split(".")[0] or "core"
    package = _PACKAGES.get(first, f"A.{first}")
    for name in (f"{package}.{gvk.version}.{gvk.kind}", f"{META}.{gvk.kind}"):
        if name in messages():
            return name
    return ""
