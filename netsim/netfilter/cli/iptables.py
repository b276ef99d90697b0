"""The commands `iptables` and `ip6tables`. Models xtables-standalone.c."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netsim.netfilter.arguments import scan
from netsim.netfilter.cli.commands import Journal, check_options, execute, zero
from netsim.netfilter.cli.listing import Format, list_rules, list_table, verbose_rule
from netsim.netfilter.cli.result import VERSION, Result, explain
from netsim.netfilter.errors import IptablesError, RuleSyntaxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netsim.netfilter.arguments import Arguments
    from netsim.netfilter.ruleset import Ruleset


def iptables(ruleset: Ruleset, argv: Sequence[str]) -> Result:
    """Run `iptables argv` (ip6tables if the ruleset is IPv6). Nothing changes if it fails."""
    program = "iptables" if ruleset.family == 4 else "ip6tables"
    warnings: list[str] = []
    try:
        result = Result(stdout=run(ruleset, argv, program, warnings))
    except IptablesError as error:
        result = Result(error.code, "", explain(error, program))
    said = "".join(f"{text}\n" for text in dict.fromkeys(warnings))
    return replace(result, stderr=said + result.stderr)


def run(ruleset: Ruleset, argv: Sequence[str], program: str, warnings: list[str]) -> str:
    """The output of a command that succeeds; adds to `warnings`. Raises IptablesError."""

    def has_chain(table: str, name: str) -> bool:
        return table in ruleset.tables and name in ruleset.tables[table].chains

    arguments = scan(argv, ruleset.family, has_chain, ruleset.shared.ipsets)
    warnings += arguments.warnings
    arguments.warnings = warnings
    if "V" in arguments.flags:
        return f"{program} {VERSION}\n"
    if "h" in arguments.flags:
        return _help(program)
    if not arguments.command:
        raise RuleSyntaxError("no command specified")
    check_options(arguments)
    table = ruleset.table(arguments.table)
    if arguments.command in "LS":
        return _show(ruleset, arguments)
    specs = arguments.specs() if arguments.command in "AIRDC" and "v" in arguments.flags else []
    execute(arguments, Journal(table))
    return "".join(f"{verbose_rule(spec, ruleset.family)}\n" for spec in specs)


def _show(ruleset: Ruleset, arguments: Arguments) -> str:
    table = ruleset.table(arguments.table)
    flags = arguments.flags
    if arguments.command == "S":
        shown = list_rules(table, arguments.words, counters="v" in flags)
    else:
        form = Format(
            numeric="n" in flags, verbose="v" in flags, exact="x" in flags,
            line_numbers="0" in flags,
        )
        shown = list_table(table, arguments.words, form)
    if "Z" in flags:
        zero(arguments, table)
    return shown


def _help(program: str) -> str:
    return f"""{program} {VERSION}

Usage: {program} -[ACD] chain rule-specification [options]
       {program} -I chain [rulenum] rule-specification [options]
       {program} -R chain rulenum rule-specification [options]
       {program} -D chain rulenum [options]
       {program} -[LS] [chain [rulenum]] [options]
       {program} -[FZ] [chain] [options]
       {program} -[NX] chain
       {program} -E old-chain-name new-chain-name
       {program} -P chain target [options]
       {program} -h (print this help information)
"""
