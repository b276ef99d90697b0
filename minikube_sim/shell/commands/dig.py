"""dig, as bind 9.18 prints it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.names import (
    RCODES,
    is_address,
    known_type,
    resolver_for,
    reverse_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikube_sim.dns.resolver import Heard, Silent
    from minikube_sim.dns.zone import Record
    from minikube_sim.shell.call import Call

_VERSION: Final = "9.18.28"
_SIZE: Final = 1232
_NO_SERVER: Final = 9
_PARTS: Final = ("question", "answer", "authority", "additional", "comments", "stats", "cmd")
_TTL_COLUMN, _CLASS_COLUMN, _TYPE_COLUMN, _DATA_COLUMN, _TAB = 24, 32, 40, 48, 8
_CLASSES: Final = ("IN", "CH", "HS")


@dataclass(slots=True)
class _Options:
    """What the command line says."""

    server: str = ""
    name: str = ""
    type: str = "A"
    port: int = 53
    short: bool = False
    tcp: bool = False
    search: bool = False
    edns: bool = True
    timeout: float = 5.0
    tries: int = 3
    shown: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(_PARTS, True))


async def dig(call: Call) -> int:
    """Ask and show the whole answer; 9 when no server answers."""
    from minikube_sim.dns.resolver import Silent

    options = _Options()
    problem = _read(call.args, options)
    if problem:
        return call.complain(problem)
    asker = await resolver_for(call, options.server)
    if asker is None:
        call.print(f"dig: couldn't get address for '{options.server}': not found")
        return 10
    asker.conf = replace(asker.conf, timeout=options.timeout, attempts=options.tries)
    names = asker.conf.candidates(options.name) if options.search else [options.name.rstrip(".")]
    heard: Heard | Silent | None = None
    for name in names:
        heard = await asker.ask(name, options.type, edns=_SIZE if options.edns else 0,
                                tcp=options.tcp, port=options.port)
        if isinstance(heard, Silent) or heard.records:
            break
    if heard is None or isinstance(heard, Silent):
        return _nobody(call, options, heard)
    _banner(call, options)
    _short(call, heard) if options.short else _show(call, options, heard)
    return 0


def _read(args: Iterable[str], options: _Options) -> str:
    """Read the command line into options; a complaint, or ''."""
    words = iter(args)
    for word in words:
        if word.startswith("@"):
            options.server = word[1:]
        elif word.startswith("+"):
            _switch(word[1:], options)
        elif word in ("-x", "-t", "-p", "-q", "-c"):
            problem = _letter(word, next(words, ""), options)
            if problem:
                return problem
        elif word.startswith("-"):
            if word not in ("-4", "-6", "-u", "-r"):
                return f"Invalid option: {word}"
        else:
            _word(word, options)
    if not options.name:
        options.name, options.type = ".", "NS"
    return ""


def _word(word: str, options: _Options) -> None:
    """A name, a type or a class."""
    if options.name and word.upper() in _CLASSES:
        return
    if known_type(word):
        options.type = word.upper()
    else:
        options.name = word


def _letter(word: str, value: str, options: _Options) -> str:
    if word == "-x":
        if not is_address(value):
            return f"Invalid IP address {value}"
        options.name, options.type = reverse_name(value), "PTR"
    elif word == "-t":
        if not known_type(value):
            return f";; Warning, ignoring invalid type {value}"
        options.type = value.upper()
    elif word == "-p" and value.isdigit():
        options.port = int(value)
    elif word == "-q":
        options.name = value
    return ""


def _switch(text: str, options: _Options) -> None:
    """`+short`, `+noall`, `+time=2`; what is not known is ignored."""
    key, _, value = text.partition("=")
    on = not key.startswith("no")
    key = key.removeprefix("no")
    flags = {"short": "short", "tcp": "tcp", "vc": "tcp", "search": "search", "edns": "edns"}
    if key in flags:
        setattr(options, flags[key], on)
    elif key == "all":
        options.shown = dict.fromkeys(_PARTS, on)
    elif key in options.shown:
        options.shown[key] = on
    elif key in ("time", "timeout") and value.isdigit():
        options.timeout = float(max(int(value), 1))
    elif key in ("tries", "retry") and value.isdigit():
        options.tries = max(int(value) + (key == "retry"), 1)


def _nobody(call: Call, options: _Options, heard: Silent | None) -> int:
    server = heard.server if heard is not None else ""
    why = "connection refused" if heard is not None and heard.refused else "timed out"
    for _ in range(options.tries):
        call.print(f";; communications error to {server}#{options.port}: {why}")
    _banner(call, options)
    call.print(";; no servers could be reached")
    return _NO_SERVER


def _banner(call: Call, options: _Options) -> None:
    """What was asked for; it is printed once the first server has spoken, or none has."""
    if options.shown["cmd"] and not options.short:
        call.print(f"\n; <<>> DiG {_VERSION} <<>> {' '.join(call.args)}")
        call.print("; (1 server found)\n" * bool(options.server) + ";; global options: +cmd")


def _short(call: Call, heard: Heard) -> None:
    for record in heard.records:
        call.print(_data(record))


def _show(call: Call, options: _Options, heard: Heard) -> None:
    shown, reply = options.shown, heard.reply
    if shown["comments"]:
        _header(call, heard)
    if shown["question"]:
        call.print(";; QUESTION SECTION:\n" * shown["comments"], end="")
        question = _column(_dotted(heard.name), _CLASS_COLUMN)
        call.print(f";{_column(f'{question}IN', _TYPE_COLUMN)}{options.type}\n")
    sections = (("answer", reply.answer.answers), ("authority", reply.answer.authority),
                ("additional", reply.answer.additional))
    for title, records in sections:
        if records and shown[title]:
            if shown["comments"]:
                call.print(f";; {title.upper()} SECTION:")
            for record in records:
                call.print(_line(record))
            if shown["comments"]:
                call.print()
    if shown["stats"]:
        when = datetime.fromtimestamp(call.machine.now(), UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
        call.print(f";; Query time: 0 msec\n;; SERVER: {heard.server}#{options.port}"
                   f"({heard.server}) ({'TCP' if heard.tcp else 'UDP'})\n;; WHEN: {when}\n"
                   f";; MSG SIZE  rcvd: {heard.size}\n")


def _header(call: Call, heard: Heard) -> None:
    reply, found = heard.reply, heard.reply.answer
    flags = ["qr", *(["aa"] if reply.authoritative else []), *(["tc"] if reply.truncated else []),
             "rd", *(["ra"] if reply.recursion_available else [])]
    more = len(found.additional) + (1 if reply.size else 0)
    call.print(f";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: "
               f"{RCODES.get(heard.rcode, heard.rcode)}, id: {reply.ident}\n"
               f";; flags: {' '.join(flags)}; QUERY: 1, ANSWER: {len(found.answers)}, "
               f"AUTHORITY: {len(found.authority)}, ADDITIONAL: {more}")
    if not reply.recursion_available:
        call.print(";; WARNING: recursion requested but not available")
    call.print()
    if reply.size:
        call.print(f";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: {reply.size}")


def _line(record: Record) -> str:
    text = _column(_dotted(record.name), _TTL_COLUMN) + str(record.ttl)
    text = _column(text, _CLASS_COLUMN) + "IN"
    text = _column(text, _TYPE_COLUMN) + record.type
    return _column(text, _DATA_COLUMN) + _data(record)


def _data(record: Record) -> str:
    if record.type == "TXT":
        return " ".join(f'"{part}"' for part in record.data)
    names = {"CNAME": (0,), "PTR": (0,), "NS": (0,), "SRV": (3,), "SOA": (0, 1)}
    dotted = names.get(record.type, ())
    return " ".join(_dotted(str(part)) if place in dotted else str(part)
                    for place, part in enumerate(record.data))


def _dotted(name: str) -> str:
    return f"{name.rstrip('.')}."


def _column(text: str, column: int) -> str:
    """The text with blanks up to a column, as dig's master file style sets them: tabs of 8."""
    width = len(text.expandtabs(_TAB))
    column = max(column, width + 1)
    tabs = column // _TAB - width // _TAB
    if tabs > 0:
        return text + "\t" * tabs + " " * (column % _TAB)
    return text + " " * (column - width)
