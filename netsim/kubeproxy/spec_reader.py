"""kube-proxy's rules from text into specs, faster than by the general reader.

The rules of ten thousand Services are made of few different parts. Each part is read once and its
value is shared, so a rule costs little more than its addresses. The result is that of
`netsim.netfilter.rule_text.parse_rule`, which reads what is not known yet.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from netsim.netfilter.addresses import parse_addresses
from netsim.netfilter.extension import Given, Value
from netsim.netfilter.matches.comment import Comment
from netsim.netfilter.rule_text import parse_rule
from netsim.netfilter.ruleset import InterfaceTest, Jump, RuleSpec
from netsim.netfilter.targets import TARGETS

if TYPE_CHECKING:
    from netsim.netfilter.extension import Match, Target

__all__ = ["SpecReader", "reader_of"]

_PART: Final = re.compile(r" (?=-[mj] )")
"""No comment of kube-proxy has an option in it: names are DNS labels."""
_COMMENT: Final = re.compile(r'-m comment --comment "([^"\\]+)"')
_CHAIN: Final = re.compile(r"-j (KUBE-[A-Z0-9-]+)")
_DNAT: Final = "-j DNAT --to-destination "
_SHARED_PARTS: Final = 4096
"""Most parts that are kept."""


@cache
def reader_of(version: int) -> SpecReader:
    """The reader of a family (4 or 6), shared by all nodes: what it keeps never changes."""
    return SpecReader(version)


class SpecReader:
    """Reads the rules of one family."""

    def __init__(self, version: int) -> None:
        """`version`: 4 or 6."""
        self._version = version
        self._matches: dict[str, Match] = {}
        self._targets: dict[str, Jump | Target] = {}
        self._protocols: dict[str, Any] = {}

    def read(self, text: str) -> RuleSpec:
        """What follows `-A CHAIN`. Raises RuleSyntaxError."""
        head, *parts = _PART.split(f" {text}")
        where = self._where(head.split())
        context = f"-p {name}" if (name := head.partition("-p ")[2]) else ""
        target = self._target(context, parts.pop()) if parts[-1].startswith("-j") else None
        matches = tuple(self._match(context, part) for part in parts)
        return RuleSpec(matches=matches, target=target, **where)

    def _where(self, words: list[str]) -> dict[str, Any]:
        """Addresses, interface and protocol."""
        fields: dict[str, Any] = {}
        inverted = False
        while words:
            option = words.pop(0)
            if option == "!":
                inverted = True
                continue
            value = words.pop(0)
            if option in ("-s", "-d"):
                name = "source" if option == "-s" else "destination"
                fields[name] = parse_addresses(self._version, value, inverted)[0]
            elif option == "-i":
                fields["in_interface"] = InterfaceTest(value, inverted)
            else:
                fields["protocol"] = self._protocol(value)
            inverted = False
        return fields

    def _protocol(self, name: str) -> Any:
        if name not in self._protocols:
            self._protocols[name] = parse_rule(f"-p {name}", self._version).protocol
        return self._protocols[name]

    def _match(self, context: str, part: str) -> Match:
        remark = _COMMENT.fullmatch(part)
        if remark:
            return Comment(remark[1])
        key = f"{context} {part}"
        found = self._matches.get(key)
        if found is None:
            (found,) = parse_rule(key, self._version).matches
            if len(self._matches) < _SHARED_PARTS:
                self._matches[key] = found
        return found

    def _target(self, context: str, part: str) -> Jump | Target:
        if part.startswith(_DNAT):
            return self._dnat(context, part.removeprefix(_DNAT))
        key = f"{context} {part}"
        found = self._targets.get(key)
        if found is None:
            chain = _CHAIN.fullmatch(part)
            read = Jump(chain[1]) if chain else parse_rule(key, self._version).target
            assert read is not None
            found = read
            if len(self._targets) < _SHARED_PARTS:
                self._targets[key] = found
        return found

    def _dnat(self, context: str, destination: str) -> Target:
        """Every endpoint has a destination of its own."""
        protocol = self._protocol(context.removeprefix("-p "))
        values = {"--to-destination": Value(destination)}
        return TARGETS["DNAT"].parse(Given("DNAT", self._version, protocol, values))
