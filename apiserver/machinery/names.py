"""What names, keys, ports and addresses may look like, in Kubernetes' words.

Models apimachinery/pkg/util/validation and pkg/api/validate/content (v1.36). Every check gives a
list of complaints; an empty list means that the value is fine.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

Check: TypeAlias = Callable[[str], list[str]]

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_UNDERSCORE: Final = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_UNDERSCORE: Final = rf"{_LABEL_UNDERSCORE}(\.{_LABEL_UNDERSCORE})*"
_DNS1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_WILDCARD: Final = rf"\*\.{_SUBDOMAIN}"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_QUALIFIED})?"
_C_IDENTIFIER: Final = "[A-Za-z_][A-Za-z0-9_]*"
_CONFIG_KEY: Final = "[-._a-zA-Z0-9]+"
_PERCENT: Final = "[0-9]+%"
_HEADER: Final = "[-A-Za-z0-9]+"
_HTTP_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"

_QUALIFIED_TEXT: Final = ("must consist of alphanumeric characters, '-', '_' or '.', and must "
                          "start and end with an alphanumeric character")
_QUALIFIED_EXAMPLES: Final = ("MyName", "my.name", "123-abc")
_LABEL_TEXT: Final = ("a lowercase RFC 1123 label must consist of lower case alphanumeric "
                      "characters or '-', and must start and end with an alphanumeric character")
_SUBDOMAIN_TEXT: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, {}'-' or "
    "'.', and must start and end with an alphanumeric character")
_DNS1035_TEXT: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character")
_WILDCARD_TEXT: Final = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character")
_LABEL_VALUE_TEXT: Final = ("a valid label must be an empty string or consist of alphanumeric "
                            "characters, '-', '_' or '.', and must start and end with an "
                            "alphanumeric character")
_C_IDENTIFIER_TEXT: Final = ("a valid C identifier must start with alphabetic character or '_', "
                             "followed by a string of alphanumeric characters or '_'")
_CONFIG_KEY_TEXT: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
_PERCENT_TEXT: Final = (
    "a valid percent string must be a numeric string followed by an ending '%'")
_HEADER_TEXT: Final = "a valid HTTP header must consist of alphanumeric characters or '-'"

_label_match: Final = re.compile(_LABEL).fullmatch
_subdomain_match: Final = re.compile(_SUBDOMAIN).fullmatch
_subdomain_underscore_match: Final = re.compile(_SUBDOMAIN_UNDERSCORE).fullmatch
_dns1035_match: Final = re.compile(_DNS1035).fullmatch
_wildcard_match: Final = re.compile(_WILDCARD).fullmatch
_qualified_match: Final = re.compile(_QUALIFIED).fullmatch
_c_identifier_match: Final = re.compile(_C_IDENTIFIER).fullmatch
_config_key_match: Final = re.compile(_CONFIG_KEY).fullmatch
_percent_match: Final = re.compile(_PERCENT).fullmatch
_header_match: Final = re.compile(_HEADER).fullmatch
_http_path_match: Final = re.compile(_HTTP_PATH).fullmatch
_port_name_match: Final = re.compile("[-a-z0-9]+").fullmatch


def regex_error(text: str, pattern: str, *examples: str) -> str:
    """`TEXT (e.g. 'a',  or 'b', regex used for validation is 'PATTERN')` (RegexError)."""
    if not examples:
        return f"{text} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{text} (e.g. {shown}regex used for validation is '{pattern}')"


def max_length(limit: int, unit: str = "characters") -> str:
    """`must be no more than 63 characters`."""
    return f"must be no more than {limit} {unit}"


def range_error(low: int, high: int) -> str:
    """`must be between 1 and 65535, inclusive`."""
    return f"must be between {low} and {high}, inclusive"


def is_dns1123_label(value: str) -> list[str]:
    """`my-name`, at most 63 characters."""
    wrong = [max_length(63)] if len(value) > 63 else []
    if not _label_match(value):
        wrong.append("must not contain dots" if _subdomain_match(value)
                     else regex_error(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return wrong


def is_dns1123_subdomain(value: str) -> list[str]:
    """`example.com`, at most 253 characters."""
    wrong = [max_length(253)] if len(value) > 253 else []
    if not _subdomain_match(value):
        wrong.append(regex_error(_SUBDOMAIN_TEXT.format(""), _SUBDOMAIN, "example.com"))
    return wrong


def is_dns1123_subdomain_with_underscore(value: str) -> list[str]:
    """`_sip.example.com`, at most 253 characters."""
    wrong = [max_length(253)] if len(value) > 253 else []
    if not _subdomain_underscore_match(value):
        wrong.append(regex_error(_SUBDOMAIN_TEXT.format("'_', "), _SUBDOMAIN_UNDERSCORE,
                                 "example.com"))
    return wrong


def is_dns1035_label(value: str) -> list[str]:
    """`my-name`, beginning with a letter, at most 63 characters."""
    wrong = [max_length(63)] if len(value) > 63 else []
    if not _dns1035_match(value):
        wrong.append(regex_error(_DNS1035_TEXT, _DNS1035, "my-name", "abc-123"))
    return wrong


def is_wildcard_dns1123_subdomain(value: str) -> list[str]:
    """`*.example.com`, at most 253 characters."""
    wrong = [max_length(253)] if len(value) > 253 else []
    if not _wildcard_match(value):
        wrong.append(regex_error(_WILDCARD_TEXT, _WILDCARD, "*.example.com"))
    return wrong


def is_path_segment(value: str) -> list[str]:
    """What can stand in a URL path: no `.`, `..`, `/` or `%` (IsValidPathSegmentName)."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{bad}'" for bad in "/%" if bad in value]


