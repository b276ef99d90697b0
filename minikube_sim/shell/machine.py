"""What a shell runs on: the computer as its commands see it, a node or a container."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netsim.namespace import Namespace


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A line of `ps`."""

    pid: int
    user: str
    command: str


@dataclass(slots=True, kw_only=True)
class Machine:
    """One computer: its name, network stack, files and clock."""

    hostname: str
    network: Namespace
    now: Callable[[], float]
    """The cluster clock, in seconds since 1970."""
    files: MutableMapping[str, str] = field(default_factory=dict)
    """Text by absolute path; commands may add to it."""
    user: str = "docker"
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: Callable[[], Sequence[ProcessInfo]] = lambda: ()
    resolve: Callable[[str], str | None] = lambda name: None
    """From a host name to an address; None: no such host."""
    booted: float = 0.0
    """When it started, in seconds since 1970."""
    tools: Mapping[str, Any] = field(default_factory=dict)
    """Further commands of this machine by name: an image's own programs."""

    @property
    def kind(self) -> str:
        """`node` or `container`: nodes have the network administrator's tools."""
        return "node" if self.network.tracking else "container"
