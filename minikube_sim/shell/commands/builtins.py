"""What bash itself does: cd, exit, read, test, set and their kin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.arithmetic import evaluate as calculate
from minikube_sim.shell.fields import DEFAULT_IFS
from minikube_sim.shell.parameters import assign as assign_variable
from minikube_sim.shell.parameters import assign_array
from minikube_sim.shell.state import LoopControl, Return, ShellExit
from minikube_sim.shell.testing import evaluate as test_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikube_sim.shell.call import Call

_CODES = 256
_OPTIONS: Final = frozenset({"errexit", "nounset", "xtrace", "pipefail"})
_KEYWORDS: Final = frozenset({
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "in",
    "function", "time", "{", "}", "!", "[[", "]]"})
BUILTINS: Final = frozenset({
    ":", ".", "[", "break", "cd", "command", "continue", "declare", "echo", "eval", "exec", "exit",
    "export", "false", "jobs", "kill", "let", "local", "logout", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "source", "test", "true", "type", "unset", "wait"})


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
        call.print(target)
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
    """`set`: list the variables, change options (-e -u -x -o pipefail) or the arguments (--)."""
    words = list(call.args)
    _options(call, words[:words.index("--")] if "--" in words else words)
    if not words:
        for name, value in sorted(call.state.variables.items()):
            call.print(f"{name}={value}")
    if "--" in words:
        call.state.arguments = tuple(words[words.index("--") + 1:])
    return 0


def _options(call: Call, words: list[str]) -> None:
    """-eux, +e, -o NAME: those that have an effect."""
    named = {"e": "errexit", "u": "nounset", "x": "xtrace"}
    names = iter(words)
    for word in names:
        if not word[1:] or word[0] not in "-+":
            continue
        change = (call.state.options.add if word[0] == "-" else call.state.options.discard)
        for letter in word[1:]:
            name = next(names, "") if letter == "o" else named.get(letter, "")
            if name in _OPTIONS:
                change(name)


async def unset(call: Call) -> int:
    """Forget variables, arrays and functions."""
    for name in call.args:
        array, _, key = name.rstrip("]").partition("[")
        if key:
            call.state.arrays.get(array, {}).pop(key, None)
        call.state.arrays.pop(name, None)
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
    options, names = _read_options(call.args)
    raw, newline = await call.input.line()
    line = raw.decode("utf-8", "replace")
    separators = call.state.temporary.get("IFS", call.state.variables.get("IFS", DEFAULT_IFS))
    if "-a" in options:
        words = [word for word in re.split(f"[{re.escape(separators)}]+", line) if word]
        assign_array(call.state, options["-a"], [(None, word) for word in words])
        return 0 if newline else 1
    for name, value in zip(names, _read_words(line, separators, len(names)), strict=True):
        assign_variable(call.state, name, value)
    return 0 if newline else 1


def _read_options(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """(options, names); -p, -t, -n, -d and -a have a value."""
    options, names, rest = {}, [], iter(words)
    for word in rest:
        if word.startswith("-") and len(word) > 1:
            last = word[-1]
            options[f"-{last}"] = next(rest, "") if last in "ptnda" else ""
        else:
            names.append(word)
    return options, names or ["REPLY"]


def _read_words(line: str, separators: str, count: int) -> list[str]:
    """A value for each name: the last one gets the rest."""
    blanks = "".join(c for c in separators if c.isspace())
    words: list[str] = []
    rest = line.strip(blanks) if blanks else line
    while len(words) < count - 1 and separators:
        one = f"[{re.escape(separators)}]"
        parts = re.split(f"[{re.escape(blanks)}]*{one}[{re.escape(blanks)}]*" if blanks else one,
                         rest, maxsplit=1)
        words.append(parts[0])
        rest = parts[1] if len(parts) > 1 else ""
    return [*words, rest, *[""] * (count - 1 - len(words))]


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


async def source(call: Call) -> int:
    """`. FILE`: run its lines in this shell."""
    from minikube_sim.shell.interpreter import Interpreter
    from minikube_sim.shell.redirection import Streams

    if not call.args:
        return call.complain(f"{call.state.name}: {call.name}: filename argument required", 2)
    path = call.state.path(call.args[0])
    if path != "/dev/null" and path not in call.machine.files:
        return call.complain(f"{call.state.name}: {call.args[0]}: No such file or directory")
    return await Interpreter(call.machine, call.state).script(
        call.machine.files.get(path, ""), Streams(call.input, call.out, call.err))


async def replace(call: Call) -> int:
    """`exec COMMAND`: run it in the shell's place. Raises ShellExit."""
    if not call.args:
        return 0
    raise ShellExit(await call.run(call.args))


async def kind(call: Call) -> int:
    """`type`: what a name is."""
    code = 0
    for name in call.args:
        if name in call.state.functions:
            call.print(f"{name} is a function")
        elif name in _KEYWORDS:
            call.print(f"{name} is a shell keyword")
        elif name in BUILTINS:
            call.print(f"{name} is a shell builtin")
        elif known(call, name):
            call.print(f"{name} is /usr/bin/{name}")
        else:
            code = call.complain(f"{call.state.name}: type: {name}: not found")
    return code


async def which(call: Call) -> int:
    """Where a program is."""
    found = [name for name in call.args if known(call, name)]
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
        if name in BUILTINS or name in call.state.functions:
            call.print(name)
        elif known(call, name):
            call.print(f"/usr/bin/{name}")
    return 0 if all(known(call, name) for name in names) else 1


def known(call: Call, name: str) -> bool:
    """Whether a program of that name, or path, is there."""
    from minikube_sim.shell.commands import COMMANDS

    return name.rpartition("/")[2] in COMMANDS or name in call.machine.tools
