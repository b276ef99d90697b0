"""Where a command reads from and writes to: > >> < 2> 2>&1 &> <<EOF <<<."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from minikube_sim.shell.context import Machine
    from minikube_sim.shell.interpreter import Interpreter

_NULL: Final = "/dev/null"
_STREAMS: Final = {"/dev/stdout": "1", "/dev/stderr": "2"}


class Input:
    """stdin: what one command reads the next does not see, as with a real descriptor."""

    live = False
    """What it has comes bit by bit, from somebody far away."""
    terminal = False
    """Somebody types here: a shell shows prompts."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    async def read(self) -> bytes:
        """All that is left, once its end has come."""
        data, self._data = self._data, b""
        return data

    async def line(self) -> tuple[bytes, bool]:
        """The next line without its end, and whether it had one."""
        line, newline, self._data = self._data.partition(b"\n")
        return line, bool(newline)


@dataclass(slots=True)
class Streams:
    """stdin, stdout and stderr as they grow; files that are written when it is over."""

    stdin: Input = field(default_factory=Input)
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    files: dict[str, bytearray] = field(default_factory=dict)

    def finish(self, machine: Machine) -> int:
        """Write the files."""
        for path, content in self.files.items():
            machine.files[path] = bytes(content).decode("utf-8", "replace")
        return 0


async def redirect(shell: Interpreter, nodes: Sequence[Node], streams: Streams) -> Streams | None:
    """The streams of a command with these redirections; None after a complaint to stderr."""
    own = Streams(streams.stdin, streams.out, streams.err)
    for node in nodes:
        if not await _apply(shell, node, own):
            return None
    return own


async def _apply(shell: Interpreter, node: Node, own: Streams) -> bool:
    if node.type == "herestring_redirect":
        own.stdin = Input((await shell.expander.text(node.named_children[0]) + "\n").encode())
        return True
    if node.type == "heredoc_redirect":
        own.stdin = Input((await _here_document(shell, node)).encode())
        return True
    operator = next(c.type for c in node.children if not c.is_named)
    descriptor = next((_text(c) for c in node.named_children if c.type == "file_descriptor"), "")
    target = await shell.expander.text(node.named_children[-1])
    if operator == "<":
        return _read(shell, own, target)
    if operator in (">&", "&>", "&>>") and target not in ("1", "2", "-"):
        _write(shell, own, "1", target, append=operator == "&>>")
        own.err = own.out
    elif operator == ">&":
        _duplicate(own, descriptor or "1", target)
    else:
        _write(shell, own, descriptor or "1", target, append=operator == ">>")
    return True


def _read(shell: Interpreter, own: Streams, name: str) -> bool:
    path = shell.state.path(name)
    if path == _NULL:
        own.stdin = Input()
    elif path in shell.machine.files:
        own.stdin = Input(shell.machine.files[path].encode())
    else:
        own.err += f"{shell.state.name}: {name}: No such file or directory\n".encode()
        return False
    return True


def _write(shell: Interpreter, own: Streams, descriptor: str, name: str, *, append: bool) -> None:
    path = shell.state.path(name)
    if path in _STREAMS:
        _duplicate(own, descriptor, _STREAMS[path])
        return
    content = bytearray()
    if path != _NULL:
        if append:
            content += shell.machine.files.get(path, "").encode()
        own.files[path] = content
    if descriptor == "2":
        own.err = content
    else:
        own.out = content


def _duplicate(own: Streams, descriptor: str, target: str) -> None:
    stream = {"1": own.out, "2": own.err}.get(target, bytearray())
    if descriptor == "2":
        own.err = stream
    else:
        own.out = stream


async def _here_document(shell: Interpreter, node: Node) -> str:
    start = next(_text(c) for c in node.children if c.type == "heredoc_start")
    body = next((c for c in node.children if c.type == "heredoc_body"), None)
    if body is None:
        return ""
    text = _text(body)
    if start[0] not in "'\"\\":
        text = await _expand_body(shell, body)
    if node.children[0].type == "<<-":
        text = "\n".join(line.lstrip("\t") for line in text.split("\n"))
    return text


async def _expand_body(shell: Interpreter, body: Node) -> str:
    source, at, parts = (body.text or b""), 0, []
    for child in body.named_children:
        if child.type == "heredoc_content":
            continue
        begin, end = child.start_byte - body.start_byte, child.end_byte - body.start_byte
        parts.append(source[at:begin].decode())
        parts.append(await shell.expander.text(child))
        at = end
    return "".join([*parts, source[at:].decode()])


def _text(node: Node) -> str:
    return (node.text or b"").decode()

