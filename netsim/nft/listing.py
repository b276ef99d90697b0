"""Text as `nft list ruleset` prints it (nft 1.0.6). Models libnftables' rule.c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.netfilter.hooks import Hook, Priority
from netsim.nft.datatypes import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netsim.nft.expressions import Value
    from netsim.nft.ruleset import BaseChain, Chain, Element, Ruleset, SetOrMap, Table

__all__ = [
    "PLAIN",
    "PRIORITIES",
    "Style",
    "chain_text",
    "list_ruleset",
    "list_table",
    "set_text",
    "table_text",
]

PRIORITIES: Final = {
    "raw": (int(Priority.RAW), frozenset(Hook)),
    "mangle": (int(Priority.MANGLE), frozenset(Hook)),
    "dstnat": (int(Priority.NAT_DST), frozenset((Hook.PREROUTING,))),
    "filter": (int(Priority.FILTER), frozenset(Hook)),
    "security": (int(Priority.SECURITY), frozenset(Hook)),
    "srcnat": (int(Priority.NAT_SRC), frozenset((Hook.POSTROUTING,))),
}
"""Names of priorities, and the hooks at which they may be said."""

_CONTINUATION: Final = ",\n\t\t\t     "


@dataclass(frozen=True, slots=True)
class Style:
    """How to list: what `now` is (elements say how long they live), and whether with handles."""

    now: float = 0.0
    handles: bool = False

    def head(self, text: str, handle: int) -> str:
        """The line that opens a block."""
        return f"{text} {{ # handle {handle}" if self.handles else f"{text} {{"


PLAIN: Final = Style()


def list_ruleset(ruleset: Ruleset, now: float = 0.0) -> str:
    """Every table; `now` tells how long timed elements still live."""
    return "".join(list_table(table, Style(now)) for table in ruleset.tables.values())


def list_table(table: Table, style: Style = PLAIN) -> str:
    """One table: its sets and maps, then its chains, a blank line between."""
    blocks = [set_text(item, style) for item in table.sets.values()]
    blocks += [chain_text(chain, style) for chain in table.chains.values()]
    start = ""
    if table.comment:
        start = f'\tcomment "{table.comment}"\n' + ("\n" if blocks and not table.sets else "")
    return table_text(table, start + "\n".join(blocks), style)


def table_text(table: Table, body: str, style: Style = PLAIN) -> str:
    """The lines of a table around what it is asked to show."""
    return f"{style.head(f'table {table.family} {table.name}', table.handle)}\n{body}}}\n"


def _block(head: str, lines: Iterable[str]) -> str:
    return "".join([f"\t{head}\n", *(f"\t\t{line}\n" for line in lines), "\t}\n"])


def set_text(item: SetOrMap, style: Style = PLAIN) -> str:
    """A set or map."""
    head = style.head(f"{item.kind} {item.name}", item.handle)
    return _block(head, _set_lines(item, style.now))


def chain_text(chain: Chain, style: Style = PLAIN, *, rules: bool = True) -> str:
    """A chain, with its rules or without."""
    head = style.head(f"chain {chain.name}", chain.handle)
    return _block(head, _chain_lines(chain, style, rules))


def _set_lines(item: SetOrMap, now: float) -> Iterator[str]:
    types = " . ".join(t.name for t in item.types)
    yield f"type {types} : verdict" if item.verdicts else f"type {types}"
    if item.size:
        yield f"size {item.size}"
    if item.flags:
        yield f"flags {','.join(item.flags)}"
    if item.timeout:
        yield f"timeout {duration_text(item.timeout)}"
    if item.comment:
        yield f'comment "{item.comment}"'
    texts = [
        _element_text(item, key, element, now)
        for key, element in _in_order(item)
        if not element.expires or element.expires > now
    ]
    if texts:
        yield f"elements = {{ {_wrapped(texts, item)} }}"


def _in_order(item: SetOrMap) -> list[tuple[Value, Element]]:
    return sorted(item.elements.items(), key=lambda pair: pair[0])


def _wrapped(texts: list[str], item: SetOrMap) -> str:
    """The elements, as many in a line as their type has."""
    width = item.types[0].in_a_line if len(item.types) == 1 and not item.verdicts else 1
    lines = (", ".join(texts[i : i + width]) for i in range(0, len(texts), width))
    return _CONTINUATION.join(lines)


def _element_text(item: SetOrMap, key: Value, element: Element, now: float) -> str:
    values = key if isinstance(key, tuple) else (key,)
    text = " . ".join(t.show(v) for t, v in zip(item.types, values, strict=True))
    if element.expires:
        text += f" expires {duration_text(element.expires - now)}"
    if element.comment:
        text += f' comment "{element.comment}"'
    return f"{text} : {element.verdict}" if element.verdict else text


def _chain_lines(chain: Chain, style: Style, rules: bool) -> Iterator[str]:
    if chain.comment:
        yield f'comment "{chain.comment}"'
    if chain.base:
        yield _base_line(chain.base)
    for rule in chain.rules if rules else ():
        yield f"{rule} # handle {rule.handle}" if style.handles else str(rule)


def _base_line(base: BaseChain) -> str:
    priority = _priority_text(base.priority, base.hook)
    where = f"type {base.type} hook {base.hook.name.lower()} priority {priority}"
    return f"{where}; policy {base.policy.name.lower()};"


def _priority_text(priority: int, hook: Hook) -> str:
    """The name of the nearest standard priority, if one is within 10."""
    for name, (standard, hooks) in PRIORITIES.items():
        offset = priority - standard
        if hook in hooks and abs(offset) <= 10:
            sign = "+" if offset > 0 else "-"
            return f"{name} {sign} {abs(offset)}" if offset else name
    return str(priority)
