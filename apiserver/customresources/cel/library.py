"""Kubernetes' CEL functions. Models apiserver/pkg/cel/library and cel-go's ext strings, sets, math.

Values that CEL has no type for (quantities, addresses, URLs, versions) are maps with one private
key, in canonical form, so that `==` compares them. A function is called as `f(x, ...)` whether it
was written so or as `x.f(...)`, so it tells overloads apart by its first argument.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from apiserver.customresources.formats import FORMATS, go_regex
from apiserver.machinery import names
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.quantity import NANO, Quantity, QuantityError, parse_quantity
from apiserver.machinery.validation import go_quote

Function = Callable[..., Any]
_QUANTITY, _IP, _CIDR, _URL, _SEMVER, _FORMAT = (
    "__quantity", "__ip", "__cidr", "__url", "__semver", "__format")
_SEMVER_FORM: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def _fails(make: Function) -> Function:
    """`isX` for a function that raises ValueError for what is no x."""
    def check(*args: Any) -> bool:
        try:
            make(*args)
        except ValueError:
            return False
        return True

    return check


# --- quantities and versions ---------------------------------------------------------------------

def _quantity(text: str) -> Any:
    try:
        return _as_quantity(parse_quantity(text))
    except QuantityError as error:
        raise ValueError(str(error)) from None


def _as_quantity(value: Quantity) -> Any:
    return {_QUANTITY: str(value.nano)}


def _nano(value: Any) -> int:
    return int(value[_QUANTITY]) if isinstance(value, dict) else int(value) * NANO


def _semver(text: str, normalize: bool = False) -> Any:
    if normalize:
        text = ".".join([*text.removeprefix("v").split("."), "0", "0"][:3])
    if _SEMVER_FORM.fullmatch(text) is None:
        raise ValueError(f"invalid semver {text!r}")
    return {_SEMVER: text}


def _semver_key(value: Any) -> Any:
    match = _SEMVER_FORM.fullmatch(value[_SEMVER])
    assert match is not None
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part)
             for part in (match[4] or "").split(".") if part]
    return (*map(int, match.groups()[:3]), not parts, parts)


def _order(value: Any) -> Any:
    return _semver_key(value) if _SEMVER in value else _nano(value)


def _compare(a: Any, b: Any) -> int:
    left, right = _order(a), _order(b)
    return int(left > right) - int(left < right)


def _integer(value: Any) -> int:
    whole, rest = divmod(_nano(value), NANO)
    if rest:
        raise ValueError("cannot convert value to integer")
    return whole


def _sum_of(sign: int) -> Function:
    return lambda a, b: {_QUANTITY: str(_nano(a) + sign * _nano(b))}


# --- addresses and URLs --------------------------------------------------------------------------

def _ip(value: Any) -> Any:
    if isinstance(value, dict):  # the address of a CIDR
        return {_IP: value[_CIDR].split("/")[0]}
    if "%" in value:
        raise ValueError(f"IP Address {value!r} with zone value is not allowed")
    return {_IP: str(ipaddress.ip_address(value))}


def _cidr(text: str) -> Any:
    if "/" not in text:
        raise ValueError(f"network address parse error during conversion from string: {text}")
    interface = ipaddress.ip_interface(text)
    return {_CIDR: str(interface)}


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(value[_IP] if isinstance(value, dict) else value)


def _network(value: Any) -> Any:
    text = value[_CIDR] if isinstance(value, dict) else value
    return ipaddress.ip_interface(text).network


def _contains_ip(network: Any, address: Any) -> bool:
    return _address(address) in _network(network)


def _contains_cidr(network: Any, other: Any) -> bool:
    outer, inner = _network(network), _network(other)
    return outer.version == inner.version and bool(inner.subnet_of(outer))


def _family(value: Any) -> int:
    return _address(value).version if _IP in value else _network(value).version


def _global_unicast(value: Any) -> bool:
    address = _address(value)
    return not (address.is_multicast or address.is_loopback or address.is_link_local
                or address.is_unspecified or str(address) == "255.255.255.255")


def _url(text: str) -> Any:
    if not text or " " in text or not (text[0] == "/" or urlsplit(text).scheme):
        raise ValueError(f"parse {go_quote(text)}: invalid URI for request")
    return {_URL: text}


def _of_url(read: Callable[[Any], Any]) -> Function:
    return lambda value: read(urlsplit(value[_URL]))


# --- lists and texts -----------------------------------------------------------------------------

def _size(value: Any) -> int:
    return len(value)


def _string(value: Any) -> str:
    if isinstance(value, dict):
        if _QUANTITY in value:
            return str(Quantity(int(value[_QUANTITY])))
        return str(next(iter(value.values()), ""))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value.timestamp())
    if isinstance(value, timedelta):
        return f"{_plain_number(value.total_seconds())}s"
    if isinstance(value, bytes):
        return value.decode()
    return _plain_number(value) if isinstance(value, float) else str(value)


def _plain_number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e21 else repr(value)


def _index_of(value: Any, item: Any, start: int = 0) -> int:
    if isinstance(value, str):
        return value.find(item, start)
    return next((at for at, each in enumerate(value) if each == item), -1)


def _last_index_of(value: Any, item: Any, end: int | None = None) -> int:
    if isinstance(value, str):
        return value.rfind(item) if end is None else value.rfind(item, 0, end + len(item))
    return next((at for at in range(len(value) - 1, -1, -1) if value[at] == item), -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise ValueError(f"index out of range: {start}")
    return text[start:stop]


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        return list(text)
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _sorted(values: Any) -> bool:
    return all(not b < a for a, b in itertools.pairwise(values))


def _total(values: Any) -> Any:
    if values and isinstance(values[0], timedelta):
        return sum(values, timedelta())
    return sum(values)


def _find(text: str, pattern: str) -> str:
    match = go_regex(pattern).search(text)
    return match.group() if match else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match.group() for match in go_regex(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


def _matches(text: str, pattern: str) -> bool:
    return go_regex(pattern).search(text) is not None


_VERB: Final = re.compile(r"%(?:\.(\d+))?([%sdfeboxX])")


def _format(template: str, values: list[Any]) -> str:
    waiting = iter(values)

    def fill(match: re.Match[str]) -> str:
        precision, verb = int(match[1]) if match[1] else 6, match[2]
        if verb == "%":
            return "%"
        value = next(waiting)
        if verb in "bo":
            return format(int(value), verb)
        if verb in "fe":
            return format(float(value), f".{precision}{verb}")
        if verb in "xX":
            text = value.encode().hex() if isinstance(value, str) else (
                value.hex() if isinstance(value, bytes) else format(value, "x"))
            return text.upper() if verb == "X" else text
        return _shown(value)

    return _VERB.sub(fill, template)


def _shown(value: Any, *, inside: bool = False) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item, inside=True) for item in value) + "]"
    if isinstance(value, dict):
        items = sorted((_shown(k), _shown(v, inside=True)) for k, v in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in items) + "}"
    return "null" if value is None else _string(value)


# --- maps of two-variable macros and optionals ---------------------------------------------------

def _pairs(value: Any) -> list[Any]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [{"k": key, "v": item} for key, item in items]


def _optional(value: Any, key: Any) -> Any:
    """`x.?key` and `x[?key]`, of a value or of an optional."""
    import cel

    if isinstance(value, cel.OptionalValue):
        if not value.has_value():
            return value
        value = value.value()
    if isinstance(value, list):
        there = type(key) is int and 0 <= key < len(value)
    else:
        there = isinstance(value, dict) and key in value
    return cel.OptionalValue.of(value[key]) if there else cel.OptionalValue.none()


def _optional_list(value: Any) -> list[Any]:
    return [value.value()] if value.has_value() else []


def _optional_of_list(values: list[Any]) -> Any:
    import cel

    return cel.OptionalValue.of(values[0]) if values else cel.OptionalValue.none()


def _optional_in_list(values: list[Any]) -> Any:
    """The optional in a list of one; cel-rust hands lists over with their optionals unwrapped."""
    return _optional_of_list([value for value in values if value is not None])


# --- named formats -------------------------------------------------------------------------------

_NAMED: Final[dict[str, Callable[[str], list[str]]]] = {
    "dns1123Label": names.is_dns1123_label, "dns1123Subdomain": names.is_dns1123_subdomain,
    "dns1035Label": names.is_dns1035_label, "qualifiedName": names.is_qualified_name,
    "labelValue": names.is_valid_label_value,
    "dns1123LabelPrefix": lambda text: names.is_dns1123_label(names.mask_trailing_dash(text)),
    "dns1123SubdomainPrefix": lambda text: names.is_dns1123_subdomain(
        names.mask_trailing_dash(text)),
    "dns1035LabelPrefix": lambda text: names.is_dns1035_label(names.mask_trailing_dash(text)),
}
_PLAIN_FORMATS: Final = {"uri": "uri", "uuid": "uuid", "byte": "byte", "date": "date",
                         "datetime": "date-time"}


def _format_named(name: str) -> Any:
    import cel

    known = name in _NAMED or name in _PLAIN_FORMATS
    return cel.OptionalValue.of({_FORMAT: name}) if known else cel.OptionalValue.none()


def _validate(format_: Any, text: str) -> Any:
    """Complaints as an optional list; nothing when the text is good."""
    import cel

    name = format_[_FORMAT]
    if name in _NAMED:
        complaints = _NAMED[name](text)
    else:
        complaints = [] if FORMATS[_PLAIN_FORMATS[name]](text) else [f"invalid {name}"]
    return cel.OptionalValue.of(complaints) if complaints else cel.OptionalValue.none()


FUNCTIONS: Final[dict[str, Function]] = {
    "add": _sum_of(1), "asApproximateFloat": lambda q: _nano(q) / NANO, "asInteger": _integer,
    "charAt": lambda text, at: text[at:at + 1], "cidr": _cidr, "compareTo": _compare,
    "containsCIDR": _contains_cidr, "containsIP": _contains_ip, "family": _family,
    "find": _find, "findAll": _find_all, "format": _format, "format.named": _format_named,
    "getEscapedPath": _of_url(lambda u: u.path), "getHost": _of_url(
        lambda u: u.netloc.rpartition("@")[2]),
    "getHostname": _of_url(lambda u: (u.hostname or "")),
    "getPort": _of_url(lambda u: str(u.port or "")), "getScheme": _of_url(lambda u: u.scheme),
    "getQuery": _of_url(lambda u: parse_qs(u.query, keep_blank_values=True)),
    "indexOf": _index_of, "ip": _ip, "ip.isCanonical": lambda text: _ip(text)[_IP] == text,
    "isCIDR": _fails(_cidr), "isGlobalUnicast": _global_unicast,
    "isGreaterThan": lambda a, b: _compare(a, b) > 0, "isIP": _fails(_ip),
    "isInteger": _fails(_integer), "isLessThan": lambda a, b: _compare(a, b) < 0,
    "isLinkLocalMulticast": lambda a: _address(a) in ipaddress.ip_network("224.0.0.0/24") if (
        _address(a).version == 4) else str(_address(a)).startswith("ff02:"),
    "isLinkLocalUnicast": lambda a: _address(a).is_link_local,
    "isLoopback": lambda a: _address(a).is_loopback, "isQuantity": _fails(_quantity),
    "isSemver": _fails(_semver), "isSorted": _sorted, "isURL": _fails(_url),
    "isUnspecified": lambda a: _address(a).is_unspecified,
    "join": lambda items, separator="": separator.join(items),
    "kube_size": _size, "kube_string": _string, "lastIndexOf": _last_index_of,
    "lowerAscii": lambda text: text.lower() if text.isascii() else "".join(
        c.lower() if c.isascii() else c for c in text),
    "major": lambda v: _semver_key(v)[0], "minor": lambda v: _semver_key(v)[1],
    "patch": lambda v: _semver_key(v)[2],
    "map_of_pairs": lambda pairs: {pair["k"]: pair["v"] for pair in pairs},
    "masked": lambda c: {_CIDR: str(_network(c))}, "max": lambda *values: max(
        values[0] if len(values) == 1 else values),
    "min": lambda *values: min(values[0] if len(values) == 1 else values),
    "optional_in_list": _optional_in_list, "optional_index": _optional,
    "optional_list": _optional_list, "optional_of_list": _optional_of_list,
    "optional_select": _optional, "pairs": _pairs,
    "prefixLength": lambda c: _network(c).prefixlen, "quantity": _quantity,
    "replace": lambda text, old, new, count=-1: text.replace(old, new, count),
    "reverse": lambda value: value[::-1], "semver": _semver, "sign": lambda q: _compare(
        q, {_QUANTITY: "0"}),
    "split": _split, "sub": _sum_of(-1), "substring": _substring, "sum": _total,
    "trim": lambda text: text.strip(), "upperAscii": lambda text: "".join(
        c.upper() if c.isascii() else c for c in text),
    "url": _url, "validate": _validate,
    **{f"format.{name}": lambda name=name: {_FORMAT: name} for name in (
        *_NAMED, *_PLAIN_FORMATS)},
}
"""By the name that an expression calls them; besides those of `cel.stdlib`."""
_FROM_STDLIB: Final = ("math", "sets", "encoders")


def all_functions() -> dict[str, Function]:
    """Ours, and those of cel-go's extensions that cel.stdlib has."""
    from cel.stdlib import EXTENSIONS

    extended = {name: function for library in _FROM_STDLIB
                for name, function in EXTENSIONS[library].items()}
    lists = {name: EXTENSIONS["lists"][name] for name in ("distinct", "flatten", "slice", "sort")}
    return {**extended, **lists, **FUNCTIONS}
