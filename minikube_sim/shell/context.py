"""What a shell runs on: the computer as its commands see it, a node or a container."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netsim.packet import address_text

if TYPE_CHECKING:
    import random

    from apiserver.machinery.clock import Clock
    from minikube_sim.dns.resolver import Resolver
    from netsim.namespace import Namespace


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A line of `ps`."""

    pid: int
    user: str
    command: str


Resolve = Callable[[str], Awaitable[str | None]]
"""From a host name to an address; None: no such host."""


@dataclass(slots=True, kw_only=True)
class Machine:
    """One computer: its name, network stack, files and clock."""

    hostname: str
    network: Namespace
    clock: Clock
    chance: random.Random
    files: MutableMapping[str, str] = field(default_factory=dict)
    """Text by absolute path; commands may add to it."""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    user: str = "root"
    processes: Callable[[], Sequence[ProcessInfo]] = lambda: ()
    resolve: Resolve | None = None
    """Asks the name servers, after /etc/hosts; None: those of /etc/resolv.conf."""
    booted: float = 0.0
    """When it started, in seconds since 1970."""
    tools: Mapping[str, Any] = field(default_factory=dict)
    """Further commands of this machine by name: an image's own programs."""

    @property
    def address(self) -> str:
        """Its first address beside the loopback's; '' when it has none."""
        return next(iter(self.addresses), "")

    @property
    def addresses(self) -> list[str]:
        """The addresses of its first interface beside the loopback's: one, or one a family."""
        for name, interface in self.network.interfaces.items():
            if name != "lo" and interface.addresses:
                return [address_text(entry.family, entry.address) for entry in interface.addresses]
        return []

    @property
    def is_node(self) -> bool:
        """Nodes have the network administrator's tools; containers do not."""
        return self.network.tracking

    def now(self) -> float:
        """The cluster clock, in seconds since 1970."""
        return self.clock.now()

    async def lookup(self, host: str, limit: float | None = None,
                     family: int = 0) -> str | None:
        """The address of a host: itself if it is one, /etc/hosts, then the name servers, for at
        most `limit` seconds; of any family, or of 4 or 6.
        """
        if _is_address(host):
            return host if _fits(host, family) else None
        for line in self.files.get("/etc/hosts", "").splitlines():
            words = line.partition("#")[0].split()
            if host in words[1:] and _fits(words[0], family):
                return words[0]
        if self.resolve is not None:
            return await self.resolve(host)
        asker = self.resolver()
        asker.deadline = None if limit is None else self.now() + limit
        return await asker.address(host, family)

    def resolver(self) -> Resolver:
        """The stub resolver, as /etc/resolv.conf sets it up now."""
        from minikube_sim.dns.resolver import ResolvConf, Resolver

        return Resolver(network=self.network, chance=self.chance,
                        conf=ResolvConf.read(self.files.get("/etc/resolv.conf", "")))


def _fits(address: str, family: int) -> bool:
    """Whether an address is of a family; 0 is any."""
    return family in (0, 6 if ":" in address else 4)


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
