"""What the rules of one namespace share: lists of `recent`, accounts of `nfacct`.

A list lives as long as a rule names it, as in the kernel (xt_recent counts its users): rules hold
it, and the table of all lists does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

from netsim.ipset.sets import IpSet, User

ENTRIES: Final = 100
"""Addresses that a list remembers (ip_list_tot); the one not seen for longest goes first."""
STAMPS: Final = 32
"""Times that an entry remembers, unless a rule's --hitcount asks for more."""


@dataclass(slots=True)
class RecentEntry:
    """One address in a list: when it was seen, and with what TTL."""

    ttl: int
    stamps: list[float]


class RecentList:
    """A named list of `-m recent`; entries in the order in which they were last touched."""

    __slots__ = ("__weakref__", "entries", "name", "stamps")

    def __init__(self, name: str) -> None:
        self.name = name
        self.entries: dict[tuple[int, int], RecentEntry] = {}
        """By family and masked address."""
        self.stamps = STAMPS

    def lookup(self, key: tuple[int, int], ttl: int) -> RecentEntry | None:
        """The entry; with a TTL other than 0 only if it was seen with that one."""
        entry = self.entries.get(key)
        return None if entry is None or (ttl and entry.ttl not in (0, ttl)) else entry

    def add(self, key: tuple[int, int], now: float, ttl: int) -> None:
        """A new entry."""
        if len(self.entries) >= ENTRIES:
            del self.entries[next(iter(self.entries))]
        self.entries[key] = RecentEntry(ttl, [now])

    def update(self, key: tuple[int, int], now: float, ttl: int) -> None:
        """The address was seen again."""
        entry = self.entries.pop(key)
        entry.ttl = ttl
        entry.stamps.append(now)
        del entry.stamps[: -self.stamps]
        self.entries[key] = entry

    def reap(self, key: tuple[int, int], before: float) -> None:
        """Forget the oldest entry if it was last seen before then and is not `key`."""
        oldest = next(iter(self.entries), key)
        if oldest != key and self.entries[oldest].stamps[-1] < before:
            del self.entries[oldest]


@dataclass(slots=True)
class Account:
    """One `nfacct` object."""

    packets: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Shared:
    """What the rules of one namespace have in common."""

    recent: WeakValueDictionary[str, RecentList] = field(default_factory=WeakValueDictionary)
    accounts: dict[str, Account] = field(default_factory=dict)
    ipsets: dict[str, IpSet] | None = None
    """The namespace's sets by name; None: rules stand nowhere, and no set is looked for."""

    def use_set(self, name: str) -> User | None:
        """Note that a rule names a set; the note goes with the rule."""
        found = self.ipsets.get(name) if self.ipsets is not None else None
        if found is None:
            return None
        user = User()
        found.users.add(user)
        return user

    def recent_list(self, name: str, hit_count: int) -> RecentList:
        """The list of that name, with room for `hit_count` times in an entry."""
        found = self.recent.get(name)
        if found is None:
            found = self.recent[name] = RecentList(name)
        found.stamps = max(found.stamps, hit_count)
        return found

    def account(self, name: str) -> Account:
        """The accounting object of that name."""
        return self.accounts.setdefault(name, Account())
