"""-w: what is told of a transfer when it is over."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from minikube_sim.shell.commands.curl.request import VERSION
from minikube_sim.shell.commands.curl.transfer import head

if TYPE_CHECKING:
    from minikube_sim.http import Response
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.curl.transfer import Transfer

_TIMES: Final = ("appconnect", "connect", "namelookup", "pretransfer", "redirect", "starttransfer",
                 "total")
_TOKEN: Final = re.compile(r"%%|%\{([^}]*)\}|%header\{([^}]*)\}|\\([nrt])")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_CODES: Final = ("http_code", "response_code", "http_connect")
"""Printed with three digits, except as JSON."""


def write_out(call: Call, form: str, transfer: Transfer, *, code: int, message: str, file: str,
              number: int) -> None:
    """Print a format of -w. `number` counts the URLs, `file` is where the body went."""
    values = _values(transfer, code, message, file, number)
    out, at = call.out, 0
    for match in _TOKEN.finditer(form):
        out += form[at:match.start()].encode()
        at = match.end()
        name, header, escape = match.groups()
        if escape:
            out += _ESCAPES[escape].encode()
        elif header is not None:
            out += (transfer.response.header(header) if transfer.response else "").encode()
        elif name is None:
            out += b"%"
        elif name in ("stdout", "stderr"):
            out = call.out if name == "stdout" else call.err
        elif name == "onerror":
            if not code:
                return
        else:
            out += _variable(call, name, values, transfer.response).encode()
    out += form[at:].encode()


def _variable(call: Call, name: str, values: dict[str, Any], response: Response | None) -> str:
    if name == "json":
        return _as_json(values)
    if name == "header_json":
        return _headers(response)
    if name not in values:
        call.complain(f"curl: unknown --write-out variable: '{name}'")
        return ""
    value = values[name]
    if name in _CODES:
        return f"{value:03d}"
    return f"{value:.6f}" if isinstance(value, float) else "" if value is None else str(value)


def _as_json(values: dict[str, Any]) -> str:
    texts = [f'"{name}":' + (f"{value:.6f}" if isinstance(value, float) else json.dumps(value))
             for name, value in sorted(values.items())]
    return "{" + ",".join([*texts, f'"curl_version":"libcurl/{VERSION}"']) + "}"


def _headers(response: Response | None) -> str:
    rows: dict[str, list[str]] = {}
    for name, value in response.headers if response else ():
        rows.setdefault(name.lower(), []).append(value)
    texts = [f"{json.dumps(name)}:{json.dumps(found, separators=(',', ':'))}"
             for name, found in rows.items()]
    return "{" + ",\n".join(texts) + "\n}"


def _values(transfer: Transfer, code: int, message: str, file: str, number: int) -> dict[str, Any]:
    response, request = transfer.response, transfer.request
    link = transfer.connection.link if transfer.connection else None
    status, size = (response.status, len(response.body)) if response else (0, 0)
    sent = len(request.body) if request else 0
    total = transfer.times.get("total", 0.0)
    lines = [*(f"{n}: {v}" for n, v in request.headers), ""] if request else []
    first = f"{request.method} {request.target} HTTP/1.1" if request else ""
    return {
        **{f"time_{name}": transfer.times.get(name, 0.0) for name in _TIMES},
        "certs": "", "num_certs": 0, "ssl_verify_result": 0, "proxy_ssl_verify_result": 0,
        "content_type": (response.header("content-type") or None) if response else None,
        "errormsg": message or None, "exitcode": code, "filename_effective": file or None,
        "ftp_entry_path": None, "http_code": status, "response_code": status, "http_connect": 0,
        "http_version": "1.1" if response else "0",
        "local_ip": link.local.address if link else "",
        "local_port": link.local.port if link else 0,
        "remote_ip": link.remote.address if link else "",
        "remote_port": link.remote.port if link else 0,
        "method": request.method if request else "GET", "num_connects": transfer.connects,
        "num_headers": len(response.headers) if response else 0,
        "num_redirects": transfer.redirects, "redirect_url": transfer.redirect_url() or None,
        "referer": request.header("referer") or None if request else None,
        "scheme": transfer.url.scheme.upper() if response else None,
        "size_download": size, "speed_download": _speed(size, total),
        "size_header": sum(len(line) + 2 for line in head(response)) + 2 if response else 0,
        "size_request": sum(len(line) + 2 for line in [first, *lines]) + sent if request else 0,
        "size_upload": sent, "speed_upload": _speed(sent, total),
        "url": transfer.url.geturl(), "url_effective": transfer.url.geturl(), "urlnum": number,
    }


def _speed(size: int, seconds: float) -> int:
    return int(size / max(seconds, 1e-6))
