"""What bash itself does: cd, exit, read, test, set and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikube_sim.shell.arithmetic import evaluate as calculate
from minikube_sim.shell.state import LoopControl, Return, ShellExit
from minikube_sim.shell.testing import evaluate as test_words

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_CODES = 256


async def true(call: Call) -> int:
    """Succeed."""
    del call
    return 0


async def false(call: Call) -> int:
    """Fail."""
    del call
    return 1


async def cd(call: Call) -> int:
    """Change the directory."""
    target = call.args[0] if call.args else "~"
    if target == "-":
        target = call.state.variables.get("OLDPWD", call.state.directory)
    path = call.state.path(target)
    known = path == "/" or path == call.state.path("~") or any(
        name.startswith(path + "/") for name in call.machine.files)
    if not known:
        return call.complain(f"{call.state.name}: cd: {target}: No such file or directory")
    call.state.variables["OLDPWD"] = call.state.directory
    call.state.directory = call.state.variables["PWD"] = path
    return 0


async def pwd(call: Call) -> int:
    """Print the directory."""
    call.print(call.state.directory)
    return 0


async def leave(call: Call) -> int:
    """End the shell. Raises ShellExit."""
    raise ShellExit(_code(call))


async def give_back(call: Call) -> int:
    """Leave a function. Raises Return."""
    raise Return(_code(call))


def _code(call: Call) -> int:
    try:
        return int(call.args[0]) % _CODES if call.args else call.state.status
    except ValueError:
        return call.complain(
            f"{call.state.name}: {call.name}: {call.args[0]}: numeric argument required", 2)


async def loop(call: Call) -> int:
    """Leave or go on with a loop. Raises LoopControl."""
    levels = int(call.args[0]) if call.args and call.args[0].isdigit() else 1
    raise LoopControl(call.name, max(1, levels))


async def assign(call: Call) -> int:
    """`set`: list the variables, or `set -- a b` the arguments; options are taken and ignored."""
    words = list(call.args)
    if not words:
        for name, value in sorted(call.state.variables.items()):
            call.print(f"{name}={value}")
    if "--" in words:
        call.state.arguments = tuple(words[words.index("--") + 1:])
    return 0


async def unset(call: Call) -> int:
    """Forget variables and functions."""
    for name in call.args:
        call.state.variables.pop(name, None)
        call.state.functions.pop(name, None)
        call.state.exported.discard(name)
    return 0


async def shift(call: Call) -> int:
    """Drop the first arguments."""
    count = int(call.args[0]) if call.args and call.args[0].isdigit() else 1
    if count > len(call.state.arguments):
        return 1
    call.state.arguments = call.state.arguments[count:]
    return 0


async def read(call: Call) -> int:
    """Read a line of stdin into variables."""
    names = [a for a in call.args if not a.startswith("-")] or ["REPLY"]
    raw, newline = await call.input.line()
    line = raw.decode("utf-8", "replace")
    words = line.split(None, len(names) - 1) if len(names) > 1 else [line.strip()]
    for index, name in enumerate(names):
        call.state.variables[name] = words[index].strip() if index < len(words) else ""
    return 0 if newline else 1


async def test(call: Call) -> int:
    """Evaluate an expression."""
    words = list(call.args)
    if call.name == "[" and (not words or words.pop() != "]"):
        return call.complain(f"{call.state.name}: [: missing `]'", 2)
    try:
        return test_words(words, call.machine, call.state)
    except ValueError as error:
        return call.complain(f"{call.state.name}: {error}", 2)


async def let(call: Call) -> int:
    """Arithmetic; fails when the last value is 0."""
    value = 0
    for expression in call.args:
        value = calculate(expression, call.state.variables)
    return 0 if value else 1


async def evaluate(call: Call) -> int:
    """`eval`: run the words as a line."""
    from minikube_sim.shell.interpreter import Interpreter
    from minikube_sim.shell.redirection import Streams

    streams = Streams(call.input, call.out, call.err)
    return await Interpreter(call.machine, call.state).script(" ".join(call.args), streams)


async def kind(call: Call) -> int:
    """`type`: what a name is."""
    code = 0
    for name in call.args:
        if name in call.state.functions:
            call.print(f"{name} is a function")
        elif _known(call, name):
            call.print(f"{name} is /usr/bin/{name}")
        else:
            code = call.complain(f"{call.state.name}: type: {name}: not found")
    return code


async def which(call: Call) -> int:
    """Where a program is."""
    found = [name for name in call.args if _known(call, name)]
    for name in found:
        call.print(f"/usr/bin/{name}")
    return 0 if len(found) == len(call.args) else 1


async def command(call: Call) -> int:
    """`command -v NAME`, or run a program past a function of its name."""
    words = list(call.args)
    if words[:1] == ["-v"]:
        return await which_words(call, words[1:])
    if not words:
        return 0
    return await call.run(words)


async def which_words(call: Call, names: list[str]) -> int:
    """Print where the names are; 1 when one is nowhere."""
    for name in names:
        if _known(call, name):
            call.print(f"/usr/bin/{name}")
    return 0 if all(_known(call, name) for name in names) else 1


def _known(call: Call, name: str) -> bool:
    from minikube_sim.shell.commands import COMMANDS

    return name in COMMANDS or name in call.machine.tools
