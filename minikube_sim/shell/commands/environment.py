"""env, printenv and export without assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


def _exported(call: Call) -> dict[str, str]:
    state = call.state
    values = {name: value for name, value in state.variables.items() if name in state.exported}
    return {**values, **state.temporary}


async def env(call: Call) -> int:
    """Print the environment, or run a command with additions to it."""
    words, added = list(call.args), {}
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        added[name] = value
    if not words:
        for name, value in {**_exported(call), **added}.items():
            call.print(f"{name}={value}")
        return 0
    kept, call.state.temporary = call.state.temporary, {**call.state.temporary, **added}
    try:
        return await call.run(words)
    finally:
        call.state.temporary = kept


async def printenv(call: Call) -> int:
    """Print the environment, or the values of some of its names."""
    values = _exported(call)
    for name in call.args:
        if name in values:
            call.print(values[name])
    if not call.args:
        return await env(call)
    return 0 if all(name in values for name in call.args) else 1


async def export(call: Call) -> int:
    """List what is exported (assignments are the shell's own)."""
    for name, value in sorted(_exported(call).items()):
        call.print(f'declare -x {name}="{value}"')
    return 0
