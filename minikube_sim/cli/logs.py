"""`minikube-sim logs`: what the server has logged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from minikube_sim.cli.console import fail, plain
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, number, profile_named

if TYPE_CHECKING:
    from minikube_sim.profile import Profile

_POLL_SECONDS = 0.2


def logs(
    profile: ProfileFlag = DEFAULT_PROFILE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    length: Annotated[str, typer.Option("--length", "-n", metavar="N",
                                        help="How many lines.")] = "60",
) -> None:
    """Show the server's log."""
    chosen, count = profile_named(profile), int(number("length", length, int))
    if not chosen.log.exists():
        fail(f'the cluster "{profile}" has no log yet')
    text = chosen.log.read_text("utf-8", errors="replace")
    lines = text.splitlines()
    if count and lines:
        plain("\n".join(lines[-count:]))
    if follow:
        _follow(chosen, len(text.encode()))


def _follow(profile: Profile, offset: int) -> None:
    """Print what is appended, until interrupted or the server ends."""
    with profile.log.open(encoding="utf-8", errors="replace") as file:
        file.seek(offset)
        while True:
            text = file.read()
            if text:
                plain(text, end="")
            elif profile.running() is None:
                return
            time.sleep(_POLL_SECONDS)
