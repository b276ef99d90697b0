"""Files: cat, ls, touch, mkdir, rm, cp, tee. A directory is there when something is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikube_sim.shell.commands.options import BadUsage, parse

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_KEEP = ".keep"
"""What an empty directory holds, unseen."""


async def read_inputs(call: Call, names: list[str]) -> tuple[list[tuple[str, str]], int]:
    """[(name, text)] of files (stdin when there is none, or for `-`), and the exit code."""
    if not names:
        return [("-", await call.text())], 0
    found, code = [], 0
    for name in names:
        path = call.state.path(name)
        if name == "-":
            found.append(("-", await call.text()))
        elif path in call.machine.files:
            found.append((name, call.machine.files[path]))
        elif path == "/dev/null":
            found.append((name, ""))
        elif is_directory(call, path):
            code = call.complain(f"{call.name}: {name}: Is a directory")
        else:
            code = call.complain(f"{call.name}: {name}: No such file or directory")
    return found, code


def is_directory(call: Call, path: str) -> bool:
    """Whether something lies below the path."""
    return path == "/" or any(name.startswith(path + "/") for name in call.machine.files)


async def cat(call: Call) -> int:
    """Print files, one after the other."""
    try:
        options, names = parse("cat", call.args, "nAbesTuvE")
    except BadUsage as error:
        return call.complain(str(error))
    if call.input.live and not options and not names:
        return await _repeat(call)
    inputs, code = await read_inputs(call, names)
    text = "".join(content for _, content in inputs)
    if "-n" in options:
        text = "".join(f"{i:6d}\t{line}" for i, line in enumerate(text.splitlines(True), 1))
    call.print(text, end="")
    return code


async def _repeat(call: Call) -> int:
    """Lines as they come."""
    more = True
    while more:
        line, more = await call.input.line()
        call.out += line + (b"\n" if more else b"")
    return 0


async def ls(call: Call) -> int:
    """List directories."""
    try:
        options, names = parse("ls", call.args, "la1hArtRF")
    except BadUsage as error:
        return call.complain(str(error), 2)
    code = 0
    for name in names or ["."]:
        path = call.state.path(name)
        if path in call.machine.files:
            entries = [name]
        elif is_directory(call, path) or path == call.state.directory:
            entries = _entries(call, path, hidden="-a" in options)
        else:
            code = call.complain(f"ls: cannot access '{name}': No such file or directory", 2)
            continue
        for entry in entries:
            call.print(_long(call, path, entry) if "-l" in options else entry)
    return code


def _entries(call: Call, path: str, *, hidden: bool) -> list[str]:
    prefix = path.rstrip("/") + "/"
    names = {name[len(prefix):].partition("/")[0] for name in call.machine.files
             if name.startswith(prefix)}
    return sorted(name for name in names if hidden or not name.startswith("."))


def _long(call: Call, directory: str, entry: str) -> str:
    path = f"{directory.rstrip('/')}/{entry}"
    if path in call.machine.files:
        return f"-rw-r--r-- 1 root root {len(call.machine.files[path].encode()):5d} {entry}"
    return f"drwxr-xr-x 2 root root  4096 {entry}"


async def touch(call: Call) -> int:
    """Make files that are not there."""
    for name in call.args:
        call.machine.files.setdefault(call.state.path(name), "")
    return 0


async def mkdir(call: Call) -> int:
    """Make directories."""
    for name in (a for a in call.args if not a.startswith("-")):
        call.machine.files.setdefault(f"{call.state.path(name)}/{_KEEP}", "")
    return 0


async def rm(call: Call) -> int:
    """Remove files; directories with -r."""
    try:
        options, names = parse("rm", call.args, "rfRiv", ["recursive", "force"])
    except BadUsage as error:
        return call.complain(str(error))
    recursive, force = options.keys() & {"-r", "-R", "--recursive"}, "-f" in options
    code = 0
    for name in names:
        path = call.state.path(name)
        if path in call.machine.files:
            del call.machine.files[path]
        elif is_directory(call, path) and recursive:
            for inner in [f for f in call.machine.files if f.startswith(path + "/")]:
                del call.machine.files[inner]
        elif is_directory(call, path):
            code = call.complain(f"rm: cannot remove '{name}': Is a directory")
        elif not force:
            code = call.complain(f"rm: cannot remove '{name}': No such file or directory")
    return code


async def cp(call: Call) -> int:
    """Copy a file."""
    operands = [a for a in call.args if not a.startswith("-")]
    if len(operands) != 2:
        return call.complain("cp: missing file operand")
    source, target = (call.state.path(name) for name in operands)
    if source not in call.machine.files:
        return call.complain(f"cp: cannot stat '{operands[0]}': No such file or directory")
    if is_directory(call, target):
        target += "/" + source.rpartition("/")[2]
    call.machine.files[target] = call.machine.files[source]
    return 0


async def tee(call: Call) -> int:
    """Copy stdin to stdout and to files."""
    append = "-a" in call.args
    text = await call.text()
    for name in (a for a in call.args if not a.startswith("-")):
        path = call.state.path(name)
        before = call.machine.files.get(path, "") if append else ""
        call.machine.files[path] = before + text
    call.out += text.encode()
    return 0
