"""echo and printf."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_SPECIFIER = re.compile(r"%([-0 +#]*\d*(?:\.\d+)?)([sdioxXucfeg%b])")


async def echo(call: Call) -> int:
    """Print the arguments."""
    words = list(call.args)
    newline, escapes = True, False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags = words.pop(0)
        newline = newline and "n" not in flags
        escapes = "e" in flags or (escapes and "E" not in flags)
    text = " ".join(words)
    call.print(_unescape(text) if escapes else text, end="\n" if newline else "")
    return 0


async def printf(call: Call) -> int:
    """Print by a format, again while arguments are left."""
    if not call.args:
        return call.complain(f"{call.state.name}: printf: usage: printf format [arguments]", 2)
    pattern, values = _unescape(call.args[0]), list(call.args[1:])
    consuming = any(m.group(2) != "%" for m in _SPECIFIER.finditer(pattern))
    while True:
        call.print(_SPECIFIER.sub(lambda m: _format(m, values), pattern), end="")
        if not values or not consuming:
            return 0


def _format(match: re.Match[str], values: list[str]) -> str:
    flags, letter = match.groups()
    if letter == "%":
        return "%"
    value = values.pop(0) if values else ""
    if letter in "sbc":
        text = _unescape(value) if letter == "b" else value[:1] if letter == "c" else value
        return str(f"%{flags}s" % text)
    if letter in "feg":
        return str(f"%{flags}{letter}" % float(value or 0))
    return str(f"%{flags}{'d' if letter in 'iu' else letter}" % int(value or "0", 0))


def _unescape(text: str) -> str:
    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|0?[0-7]{1,3}|[abefnrtv\\])", _escape, text)


def _escape(match: re.Match[str]) -> str:
    body = match.group(1)
    if body == "e":
        return "\x1b"
    if body[0] in "01234567":
        return chr(int(body, 8))
    return codecs.decode(match.group(), "unicode_escape")
