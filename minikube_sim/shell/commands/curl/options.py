"""curl's command line, read as curl 7.88 reads it: long options by any unique beginning, short ones
in clusters with the value in the word or the next one, `--no-` before what can be switched off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FLAGS: Final = {
    "silent": "s", "show-error": "S", "verbose": "v", "include": "i", "fail": "f", "head": "I",
    "fail-with-body": "", "insecure": "k", "location": "L", "location-trusted": "", "get": "G",
    "remote-name": "O", "globoff": "g", "ipv4": "4", "ipv6": "6", "version": "V", "help": "h",
    "next": ":", "retry-connrefused": "", "retry-all-errors": "",
}
"""Options without a value: long name -> short one."""
_WITHOUT_EFFECT: Final = {
    "buffer": "N", "progress-bar": "#", "progress-meter": "", "compressed": "", "http1.0": "0",
    "http1.1": "", "http2": "", "http2-prior-knowledge": "", "parallel": "Z", "path-as-is": "",
    "tcp-nodelay": "", "tcp-fastopen": "", "keepalive": "", "disable": "q", "basic": "",
    "create-dirs": "", "remote-time": "R", "styled-output": "", "tlsv1": "1", "tlsv1.2": "",
    "tlsv1.3": "", "junk-session-cookies": "j", "fail-early": "",
}
"""Flags that change nothing that can be seen here: only `--no-` of some of them is common."""
_VALUES: Final = {
    "output": "o", "write-out": "w", "max-time": "m", "connect-timeout": "", "request": "X",
    "data": "d", "data-ascii": "", "data-binary": "", "data-raw": "", "data-urlencode": "",
    "json": "", "form": "F", "form-string": "", "upload-file": "T", "header": "H",
    "user-agent": "A", "referer": "e", "cookie": "b", "user": "u", "oauth2-bearer": "", "url": "",
    "resolve": "", "connect-to": "", "retry": "", "retry-delay": "", "retry-max-time": "",
    "dump-header": "D", "max-redirs": "", "cacert": "", "stderr": "", "range": "r",
    "request-target": "", "local-port": "", "interface": "",
}
"""Options with a value."""
_VALUES_WITHOUT_EFFECT: Final = {
    "cert": "E", "key": "", "capath": "", "ciphers": "", "cookie-jar": "c", "limit-rate": "",
    "keepalive-time": "", "noproxy": "", "proto": "", "proto-redir": "", "expect100-timeout": "",
    "happy-eyeballs-timeout-ms": "", "speed-limit": "Y", "speed-time": "y", "max-filesize": "",
    "cert-type": "", "key-type": "", "pass": "", "tls-max": "",
}
_NOT_SIMULATED: Final = {
    "proxy": "x", "config": "K", "time-cond": "z", "trace": "", "trace-ascii": "",
    "unix-socket": "", "abstract-unix-socket": "", "socks5": "", "socks5-hostname": "",
    "socks4": "", "proxytunnel": "p", "continue-at": "C", "netrc": "n", "telnet-option": "t",
    "quote": "Q", "http3": "", "doh-url": "", "dns-servers": "", "remote-name-all": "",
    "output-dir": "",
}
"""What curl has and this one has not: it is refused rather than forgotten."""
_TAKES_VALUE: Final = {**_VALUES, **_VALUES_WITHOUT_EFFECT}
_ALL: Final = {**_FLAGS, **_WITHOUT_EFFECT, **_TAKES_VALUE, **_NOT_SIMULATED}
_BY_SHORT: Final = {short: long for long, short in _ALL.items() if short}
_NEGATED_SHORT: Final = frozenset({"N"})
_SECONDS: Final = frozenset({"max-time", "connect-timeout"})
_NUMBERS: Final = frozenset({"retry", "retry-delay", "retry-max-time", "max-redirs"})
_GLOBAL: Final = frozenset({"silent", "show-error", "verbose"})
"""What `--next` leaves as it is."""


class BadOption(Exception):
    """A command line that curl refuses; the text is its complaint, without `curl: `."""


@dataclass(slots=True)
class Options:
    """What one command line, or its part up to `--next`, says."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    """The last value of each option."""
    all: list[tuple[str, str]] = field(default_factory=list)
    """Every option with a value, in order."""
    urls: list[str] = field(default_factory=list)
    outputs: list[str | None] = field(default_factory=list)
    """-o's file for each URL; None is -O: named as the URL."""

    def each(self, *names: str) -> list[str]:
        """All values of some options, in order."""
        return [value for name, value in self.all if name in names]

    def seconds(self, name: str) -> float | None:
        """A time limit; None without, 0 is none too."""
        return float(self.values[name]) or None if name in self.values else None

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        return int(self.values.get(name, default))

    @property
    def family(self) -> int:
        """4 or 6 for --ipv4 or --ipv6, 0 without."""
        return 6 if "ipv6" in self.flags else 4 if "ipv4" in self.flags else 0

    @property
    def complains(self) -> bool:
        """Whether failures are told."""
        return "silent" not in self.flags or "show-error" in self.flags


