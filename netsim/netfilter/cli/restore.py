"""The command `iptables-restore` (and `ip6tables-restore`). Models xtables-restore.c.

Each table is one transaction: its lines are read first and done at COMMIT, all or none. A line that
cannot be read ends the command there; a line that does not fit the ruleset ends it at COMMIT; what
the kernel refuses is told for all lines at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.netfilter.arguments import scan
from netsim.netfilter.cli.commands import Journal, check_chain_name, check_options, execute
from netsim.netfilter.cli.listing import Format, list_rules, list_table
from netsim.netfilter.cli.result import VERSION, Result, explain
from netsim.netfilter.errors import IptablesError, KernelError, RefusedError, RuleSyntaxError
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.text import split_line
from netsim.netfilter.validate import hook_problem, reached_chains, spec_problem, tree_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netsim.netfilter.arguments import Arguments
    from netsim.netfilter.ruleset import Chain, Ruleset, RuleSpec, Table

_COUNTERS: Final = re.compile(r"\[(\d+):(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """--noflush, --test, --counters, --table."""

    noflush: bool = False
    test: bool = False
    counters: bool = False
    table: str | None = None


_FLAGS: Final = {
    "-n": "noflush", "--noflush": "noflush", "-t": "test", "--test": "test", "-c": "counters",
    "--counters": "counters",
}
_IGNORED: Final = ("-v", "--verbose", "-w", "--wait", "-4", "-6", "--ipv4", "--ipv6")


class _InputError(IptablesError):
    """The input breaks off or makes no sense; the message is printed as it is."""


def restore(
    ruleset: Ruleset, text: str, options: RestoreOptions | None = None,
) -> str:
    """Load iptables-save text; returns what listing commands in it print.

    Raises IptablesError; tables committed before the error stay as they became.
    """
    reader = _Reader(ruleset, options or RestoreOptions())
    reader.read(text)
    return "".join(reader.output)


def iptables_restore(ruleset: Ruleset, argv: Sequence[str], stdin: str) -> Result:
    """Run `iptables-restore argv` on an input."""
    program = "iptables-restore" if ruleset.family == 4 else "ip6tables-restore"
    options = _parse_options(argv)
    if isinstance(options, str):
        return Result(1, "", f"{program}: unrecognized option '{options}'\n"
                             f"Try `{program} -h' for more information.\n")
    reader = _Reader(ruleset, options)
    try:
        reader.read(stdin)
    except _InputError as error:
        return Result(error.code, "".join(reader.output), f"{program}: {error.message}\n")
    except _CommitError as error:
        message = f"{program} {VERSION}: \n{error.message}\n"
        return Result(error.code, "".join(reader.output), message)
    except IptablesError as error:
        message = explain(error, program, reader.line)
        return Result(error.code, "".join(reader.output), message)
    return Result(0, "".join(reader.output))


def _parse_options(argv: Sequence[str]) -> RestoreOptions | str:
    flags: dict[str, bool] = {}
    table = None
    words = list(argv)
    while words:
        word = words.pop(0)
        if word in _FLAGS:
            flags[_FLAGS[word]] = True
        elif word in ("-T", "--table") and words:
            table = words.pop(0)
        elif word.startswith("--table="):
            table = word.partition("=")[2]
        elif word not in _IGNORED and not word.isdigit():
            return word
    return RestoreOptions(table=table, **flags)


class _CommitError(IptablesError):
    """The kernel refused the transaction; one line of the message for each command refused."""

    code = 4


class _Reader:
    """One run over the input."""

    def __init__(self, ruleset: Ruleset, options: RestoreOptions) -> None:
        self.ruleset = ruleset
        self.options = options
        self.program = "iptables-restore" if ruleset.family == 4 else "ip6tables-restore"
        self.line = 0
        """Of the input, from 1; what errors name."""
        self.output: list[str] = []
        self.transaction: _Transaction | None = None
        self.skipping = False

    def read(self, text: str) -> None:
        """All lines. Raises IptablesError."""
        for line in text.splitlines():
            self.line += 1
            self._line(line)
        if self.transaction is not None or self.skipping:
            raise _InputError(f"COMMIT expected at line {self.line + 1}")

    def _line(self, line: str) -> None:
        if not line or line[0] == "#":
            return
        inside = self.transaction is not None or self.skipping
        if line == "COMMIT" and inside:
            self._commit()
        elif line[0] == "*" and not inside:
            self._begin(line[1:].strip())
        elif not inside:
            raise _InputError(f"line {self.line} failed")
        elif self.transaction is not None:
            self._queue(line, self.transaction)

    def _begin(self, name: str) -> None:
        if name not in self.ruleset.tables:
            raise RuleSyntaxError(f"{self.program}: line {self.line} table name '{name}' invalid")
        self.skipping = self.options.table not in (None, name)
        if not self.skipping:
            self.transaction = _Transaction(self.ruleset.tables[name], self.options)

    def _commit(self) -> None:
        transaction, self.transaction, self.skipping = self.transaction, None, False
        if transaction is not None:
            try:
                self.output += transaction.commit()
            except _PlacedError as error:
                self.line = error.line
                raise error.cause from error

    def _queue(self, line: str, transaction: _Transaction) -> None:
        if line[0] == ":":
            transaction.declarations.append(self._declaration(line[1:]))
            return
        counters = (0, 0)
        if line[0] == "[":
            found = _COUNTERS.match(line)
            if found is None:
                raise RuleSyntaxError(f"Bad line {self.line}: need ]")
            counters = (int(found[1]), int(found[2]))
            line = line[found.end():]
        arguments = scan(split_line(line), self.ruleset.family, None, self.ruleset.shared.ipsets)
        if "t" in arguments.flags:
            raise RuleSyntaxError("The -t option cannot be used in iptables-restore.\n")
        arguments.table = transaction.table.name
        if not arguments.command:
            raise RuleSyntaxError("no command specified")
        if self.options.counters and "c" not in arguments.flags:
            arguments.counters = counters
        check_options(arguments)
        arguments.specs()
        transaction.commands.append((self.line, arguments))

    def _declaration(self, text: str) -> _Declaration:
        """`CHAIN POLICY [packets:bytes]`."""
        name, _, rest = text.partition(" ")
        policy, _, counters = rest.strip().partition(" ")
        check_chain_name(name)
        if not policy:
            raise RuleSyntaxError(f"{self.program}: line {self.line} policy invalid")
        packets = size = 0
        if self.options.counters and name in Hook.__members__:
            found = _COUNTERS.match(counters.strip())
            if found is None:
                raise RuleSyntaxError(f"invalid policy counters for chain '{name}'")
            packets, size = int(found[1]), int(found[2])
        return _Declaration(self.line, name, policy, packets, size)


@dataclass(frozen=True, slots=True)
class _Declaration:
    """A line `:CHAIN POLICY [packets:bytes]`."""

    line: int
    name: str
    policy: str
    packets: int
    bytes: int


class _PlacedError(Exception):
    """An error of a command that stood on an earlier line."""

    def __init__(self, line: int, cause: IptablesError) -> None:
        super().__init__(line, cause)
        self.line = line
        self.cause = cause


class _Transaction:
    """The lines of one table, from * to COMMIT."""

    def __init__(self, table: Table, options: RestoreOptions) -> None:
        self.table = table
        self.options = options
        self.journal = Journal(table)
        self.declarations: list[_Declaration] = []
        self.commands: list[tuple[int, Arguments]] = []
        self.added: list[tuple[int, Chain, RuleSpec, str]] = []
        """Line, chain, rule and step of each rule that this transaction wrote."""
        self.problems: list[tuple[int, str]] = []
        """What the kernel refuses, by line."""

    def commit(self) -> list[str]:
        """Do everything; returns what listing commands print. Raises _PlacedError, _CommitError,
        IptablesError, and changes nothing then. With --test there is nothing left to do.
        """
        if self.options.test:
            return []
        try:
            output = self._run()
            problems = sorted(self.problems + self._kernel_problems())
            if problems:
                raise _CommitError("\n".join(f"line {line}: {text}" for line, text in problems))
        except (IptablesError, _PlacedError):
            self.journal.roll_back()
            raise
        self.table.ruleset.touch()
        return output

    def _run(self) -> list[str]:
        if not self.options.noflush:
            self._empty()
        for declaration in self.declarations:
            self._declare(declaration)
        output = []
        for line, arguments in self.commands:
            jump = arguments.jump
            if jump is not None and jump.chain not in self.table.chains:
                raise RuleSyntaxError(f"Chain '{jump.chain}' does not exist")
            try:
                output.append(self._execute(line, arguments))
            except RefusedError as error:
                raise _PlacedError(line, error) from error
        return output

    def _empty(self) -> None:
        """Without --noflush the table is deleted; the lines that follow make it anew."""
        self.journal.save_all()
        chains = list(self.table.chains.values())
        for chain in chains:
            chain.flush()
        for chain in chains:
            if chain.policy is None:
                self.table.delete_chain(chain.name)
            else:
                chain.policy, chain.packets, chain.bytes = Verdict.ACCEPT, 0, 0
                chain.counting = False
        self.table.present = False

    def _declare(self, declared: _Declaration) -> None:
        self.table.make_present()
        chain = self.table.chains.get(declared.name)
        if chain is None:
            self.table.new_chain(declared.name)
        elif chain.policy is None:
            self.journal.saving(chain).flush()
        elif declared.policy in Verdict.__members__ or declared.policy == "-":
            self.journal.saving(chain)
            if declared.policy != "-":
                chain.policy = Verdict[declared.policy]
            chain.packets, chain.bytes = declared.packets, declared.bytes
            chain.counting = True
        else:
            raise _PlacedError(declared.line, RefusedError("Bad policy name."))

    def _execute(self, line: int, arguments: Arguments) -> str:
        flags = arguments.flags
        if arguments.command == "L":
            return list_table(self.table, arguments.words, Format("n" in flags, "v" in flags))
        if arguments.command == "S":
            return list_rules(self.table, arguments.words, counters="v" in flags)
        try:
            specs = execute(arguments, self.journal, checked=False)
        except KernelError as error:
            self.problems.append((line, error.message))
            return ""
        step = _STEPS.get(arguments.command)
        if step is not None:
            chain = self.table.chains[arguments.words[0]]
            self.added += [(line, chain, spec, step) for spec in specs]
        return ""

    # ------------------------------------------------------------ what the kernel says

    def _kernel_problems(self) -> list[tuple[int, str]]:
        found = []
        for line, chain, spec, step in self.added:
            problem = spec_problem(spec, self.table.name)
            if problem is not None:
                found.append((line, f"{step} failed ({problem}): rule in chain {chain.name}"))
        return found or self._hook_problems()

    def _hook_problems(self) -> list[tuple[int, str]]:
        for hook, base in self.table.builtin.items():
            problem = tree_problem(self.table, base, hook) if self.added else None
            if problem is not None:
                line, chain, step = self._culprit(hook)
                return [(line, f"{step} failed ({problem}): rule in chain {chain.name}")]
        return []

    def _culprit(self, hook: Hook) -> tuple[int, Chain, str]:
        """The line to blame: the one after which both the jump and the rule stood there."""
        reached = reached_chains(self.table, self.table.builtin[hook])
        blamed = self.added[-1]
        for entry in self.added:
            _, chain, spec, _ = entry
            if chain.name in reached and (hook_problem(spec, hook) or spec.jump is not None):
                blamed = entry
        line, chain, _, step = blamed
        return line, chain, step


_STEPS: Final = {"A": "RULE_APPEND", "I": "RULE_INSERT", "R": "RULE_REPLACE"}
