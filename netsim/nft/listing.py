"""Text as `nft list ruleset` prints it (nft 1.0.6). Models libnftables' rule.c."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.netfilter.hooks import Hook, Priority
from netsim.nft.datatypes import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.nft.expressions import Value
    from netsim.nft.ruleset import BaseChain, Chain, Element, Ruleset, SetOrMap, Table

__all__ = ["PRIORITIES", "list_ruleset", "list_table"]

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


def list_ruleset(ruleset: Ruleset, now: float = 0.0) -> str:
    """Every table; `now` tells how long timed elements still live."""
    return "".join(list_table(table, now) for table in ruleset.tables.values())


def list_table(table: Table, now: float = 0.0) -> str:
    """One table: its sets and maps, then its chains, a blank line between."""
    blocks = [_set_text(item, now) for item in table.sets.values()]
    blocks += [_chain_text(chain) for chain in table.chains.values()]
    start = f"table {table.family} {table.name} {{\n"
    if table.comment:
        start += f'\tcomment "{table.comment}"\n' + ("\n" if blocks and not table.sets else "")
    return start + "\n".join(blocks) + "}\n"


def _block(head: str, lines: Iterator[str]) -> str:
    return "".join([f"\t{head} {{\n", *(f"\t\t{line}\n" for line in lines), "\t}\n"])


def _set_text(item: SetOrMap, now: float) -> str:
    return _block(f"{item.kind} {item.name}", _set_lines(item, now))


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


def _chain_text(chain: Chain) -> str:
    return _block(f"chain {chain.name}", _chain_lines(chain))


def _chain_lines(chain: Chain) -> Iterator[str]:
    if chain.comment:
        yield f'comment "{chain.comment}"'
    if chain.base:
        yield _base_line(chain.base)
    for rule in chain.rules:
        yield str(rule)


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
