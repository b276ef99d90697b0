"""What goes wrong with rule text, in iptables' own words. Models xtables_error(), nft_strerror().

    IptablesError
     ├ RuleSyntaxError      the arguments are wrong (exit 2, with the hint at --help)
     ├ RefusedError         the ruleset does not allow it: no such chain, ... (exit 1)
     └ KernelError          the kernel refused the rule or chain (exit 4)
"""

from __future__ import annotations


class IptablesError(Exception):
    """An iptables command that fails; `message` is what it prints after the program's name."""

    code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RuleSyntaxError(IptablesError):
    """The text of a rule or command is wrong (xtables_error with PARAMETER_PROBLEM)."""

    code = 2


class RefusedError(IptablesError):
    """The operation does not fit the ruleset (an errno that nft_strerror puts into words)."""


class MissingTableError(IptablesError):
    """The named table does not exist (xtables_error with VERSION_PROBLEM)."""

    code = 3


class IncompatibleChainError(IptablesError):
    """A chain to be listed does not exist (xtables_error with OTHER_PROBLEM)."""


class KernelError(IptablesError):
    """The kernel refused a step of a transaction: `RULE_APPEND failed (Invalid argument): ...`."""

    code = 4

    def __init__(self, step: str, reason: str, subject: str) -> None:
        super().__init__(f"{step} failed ({reason}): {subject}")
        self.step = step
        self.reason = reason
        self.subject = subject


INVALID = "Invalid argument"
MISSING = "No such file or directory"
LOOP = "Too many links"
NOT_SUPPORTED = "Operation not supported"
NO_CHAIN = "No chain/target/match by that name."
CHAIN_EXISTS = "Chain already exists."
BAD_RULE = "Bad rule (does a matching rule exist in that chain?)."
BAD_BUILTIN = "Bad built-in chain name."
BAD_POLICY = "Bad policy name. Run `dmesg' for more information."
DELETE_INDEX = "Index of deletion too big."
INSERT_INDEX = "Index of insertion too big."
REPLACE_INDEX = "Index of replacement too big."
