"""tar, as `kubectl cp` needs it: -c, -x and -t, to and from stdin, stdout or a file."""

from __future__ import annotations

import io
import re
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_FLAGS = re.compile(r"-?[a-zA-Z]+")


async def tar(call: Call) -> int:
    """Make, unpack or list an archive of text files."""
    flags, archive, directory, names = _options(list(call.args))
    if directory:
        call.state.directory, kept = call.state.path(directory), call.state.directory
    else:
        kept = call.state.directory
    try:
        if "c" in flags:
            return _create(call, archive, names)
        raw = await call.stdin() if archive in ("", "-") else _read(call, archive)
        return _unpack(call, raw, only_list="t" in flags)
    except tarfile.TarError:
        return call.complain("tar: This does not look like a tar archive", 2)
    except KeyError as error:
        return call.complain(f"tar: {error.args[0]}: Cannot open: No such file or directory", 2)
    finally:
        call.state.directory = kept


def _options(args: list[str]) -> tuple[str, str, str, list[str]]:
    """(flags, archive, directory, names); flags may stand without a dash."""
    flags = archive = directory = ""
    names: list[str] = []
    first = True
    while args:
        word = args.pop(0)
        if word in ("-C", "--directory"):
            directory = args.pop(0) if args else ""
        elif word == "--" or word.startswith("--"):
            pass
        elif (word.startswith("-") and word != "-") or (first and _FLAGS.fullmatch(word)):
            flags += word.lstrip("-")
            if word.endswith("f") and args:
                archive = args.pop(0)
        else:
            names.append(word)
        first = False
    return flags, archive, directory, names


def _read(call: Call, archive: str) -> bytes:
    return call.machine.files[call.state.path(archive)].encode("latin-1", "replace")


def _create(call: Call, archive: str, names: list[str]) -> int:
    buffer, code = io.BytesIO(), 0
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name in names:
            found = _below(call, call.state.path(name))
            if not found:
                code = call.complain(f"tar: {name}: Cannot stat: No such file or directory", 2)
            for path, rest in found:
                content = call.machine.files[path].encode()
                info = tarfile.TarInfo(f"{name.lstrip('/')}{rest}")
                info.size, info.mtime = len(content), int(call.machine.now())
                made.addfile(info, io.BytesIO(content))
    if archive in ("", "-"):
        call.out += buffer.getvalue()
    else:
        call.machine.files[call.state.path(archive)] = buffer.getvalue().decode("latin-1")
    return code


def _below(call: Call, path: str) -> list[tuple[str, str]]:
    """[(file, what follows the path)] of a file or of all files of a directory."""
    if path in call.machine.files:
        return [(path, "")]
    prefix = path.rstrip("/") + "/"
    return [(each, each[len(path.rstrip("/")):]) for each in sorted(call.machine.files)
            if each.startswith(prefix)]


def _unpack(call: Call, raw: bytes, *, only_list: bool) -> int:
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in archive:
            if only_list:
                call.print(member.name)
            elif member.isfile() and (content := archive.extractfile(member)) is not None:
                path = call.state.path(member.name.lstrip("/"))
                call.machine.files[path] = content.read().decode("utf-8", "replace")
    return 0
