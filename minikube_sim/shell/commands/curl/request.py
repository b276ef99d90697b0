"""The request that options ask for: method, headers in curl's order, body."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus

from minikube_sim.http import Request

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.curl.options import Options

VERSION: Final = "7.88.1"
_DATA: Final = ("data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json")
_FORM: Final = ("form", "form-string")
_FORM_TYPE: Final = "application/x-www-form-urlencoded"


class Unreadable(Exception):
    """A file to send is not there; the text is the complaint."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, and what it makes of the request."""

    content: bytes = b""
    method: str = "GET"
    kind: str = ""
    """Content-Type."""
    expect: bool = False
    """100-continue."""


async def body_of(call: Call, options: Options) -> Body:
    """What the data options say; reads files and stdin. Raises Unreadable."""
    if uploads := options.each("upload-file"):
        content = await _content(call, uploads[-1])
        if content is None:
            raise Unreadable(f"curl: Can't open '{uploads[-1]}'!\ncurl: try 'curl --help' or "
                             "'curl --manual' for more information\ncurl: (26) Failed to open/read "
                             "local data from file/application")
        return Body(content, "PUT", expect=True)
    if forms := [(n, v) for n, v in options.all if n in _FORM]:
        return await _multipart(call, forms)
    given = [(name, value) for name, value in options.all if name in _DATA]
    if not given:
        return Body(method="HEAD" if "head" in options.flags else "GET")
    parts = [await _datum(call, name, value) for name, value in given]
    if any(name == "json" for name, _ in given):
        return Body(b"".join(parts), "POST", "application/json")
    return Body(b"&".join(parts), "POST", _FORM_TYPE)


async def _datum(call: Call, name: str, value: str) -> bytes:
    if name == "data-urlencode":
        label, sign, text = value.partition("=")
        if not sign:
            return quote_plus(value).encode()
        return (f"{label}=" if label else "").encode() + quote_plus(text).encode()
    if name == "data-raw" or not value.startswith("@"):
        return value.encode()
    content = await _content(call, value[1:])
    if content is None:
        call.complain(f"Warning: Couldn't read data from file \"{value[1:]}\", this makes an "
                      "empty POST.")
        return b""
    return content if name in ("data-binary", "json") else content.translate(None, b"\r\n")


async def _content(call: Call, name: str) -> bytes | None:
    if name == "-":
        return await call.stdin()
    text = call.machine.files.get(call.state.path(name))
    return None if text is None else text.encode()


async def _multipart(call: Call, forms: list[tuple[str, str]]) -> Body:
    mark = "-" * 24 + hashlib.sha256(repr(forms).encode()).hexdigest()[:16]
    parts = []
    for option, field in forms:
        name, _, value = field.partition("=")
        head, content = f'Content-Disposition: form-data; name="{name}"', value.encode()
        if option == "form" and value[:1] in ("@", "<"):
            found = await _content(call, value[1:])
            if found is None:
                raise Unreadable("curl: (26) Failed to open/read local data from file/application")
            content = found
            if value[0] == "@":
                file = value[1:].rpartition("/")[2]
                head += f'; filename="{file}"\r\nContent-Type: application/octet-stream'
        parts.append(f"--{mark}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return Body(b"".join([*parts, f"--{mark}--\r\n".encode()]), "POST",
                f"multipart/form-data; boundary={mark}")


def request_for(options: Options, url: SplitResult, body: Body) -> Request:
    """The request to a URL, its headers in curl's order."""
    own = [_header(text) for text in options.each("header")]
    set_ = {name.lower() for name, _ in own}
    headers = [(name, value) for name, value in _standard(options, url, body)
               if value and name.lower() not in set_]
    headers += [(name, value) for name, value in own if value is not None]
    if body.content or body.method == "POST":
        headers += [(name, value) for name, value in (
            ("Content-Length", str(len(body.content))), ("Content-Type", body.kind),
            ("Expect", "100-continue" if body.expect else ""))
            if value and name.lower() not in set_ and body.kind != "application/json"]
        if body.kind == "application/json":
            headers.append(("Content-Length", str(len(body.content))))
    return Request(method=options.values.get("request", body.method), target=_target(options, url),
                   headers=tuple(headers), body=body.content)


def _standard(options: Options, url: SplitResult, body: Body) -> list[tuple[str, str]]:
    user = options.values.get("user") or url.netloc.rpartition("@")[0]
    bearer = options.values.get("oauth2-bearer")
    login = f"Basic {base64.b64encode(user.encode()).decode()}" if user else ""
    json = body.kind == "application/json"
    return [
        ("Host", url.netloc.rpartition("@")[2]),
        ("Authorization", f"Bearer {bearer}" if bearer else login),
        ("Range", f"bytes={options.values['range']}" if "range" in options.values else ""),
        ("User-Agent", options.values.get("user-agent", f"curl/{VERSION}")),
        *([("Content-Type", body.kind)] if json else []),
        ("Accept", body.kind if json else "*/*"),
        ("Accept-Encoding", "deflate, gzip, br, zstd" if "compressed" in options.flags else ""),
        ("Referer", options.values.get("referer", "")),
        ("Cookie", "; ".join(options.each("cookie"))),
    ]


def _header(text: str) -> tuple[str, str | None]:
    """`Name: value`; `Name:` takes a header away (None), `Name;` sends it empty."""
    name, colon, value = text.partition(":")
    if colon:
        return name.strip(), value.strip() or None
    return text.removesuffix(";").strip(), "" if text.endswith(";") else None


def _target(options: Options, url: SplitResult) -> str:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return options.values.get("request-target", path)
