"""curl, over the simulated network, with curl 7.88's own messages and exit codes.

Held against the real program (tests/minikube_sim/shell/test_curl.py). What it has not: a progress
meter, TLS, and the options that it refuses as a curl does that was built without them.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.curl.options import BadOption, read
from minikube_sim.shell.commands.curl.request import VERSION, Unreadable, body_of
from minikube_sim.shell.commands.curl.transfer import (
    CONNECT,
    MALFORMED,
    READ,
    RESOLVE,
    TIMEOUT,
    WRITE,
    Client,
    Failure,
    Transfer,
    head,
    split,
)
from minikube_sim.shell.commands.curl.writeout import write_out
from minikube_sim.shell.commands.files import is_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikube_sim.http import Response
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.curl.options import Options
    from minikube_sim.shell.commands.curl.request import Body

_USAGE: Final = 2
_MANUAL: Final = "curl: try 'curl --help' or 'curl --manual' for more information"
_VERSION: Final = f"""curl {VERSION} (x86_64-pc-linux-gnu) libcurl/{VERSION}
Release-Date: 2023-02-20
Protocols: http https
Features: IPv6"""
_HELP: Final = """Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data
 -f, --fail                 Fail fast with no output on HTTP errors
 -h, --help <category>      Get help for commands
 -i, --include              Include protocol response headers in the output
 -o, --output <file>        Write to file instead of stdout
 -O, --remote-name          Write output to a file named as the remote file
 -s, --silent               Silent mode
 -T, --upload-file <file>   Transfer local FILE to destination
 -u, --user <user:password> Server user and password
 -A, --user-agent <name>    Send User-Agent <name> to server
 -v, --verbose              Make the operation more talkative
 -V, --version              Show version number and quit
"""
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE: Final = 600
_WIDTH: Final = 79 - len("Warning: ")
_MOST_URLS: Final = 10_000


async def curl(call: Call) -> int:
    """Fetch URLs; the exit code is the last one's."""
    if not call.args:
        return call.complain(_MANUAL, _USAGE)
    try:
        parts = read(call.args)
    except BadOption as error:
        return call.complain(f"curl: {error}\n{_MANUAL}", _USAGE)
    flags = parts[0].flags
    if flags & {"version", "help"}:
        call.print(_VERSION if "version" in flags else _HELP.rstrip("\n"))
        return 0
    complaints = parts[0].values.get("stderr", "")
    if complaints:
        call.err = call.out if complaints == "-" else bytearray()
    client, code = Client(call), 0
    try:
        for options in parts:
            code = await _part(call, client, options)
    finally:
        client.close()
    if complaints not in ("", "-"):
        call.machine.files[call.state.path(complaints)] = call.err.decode("utf-8", "replace")
    return code


async def _part(call: Call, client: Client, options: Options) -> int:
    """What stands between two --next."""
    if not options.urls:
        return call.complain(f"curl: no URL specified!\n{_MANUAL}", _USAGE)
    if len(options.outputs) > len(options.urls):
        _warn(call, options, "Got more output options than URLs")
    if "head" in options.flags and options.each("data", "data-raw", "data-binary", "json"):
        _warn(call, options, "You can only select one HTTP request method! You asked for both "
                             "POST (-d, --data) and HEAD (-I, --head).")
        return _USAGE
    try:
        body = await body_of(call, options)
    except Unreadable as error:
        return call.complain(str(error), READ) if options.complains else READ
    code = 0
    outputs = [*options.outputs, *[""] * len(options.urls)]
    number = 0
    for url, target in zip(options.urls, outputs, strict=False):
        try:
            urls = [url] if "globoff" in options.flags else _globbed(url)
        except Failure as failure:
            code = _tell(call, options, failure)
            continue
        for each in urls:
            code = await _fetch(call, client, options, each, target, body, number)
            number += 1
    return code


def _globbed(url: str) -> list[str]:
    """http://host/[1-3] and {a,b}. Raises Failure."""
    pieces: list[Sequence[str]] = []
    for text, ranged, listed in re.findall(r"([^\[{]+)|\[([^\]]*)\]|\{([^}]*)\}", url):
        pieces.append([text] if text else listed.split(",") if listed or not ranged
                      else _range(url, ranged))
    opened, closed = url.count("{"), url.count("}")
    if opened > closed:
        at = url.index("{") + 2
        raise Failure(MALFORMED, f"unmatched brace in URL position {at - 1}:\n{url}\n"
                                 f"{'^':>{at - 1}}")
    found = ["".join(parts) for parts in product(*pieces)] if pieces else [url]
    return found[:_MOST_URLS]


