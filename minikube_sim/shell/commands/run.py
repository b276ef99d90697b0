"""Commands that run others: sudo, timeout, time, xargs, sh; and sleep."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from minikube_sim.process import SIGINT, SIGTERM, Interrupted, within
from minikube_sim.shell.commands.builtins import BUILTINS, known
from minikube_sim.shell.commands.options import BadUsage, parse
from minikube_sim.shell.redirection import Input
from minikube_sim.shell.state import ShellExit, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minikube_sim.shell.call import Call

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TIMED_OUT = 124
_PROGRAMS_TOO: Final = frozenset({"[", "echo", "false", "kill", "printf", "pwd", "test", "true"})
"""Builtins that are programs as well."""


async def sudo(call: Call) -> int:
    """Run a command as root: here everybody may."""
    try:
        options, words = parse(call.name, call.args, "EnHisSu:", permute=False)
    except BadUsage as error:
        return call.complain(str(error))
    added = {}
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        added[name] = value
    if words and options.keys() & {"-i", "-s"}:
        words = ["bash", "-c", " ".join(words)]
    if not words:
        return call.complain(f"usage: {call.name} command [arg ...]")
    if words[0] in BUILTINS - _PROGRAMS_TOO or not known(call, words[0]):
        return call.complain(f"{call.name}: {words[0]}: command not found")
    return await _as_user(call, options.get("-u", "root"), words, added)


async def _as_user(call: Call, user: str, words: Sequence[str], added: Mapping[str, str]) -> int:
    from minikube_sim.shell.interpreter import Interpreter
    from minikube_sim.shell.redirection import Streams

    state = call.state.child()
    state.temporary = {**call.state.temporary, **added}
    state.variables |= {"USER": user, "LOGNAME": user,
                        "HOME": "/root" if user == "root" else f"/home/{user}"}
    machine = replace(call.machine, user=user)
    return await Interpreter(machine, state).execute(
        words, Streams(call.input, call.out, call.err))


async def nohup(call: Call) -> int:
    """Run a command that outlives its terminal."""
    return await call.run(call.args) if call.args else call.complain("nohup: missing operand", 125)


async def timeout(call: Call) -> int:
    """Run a command; SIGTERM for one that is not over in time."""
    try:
        _, words = parse("timeout", call.args, "k:s:v", permute=False)
    except BadUsage as error:
        return call.complain(str(error), 125)
    if len(words) < 2 or _seconds(words[0]) is None:
        return call.complain("timeout: missing operand", 125)
    limit = _seconds(words[0])
    if not limit:
        return await call.run(words[1:])
    late = Interrupted(SIGTERM)
    try:
        return await within(call.run(words[1:]), call.machine.now() + limit, call.machine.clock,
                            lambda: late)
    except Interrupted as signal:
        if signal is late:
            return _TIMED_OUT
        raise


async def time(call: Call) -> int:
    """Run a command and tell how long it took, on the cluster clock."""
    start = call.machine.now()
    code = await call.run(call.args) if call.args else 0
    spent = call.machine.now() - start
    minutes, seconds = divmod(spent, 60)
    call.complain(f"\nreal\t{int(minutes)}m{seconds:.3f}s\nuser\t0m0.000s\nsys\t0m0.000s")
    return code


async def xargs(call: Call) -> int:
    """Run a command with the words of stdin as further arguments."""
    try:
        options, words = parse("xargs", call.args, "n:I:rt0", permute=False)
    except BadUsage as error:
        return call.complain(str(error))
    words, code = words or ["echo"], 0
    if "-I" in options:
        batches = [[w.replace(options["-I"], line.strip()) for w in words]
                   for line in await call.lines()]
    else:
        items = (await call.text()).split("\0" if "-0" in options else None)
        size = int(options["-n"]) if options.get("-n", "").isdigit() else max(1, len(items))
        batches = [[*words, *items[i:i + size]] for i in range(0, len(items), size)]
        if not batches and "-r" not in options:
            batches = [words]
    for batch in batches:
        code = await call.run(batch, Input()) or code
    return code


async def shell(call: Call) -> int:
    """sh -c LINE [NAME ARG...], sh FILE, or a script from stdin."""
    from minikube_sim.shell.interpreter import Interpreter
    from minikube_sim.shell.redirection import Streams

    words = list(call.args)
    while words and re.fullmatch(r"-[exuli]+|--login", words[0]):
        words.pop(0)
    state: State = call.state.child()
    state.variables.update(call.state.temporary)
    state.name = call.name
    if words and re.fullmatch(r"-[exu]*c", words[0]):
        if len(words) < 2:
            return call.complain(f"{call.name}: -c: option requires an argument", 2)
        text, rest = words[1], words[2:]
    elif words:
        path = call.state.path(words[0])
        if path not in call.machine.files:
            return call.complain(f"{call.name}: {words[0]}: No such file or directory", 127)
        text, rest = call.machine.files[path], words
    elif call.input.live:
        return await converse(call, state)
    else:
        text, rest = await call.text(), []
    if rest:
        state.name, state.arguments = rest[0], tuple(rest[1:])
    try:
        return await Interpreter(call.machine, state).script(
            text, Streams(call.input, call.out, call.err))
    except ShellExit as end:
        return end.code


async def converse(call: Call, state: State) -> int:
    """A shell that reads its commands as they come, with prompts for who types at a terminal."""
    from minikube_sim.shell.interpreter import Interpreter
    from minikube_sim.shell.redirection import Streams
    from minikube_sim.shell.syntax import is_whole

    interpreter = Interpreter(call.machine, state)
    streams, text, more = Streams(call.input, call.out, call.err), "", True
    while more:
        if call.input.terminal:
            call.err += (_prompt(call, state) if not text else "> ").encode()
        try:
            line, more = await call.input.line()
            text += line.decode("utf-8", "replace") + "\n"
            if is_whole(text) or not more:
                text, whole = "", text
                await interpreter.script(whole, streams)
        except ShellExit as end:
            return end.code
        except Interrupted as signal:
            if signal.signal != SIGINT:
                raise
            text, more, state.status = "", True, 128 + SIGINT
    return state.status


def _prompt(call: Call, state: State) -> str:
    """busybox's `/ # `, bash's `root@web:/# `."""
    where = state.directory
    if state.name.rpartition("/")[2] == "bash":
        return f"{call.machine.user}@{call.machine.hostname}:{where}# "
    return f"{where} # "


async def sleep(call: Call) -> int:
    """Wait on the cluster clock."""
    if not call.args:
        return call.complain("sleep: missing operand")
    total = 0.0
    for word in call.args:
        if word in ("infinity", "inf"):
            from minikube_sim.process import pause

            await pause(None)
        seconds = _seconds(word)
        if seconds is None:
            return call.complain(f"sleep: invalid time interval '{word}'")
        total += seconds
    await call.sleep(total)
    return 0


def _seconds(text: str) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)([smhd]?)", text)
    return float(match.group(1)) * _UNITS[match.group(2)] if match else None
