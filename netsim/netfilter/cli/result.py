"""What a command prints and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.netfilter.errors import KernelError, MissingTableError, RefusedError, RuleSyntaxError

if TYPE_CHECKING:
    from netsim.netfilter.errors import IptablesError

VERSION: Final = "v1.8.9 (nf_tables)"


@dataclass(frozen=True, slots=True)
class Result:
    """Exit code, standard output, standard error."""

    code: int = 0
    stdout: str = ""
    stderr: str = ""


def explain(error: IptablesError, program: str, line: int = 0) -> str:
    """What a program prints about an error; `line`: of the input to iptables-restore.

    With a line, the errors that nft_strerror words come out as `line N failed: ...`.
    """
    front = f"{program} {VERSION}"
    if isinstance(error, RuleSyntaxError):
        bare = error.message.startswith("Bad argument `")
        text = f"{error.message}\n" if bare else f"{front}: {error.message}\n"
        text = text if error.message else ""
        where = f"Error occurred at line: {line}\n" if line else ""
        return f"{text}{where}Try `{program} -h' or '{program} --help' for more information.\n"
    if isinstance(error, MissingTableError):
        advice = "Perhaps iptables or your kernel needs to be upgraded."
        return f"{front}: {error.message}\n{advice}\n"
    if isinstance(error, KernelError):
        return f"{front}:  {error.message}\n"
    if isinstance(error, RefusedError):
        place = f" line {line} failed:" if line else ""
        return f"{program}:{place} {error.message}\n"
    return f"{front}: {error.message}"