def _range(url: str, text: str) -> list[str]:
    match = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?", text)
    if match is None and re.fullmatch(r"[0-9a-fA-F:.]*(%\w+)?", text):
        return [f"[{text}]"]  # an IPv6 address
    letters = re.fullmatch(r"([a-z])-([a-z])|([A-Z])-([A-Z])", text)
    if letters:
        return [chr(code) for code in range(ord(text[0]), ord(text[2]) + 1)]
    if match is None or int(match[1]) > int(match[2]):
        at = url.index("[") + 2
        raise Failure(MALFORMED, f"bad range in URL position {at}:\n{url}\n{'^':>{at}}")
    numbers = range(int(match[1]), int(match[2]) + 1, max(1, int(match[3] or 1)))
    width = len(match[1]) if match[1].startswith("0") else 0
    return [f"{number:0{width}d}" for number in numbers[:_MOST_URLS]]


async def _fetch(call: Call, client: Client, options: Options, url: str, target: str | None,
                 body: Body, number: int) -> int:
    """One URL, as often as --retry says."""
    left, sleep = options.number("retry", 0), float(options.number("retry-delay", 0)) or 1.0
    start = call.machine.now()
    while True:
        code, transfer = await _attempt(call, client, options, url, target, body, number)
        problem = _transient(options, code, transfer)
        over = options.number("retry-max-time", 0)
        if not left or not problem or (over and call.machine.now() - start + sleep > over):
            return code
        _warn(call, options, f"Problem {problem}. Will retry in {sleep:.0f} seconds. {left} "
                             "retries left.")
        await call.sleep(sleep)
        left -= 1
        if "retry-delay" not in options.values:
            sleep = min(sleep * 2, _LONGEST_PAUSE)


def _transient(options: Options, code: int, transfer: Transfer) -> str:
    """Why another attempt may help; "" when it may not."""
    status = transfer.response.status if transfer.response else 0
    if code in (TIMEOUT, RESOLVE):
        return ": timeout"
    if code == CONNECT and "retry-connrefused" in options.flags:
        return ": connection refused"
    if status in _RETRIED:
        return ": HTTP error"
    return "(retrying all errors)" if code and "retry-all-errors" in options.flags else ""


async def _attempt(call: Call, client: Client, options: Options, url: str, target: str | None,
                   body: Body, number: int) -> tuple[int, Transfer]:
    transfer, message, code = Transfer(split(url), call.machine.now()), "", 0
    file = _file_name(url) if target is None else target
    if "get" in options.flags and body.content:
        query = "&".join(filter(None, (transfer.url.query, body.content.decode())))
        transfer.url = transfer.url._replace(query=query)
        body = type(body)()
    try:
        if target is None and not file:
            raise _Nameless(WRITE, "Failed writing received data to disk/application")
        if options.values.get("upload-file") and transfer.url.path.endswith("/"):
            name = options.values["upload-file"].rpartition("/")[2]
            transfer.url = transfer.url._replace(path=transfer.url.path + name)
        response = await client.fetch(options, transfer, body)
        _deliver(call, options, response, file)
    except Failure as failure:
        if failure.response is not None:
            _deliver(call, options, failure.response, file)
        message, code = str(failure), failure.code
    client.done(options, transfer)
    if code:
        _tell(call, options, Failure(code, message))
    if "write-out" in options.values:
        form = await _format(call, options.values["write-out"])
        write_out(call, form, transfer, code=code, message=message, file=file, number=number)
    return code, transfer


class _Nameless(Failure):
    """-O of a URL that ends in a slash."""


def _file_name(url: str) -> str:
    return split(url).path.rpartition("/")[2]


async def _format(call: Call, form: str) -> str:
    if not form.startswith("@"):
        return form
    if form == "@-":
        return await call.text()
    return call.machine.files.get(call.state.path(form[1:]), "")


def _deliver(call: Call, options: Options, response: Response, file: str) -> None:
    """Write headers and body where they belong. Raises Failure."""
    lines = ("\r\n".join(head(response)) + "\r\n\r\n").encode()
    dump = options.values.get("dump-header")
    if dump is not None:
        _write(call, options, lines, "" if dump == "-" else dump)
    content = b"" if "head" in options.flags else response.body
    if options.flags & {"include", "head"}:
        content = lines + content
    _write(call, options, content, "" if file == "-" else file)


def _write(call: Call, options: Options, content: bytes, file: str) -> None:
    if not file:
        call.out += content
        return
    path = call.state.path(file)
    if path == "/dev/null":
        return
    parent = path.rpartition("/")[0] or "/"
    if not (is_directory(call, parent) or parent in (call.state.directory, "/tmp")):
        _warn(call, options, f"Failed to open the file {file}: No such file or directory")
        raise Failure(WRITE, "Failure writing output to destination")
    call.machine.files[path] = content.decode("utf-8", "replace")


def _tell(call: Call, options: Options, failure: Failure) -> int:
    if options.complains:
        call.complain(f"curl: ({failure.code}) {failure}")
    return failure.code


def _warn(call: Call, options: Options, text: str) -> None:
    """A warning, in lines as long as a terminal's (voutf: each keeps the blank at its end)."""
    if "silent" in options.flags:
        return
    while len(text) >= _WIDTH:
        cut = text.rfind(" ", 0, _WIDTH) + 1 or _WIDTH
        call.complain(f"Warning: {text[:cut]}")
        text = text[cut:]
    call.complain(f"Warning: {text}")