def read(words: Sequence[str]) -> list[Options]:
    """The parts of a command line. Raises BadOption."""
    parts = [Options()]
    rest = iter(words)
    for word in rest:
        if word == "--":
            parts[-1].urls += rest
        elif word.startswith("--"):
            _long(parts, word, rest)
        elif word.startswith("-") and len(word) > 1:
            _short(parts, word, rest)
        else:
            parts[-1].urls.append(word)
    return parts


def _long(parts: list[Options], word: str, rest: Iterator[str]) -> None:
    name, wanted = word[2:], True
    if name.startswith("no-") and name not in _ALL:
        name, wanted = name[3:], False
    found = [name] if name in _ALL else [each for each in _ALL if each.startswith(name)]
    if not found:
        raise BadOption(f"option {word}: is unknown")
    if len(found) > 1:
        raise BadOption(f"option {word}: is ambiguous")
    _set(parts, found[0], word, rest, wanted=wanted)


def _short(parts: list[Options], word: str, rest: Iterator[str]) -> None:
    for at, letter in enumerate(word[1:], 2):
        name = _BY_SHORT.get(letter)
        if name is None:
            raise BadOption(f"option {word}: is unknown")
        if name in _TAKES_VALUE:
            _set(parts, name, word, iter([word[at:]]) if word[at:] else rest)
            return
        _set(parts, name, word, rest, wanted=letter not in _NEGATED_SHORT)


def _set(parts: list[Options], name: str, word: str, rest: Iterator[str], *,
         wanted: bool = True) -> None:
    if name in _NOT_SIMULATED:
        raise BadOption(f"option {word}: the installed libcurl version doesn't support this")
    if name in _TAKES_VALUE:
        value = next(rest, None)
        if value is None:
            raise BadOption(f"option {word}: requires parameter")
        _take(parts[-1], name, word, value)
    elif name == "next":
        parts.append(Options(flags=parts[-1].flags & _GLOBAL))
    elif name == "remote-name":
        parts[-1].outputs.append(None)
    else:
        (parts[-1].flags.add if wanted else parts[-1].flags.discard)(name)
        if name in ("ipv4", "ipv6"):
            parts[-1].flags.discard("ipv6" if name == "ipv4" else "ipv4")


def _take(options: Options, name: str, word: str, value: str) -> None:
    if name in _SECONDS | _NUMBERS:
        pattern = r"\d+(\.\d+)?" if name in _SECONDS else r"\d+"
        if not re.fullmatch(pattern, value.removeprefix("-")):
            raise BadOption(f"option {word}: expected a proper numerical parameter")
        if value.startswith("-"):
            raise BadOption(f"option {word}: expected a positive numerical parameter")
    if name == "url":
        options.urls.append(value)
    elif name == "output":
        options.outputs.append(value)
    else:
        options.values[name] = value
        options.all.append((name, value))
