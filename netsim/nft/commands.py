"""The commands of nft, one after the other: add, create, insert, replace, delete, flush, list.

`execute` carries out a text on a rule set and gives what its `list` commands print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.nft.errors import BUSY, EXISTS, MISSING, NOT_FOUND, NftError, NftSyntaxError
from netsim.nft.listing import PLAIN, chain_text, list_table, set_text, table_text
from netsim.nft.loops import refuse_loops
from netsim.nft.parse import (
    parse_chain_body,
    parse_elements,
    parse_family,
    parse_set,
    parse_table,
    read_rule,
)
from netsim.nft.ruleset import VERSIONS
from netsim.nft.statements import Go, VerdictMap
from netsim.nft.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.nft.listing import Style
    from netsim.nft.ruleset import Chain, Rule, Ruleset, SetOrMap, Table

__all__ = ["execute", "parse"]


def parse(ruleset: Ruleset, text: str) -> None:
    """Carry out the text on the rule set. Raises NftError; then part of it may have been done."""
    execute(ruleset, text)


def execute(ruleset: Ruleset, text: str, style: Style = PLAIN) -> str:
    """The same; what its `list` commands print."""
    session = _Session(ruleset, Tokens(text), style)
    try:
        session.run()
    except NftError as error:
        if error.span is None:
            error.span = session.tokens.span()
        raise
    return "".join(session.output)


class _Session:
    """One text on its way through."""

    def __init__(self, ruleset: Ruleset, tokens: Tokens, style: Style) -> None:
        self.ruleset = ruleset
        self.tokens = tokens
        self.style = style
        self.output: list[str] = []

    def run(self) -> None:
        """All commands. A block without a verb is added."""
        while self.tokens.skip_breaks():
            verb = "add" if self.tokens.peek() in _ADDED else self.tokens.next()
            kind = self.tokens.next()
            command = _COMMANDS.get((verb, kind))
            if command is None:
                raise NftSyntaxError(f"syntax error, unexpected {kind}", self.tokens.span())
            command(self)
            if not self.tokens.at_break():
                word = self.tokens.next()
                raise NftSyntaxError(f"syntax error, unexpected {word}", self.tokens.span())

    # ------------------------------------------------------------ what commands name

    def table(self, message: str = NOT_FOUND) -> Table:
        """`[FAMILY] TABLE`, which must be there."""
        table = self.ruleset.tables.get((parse_family(self.tokens), self.tokens.name()))
        if table is None:
            raise NftError(message, self.tokens.span())
        return table

    def chain(self, message: str = NOT_FOUND) -> Chain:
        """`[FAMILY] TABLE CHAIN`, which must be there."""
        chain = self.table(message).chains.get(self.tokens.name())
        if chain is None:
            raise NftError(message, self.tokens.span())
        return chain

    def set(self, *kinds: str, message: str = MISSING) -> SetOrMap:
        """`[FAMILY] TABLE SET`, which must be there and of that kind."""
        item = self.table(message).sets.get(self.tokens.name())
        if item is None or item.kind not in kinds:
            raise NftError(message, self.tokens.span())
        return item

    def rule(self, chain: Chain, word: str = "handle") -> Rule:
        """`handle N` of a rule in the chain."""
        if not self.tokens.accept(word):
            self.tokens.expect(word)
        number = self.tokens.name()
        rule = next((r for r in chain.rules if str(r.handle) == number), None)
        if rule is None:
            raise NftError(NOT_FOUND, self.tokens.span())
        return rule

    # ------------------------------------------------------------ add and create

    def add_table(self) -> None:
        """table [FAMILY] NAME [{ ... }]"""
        parse_table(self.ruleset, self.tokens)

    def create_table(self) -> None:
        """The same, but there must be none yet."""
        family, name = parse_family(self.tokens), self.tokens.name()
        if (family, name) in self.ruleset.tables:
            raise NftError(EXISTS, self.tokens.span())
        self.ruleset.ensure_table(family, name)

    def add_chain(self, *, create: bool = False) -> None:
        """chain [FAMILY] TABLE NAME [{ ... }]"""
        table, name = self.table(), self.tokens.name()
        if create and name in table.chains:
            raise NftError(EXISTS, self.tokens.span())
        chain = table.ensure_chain(name)
        if self.tokens.peek() == "{":
            parse_chain_body(chain, self.tokens.block())

    def create_chain(self) -> None:
        """The same, but there must be none yet."""
        self.add_chain(create=True)

    def add_set(self) -> None:
        """set [FAMILY] TABLE NAME { type ...; }; one that is there stays."""
        self._add_set(verdicts=False)

    def add_map(self) -> None:
        """map [FAMILY] TABLE NAME { type ... : verdict; }"""
        self._add_set(verdicts=True)

    def _add_set(self, *, verdicts: bool) -> None:
        table = self.table()
        item = parse_set(table, self.tokens, verdicts=verdicts)
        if item.name not in table.sets:
            table.add_set(item)

    def add_element(self) -> None:
        """element [FAMILY] TABLE SET { ... }"""
        parse_elements(self.set("set", "map"), self.tokens.block())

    def add_rule(self) -> None:
        """rule [FAMILY] TABLE CHAIN [handle N] STATEMENTS: at the end, or after that rule."""
        self._place_rule(after=True)

    def insert_rule(self) -> None:
        """rule [FAMILY] TABLE CHAIN [handle N] STATEMENTS: first, or before that rule."""
        self._place_rule(after=False)

    def _place_rule(self, *, after: bool) -> None:
        chain = self.chain()
        place = len(chain.rules) if after else 0
        if self.tokens.peek() in ("handle", "position"):
            place = chain.rules.index(self.rule(chain, self.tokens.peek())) + after
        chain.insert(place, self._new_rule(chain))
        try:
            refuse_loops(chain.table)
        except NftError:
            chain.delete(chain.rules[place])
            raise

    def _new_rule(self, chain: Chain) -> Rule:
        rule = read_rule(chain.table, self.tokens)
        if not rule.statements:
            self.tokens.next()
        return rule

    def replace_rule(self) -> None:
        """rule [FAMILY] TABLE CHAIN handle N STATEMENTS"""
        chain = self.chain()
        old = self.rule(chain)
        new = self._new_rule(chain)
        chain.replace([new if rule is old else rule for rule in chain.rules])

    # ------------------------------------------------------------ delete, flush, rename

    def delete_table(self) -> None:
        """table [FAMILY] NAME"""
        table = self.table()
        self.ruleset.delete_table(table.family, table.name)

    def delete_chain(self) -> None:
        """chain [FAMILY] TABLE NAME, unless something leads to it."""
        chain = self.chain()
        if chain.name in _named(chain.table, "chain"):
            raise NftError(BUSY, self.tokens.span())
        chain.table.delete_chain(chain.name)

    def delete_set(self) -> None:
        """set or map [FAMILY] TABLE NAME, unless a rule uses it."""
        item = self.set("set", "map", message=NOT_FOUND)
        if item.name in _named(item.table, "name"):
            raise NftError(BUSY, self.tokens.span())
        item.table.delete_set(item.name)

    def delete_element(self) -> None:
        """element [FAMILY] TABLE SET { ... }"""
        item = self.set("set", "map")
        parse_elements(item, self.tokens.block(), remove=True)

    def delete_rule(self) -> None:
        """rule [FAMILY] TABLE CHAIN handle N"""
        chain = self.chain()
        chain.delete(self.rule(chain))

    def flush_ruleset(self) -> None:
        """Everything goes."""
        self.ruleset.flush()

    def flush_table(self) -> None:
        """All rules of a table go, its chains stay."""
        for chain in self.table().chains.values():
            chain.flush()

    def flush_chain(self) -> None:
        """All rules of a chain go."""
        self.chain().flush()

    def flush_set(self) -> None:
        """All elements go."""
        item = self.set("set", "map")
        for key in list(item.elements):
            item.delete(key)

    # ------------------------------------------------------------ list

    def _tables(self) -> list[Table]:
        """All tables, or those of the family that is named."""
        family = self.tokens.next() if self.tokens.peek() in VERSIONS else ""
        return [t for t in self.ruleset.tables.values() if family in ("", t.family)]

    def list_ruleset(self) -> None:
        """ruleset [FAMILY]"""
        self.output += [list_table(table, self.style) for table in self._tables()]

    def list_tables(self) -> None:
        """tables [FAMILY]"""
        self.output += [f"table {table.family} {table.name}\n" for table in self._tables()]

    def list_table(self) -> None:
        """table [FAMILY] NAME"""
        self.output.append(list_table(self.table(MISSING), self.style))

    def list_chains(self) -> None:
        """chains [FAMILY]: without their rules."""
        for table in self._tables():
            texts = (chain_text(c, self.style, rules=False) for c in table.chains.values())
            self.output.append(table_text(table, "".join(texts), self.style))

    def list_chain(self) -> None:
        """chain [FAMILY] TABLE NAME"""
        chain = self.chain(MISSING)
        text = chain_text(chain, self.style)
        self.output.append(table_text(chain.table, text, self.style))

    def list_sets(self) -> None:
        """sets [FAMILY]"""
        self._list_sets("set")

    def list_maps(self) -> None:
        """maps [FAMILY]"""
        self._list_sets("map")

    def _list_sets(self, kind: str) -> None:
        for table in self._tables():
            found = (item for item in table.sets.values() if item.kind == kind)
            body = "".join(set_text(item, self.style) for item in found)
            self.output.append(table_text(table, body, self.style))

    def list_set(self) -> None:
        """set [FAMILY] TABLE NAME"""
        self._list_set("set")

    def list_map(self) -> None:
        """map [FAMILY] TABLE NAME"""
        self._list_set("map")

    def _list_set(self, kind: str) -> None:
        item = self.set(kind)
        self.output.append(table_text(item.table, set_text(item, self.style), self.style))


def _named(table: Table, field: str) -> set[str]:
    """Chains that rules and maps lead to, or (field `name`) sets that rules use."""
    found: set[str] = set()
    for chain in table.chains.values():
        for rule in chain.rules:
            for statement in rule.statements:
                found |= _names_in(statement, field)
    if field == "chain":
        verdicts = (e.verdict for item in table.sets.values() for e in item.elements.values())
        found |= {verdict.chain for verdict in verdicts if verdict}
    return found - {""}


def _names_in(statement: object, field: str) -> set[str]:
    if field == "name":
        sources = (statement, getattr(statement, "right", None))
        return {getattr(source, "name", "") for source in sources}
    if isinstance(statement, VerdictMap):
        return {go.chain for _, go in statement.elements}
    return {statement.chain} if isinstance(statement, Go) else set()


_ADDED: Final = frozenset(("table", "chain", "rule", "set", "map", "element"))
_COMMANDS: Final[dict[tuple[str, str], Callable[[_Session], None]]] = {
    ("add", "table"): _Session.add_table,
    ("add", "chain"): _Session.add_chain,
    ("add", "set"): _Session.add_set,
    ("add", "map"): _Session.add_map,
    ("add", "element"): _Session.add_element,
    ("add", "rule"): _Session.add_rule,
    ("create", "table"): _Session.create_table,
    ("create", "chain"): _Session.create_chain,
    ("insert", "rule"): _Session.insert_rule,
    ("replace", "rule"): _Session.replace_rule,
    ("delete", "table"): _Session.delete_table,
    ("delete", "chain"): _Session.delete_chain,
    ("delete", "set"): _Session.delete_set,
    ("delete", "map"): _Session.delete_set,
    ("delete", "element"): _Session.delete_element,
    ("delete", "rule"): _Session.delete_rule,
    ("flush", "ruleset"): _Session.flush_ruleset,
    ("flush", "table"): _Session.flush_table,
    ("flush", "chain"): _Session.flush_chain,
    ("flush", "set"): _Session.flush_set,
    ("flush", "map"): _Session.flush_set,
    ("list", "ruleset"): _Session.list_ruleset,
    ("list", "tables"): _Session.list_tables,
    ("list", "table"): _Session.list_table,
    ("list", "chains"): _Session.list_chains,
    ("list", "chain"): _Session.list_chain,
    ("list", "sets"): _Session.list_sets,
    ("list", "set"): _Session.list_set,
    ("list", "maps"): _Session.list_maps,
    ("list", "map"): _Session.list_map,
}