@lru_cache(maxsize=4096)
def _qualified_name(value: str) -> tuple[str, ...]:
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return (f"a valid label key {_qualified_error()} with an optional DNS subdomain prefix and "
                "'/' (e.g. 'example.com/MyName')",)
    wrong = []
    if slash and not prefix:
        wrong.append("prefix part must be non-empty")
    elif slash:
        wrong += [f"prefix part {text}".replace("characters", "bytes")
                  if text.startswith("must be no more") else f"prefix part {text}"
                  for text in is_dns1123_subdomain(prefix)]
    return (*wrong, *_qualified_part(name))


def _qualified_part(name: str) -> list[str]:
    wrong = []
    if not name:
        wrong.append("name part must be non-empty")
    elif len(name) > 63:
        wrong.append(f"name part {max_length(63, 'bytes')}")
    if not _qualified_match(name):
        wrong.append(f"name part {_qualified_error()}")
    return wrong


def _qualified_error() -> str:
    return regex_error(_QUALIFIED_TEXT, _QUALIFIED, *_QUALIFIED_EXAMPLES)


def is_qualified_name(value: str) -> list[str]:
    """`MyName` or `example.com/MyName`: label and annotation keys, finalizers, resource names."""
    return list(_qualified_name(value))


@lru_cache(maxsize=4096)
def _label_value(value: str) -> tuple[str, ...]:
    wrong = [max_length(63, "bytes")] if len(value) > 63 else []
    if value and not _qualified_match(value):
        wrong.append(regex_error(_LABEL_VALUE_TEXT, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return tuple(wrong)


def is_valid_label_value(value: str) -> list[str]:
    """`MyValue`, empty, at most 63 bytes."""
    return list(_label_value(value))


def is_c_identifier(value: str) -> list[str]:
    """`my_name`."""
    if _c_identifier_match(value):
        return []
    return [regex_error(_C_IDENTIFIER_TEXT, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName")]


def is_relaxed_env_name(value: str) -> list[str]:
    """An environment variable's name: printable ASCII but `=`."""
    wrong = [] if value else ["environment variable name must be non-empty"]
    if any(not " " <= character <= "~" or character == "=" for character in value):
        wrong.append("a valid environment variable name must consist only of printable ASCII "
                     "characters other than '='")
    return wrong


def is_config_map_key(value: str) -> list[str]:
    """`key.name`: a key of a ConfigMap or Secret, at most 253 characters."""
    wrong = [max_length(253)] if len(value) > 253 else []
    if not _config_key_match(value):
        wrong.append(regex_error(_CONFIG_KEY_TEXT, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value in (".", ".."):
        wrong.append(f"must not be '{value}'")
    elif value.startswith(".."):
        wrong.append("must not start with '..'")
    return wrong


def is_valid_port(port: int) -> list[str]:
    """1 to 65535."""
    return [] if 1 <= port <= 65535 else [range_error(1, 65535)]


def is_valid_port_name(name: str) -> list[str]:
    """An IANA service name: at most 15 of a-z, 0-9 and single hyphens, with a letter."""
    wrong = [max_length(15)] if len(name) > 15 else []
    if not _port_name_match(name):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        wrong.append("must contain at least one letter (a-z)")
    if "--" in name:
        wrong.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        wrong.append("must not begin or end with a hyphen")
    return wrong


def is_valid_percent(text: str) -> list[str]:
    """`25%`."""
    return [] if _percent_match(text) else [regex_error(_PERCENT_TEXT, _PERCENT, "1%", "93%")]


def is_http_header_name(value: str) -> list[str]:
    """`X-Header-Name`."""
    return [] if _header_match(value) else [regex_error(_HEADER_TEXT, _HEADER, "X-Header-Name")]


def is_valid_user_id(number: int) -> list[str]:
    """A Unix user or group id."""
    return [] if 0 <= number <= 2**31 - 1 else [range_error(0, 2**31 - 1)]


def is_fully_qualified_domain_name(value: str) -> list[str]:
    """At least two labels (IsFullyQualifiedDomainName), without the case of an empty name."""
    name = value.removesuffix(".")
    if wrong := is_dns1123_subdomain(name):
        return [",".join(wrong)]
    if name.count(".") < 1:
        return ["should be a domain with at least two segments separated by dots"]
    for label in name.split("."):
        if wrong := is_dns1123_label(label):
            return [",".join(wrong)]
    return []


def is_domain_prefixed_path(value: str) -> list[tuple[str, str]]:
    """Complaints about `acme.io/foo`, each with the part that it is about."""
    host, _, path = value.partition("/")
    if not host or not path:
        return [(value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    wrong = [(host, text) for text in is_dns1123_subdomain(host)]
    if not _http_path_match(path):
        wrong.append((path, regex_error("Invalid path", _HTTP_PATH)))
    return wrong


IP_ERROR: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_ERROR: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


_LEADING_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])")
_DOTTED: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")


@lru_cache(maxsize=4096)
def parse_ip(text: str) -> IPAddress | None:
    """An address without zone; leading zeros of IPv4 mean nothing. None when it is none."""
    if _DOTTED.fullmatch(text):
        text = _LEADING_ZEROS.sub("", text)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if "%" in text else address


def parse_cidr(text: str) -> tuple[IPAddress, IPNetwork] | None:
    """(address, network) of `10.9.8.7/24`; None when it is none."""
    host, _, bits = text.partition("/")
    address = parse_ip(host)
    if address is None or not _BITS.fullmatch(bits) or int(bits) > address.max_prefixlen:
        return None
    return address, ipaddress.ip_network(f"{address}/{int(bits)}", strict=False)


_BITS: Final = re.compile(r"[0-9]{1,8}")


def _is_mapped(address: IPAddress) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def is_valid_ip(text: str) -> list[str]:
    """An IP address, in canonical form (IsValidIP)."""
    texts = is_valid_ip_legacy(text)
    address = parse_ip(text)
    if texts or address is None or str(address) == text:
        return texts
    return [f'must be in canonical form ("{address}")']


def is_valid_ip_legacy(text: str) -> list[str]:
    """An IP address in any form that means the same to everybody (IsValidIPForLegacyField)."""
    address = parse_ip(text)
    if address is None:
        return [IP_ERROR]
    if address.version == 4 and str(address) != text:
        return ["must not have leading 0s"]
    return ["must not be an IPv4-mapped IPv6 address"] if _is_mapped(address) else []


def is_valid_cidr(text: str) -> list[str]:
    """A CIDR in canonical form (IsValidCIDR)."""
    texts, parsed = is_valid_cidr_legacy(text), parse_cidr(text)
    if texts or parsed is None or str(parsed[1]) == text:
        return texts
    return [f'must be in canonical form ("{parsed[1]}")']


def is_valid_cidr_legacy(text: str) -> list[str]:
    """A CIDR in any clear form, no bits set behind the prefix (IsValidCIDRForLegacyField)."""
    parsed = parse_cidr(text)
    if parsed is None:
        return [CIDR_ERROR]
    address, network = parsed
    host, _, bits = text.partition("/")
    if bits != str(network.prefixlen) or (address.version == 4 and str(address) != host):
        return ["must not have leading 0s in IP or prefix length"]
    if _is_mapped(address):
        return ["must not have an IPv4-mapped IPv6 address"]
    if address != network.network_address:
        return ["must not have bits set beyond the prefix length"]
    return []


def mask_trailing_dash(prefix: str) -> str:
    """A generateName without its last dash, so that it passes as a name."""
    return f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
