"""Addresses that objects may not name, or should write otherwise. Models ValidateNonSpecialIP and
GetWarningsForIP, GetWarningsForCIDR of apimachinery/pkg/util/validation/ip.go.
"""

from __future__ import annotations

from apiserver.machinery.names import parse_cidr, parse_ip
from apiserver.machinery.validation import FieldError, Path, go_quote, invalid


def non_special_ip_errors(text: str, path: Path) -> list[FieldError]:
    """An address of a host: not unspecified, loopback or link-local."""
    address = parse_ip(text)
    if address is None:
        return [invalid(path, text, "must be a valid IP address")]
    reasons = []
    if address.is_unspecified:
        reasons.append(f"may not be unspecified ({text})")
    if address.is_loopback:
        reasons.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        reasons.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if _link_local_multicast(text, address.version):
        reasons.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return [invalid(path, text, reason) for reason in reasons]


def _link_local_multicast(text: str, version: int) -> bool:
    if version == 4:
        return text.startswith("224.0.0.")
    address = parse_ip(text)
    return address is not None and int(address) >> 112 & 0xFF0F == 0xFF02


def ip_warnings(path: Path, text: str) -> list[str]:
    """Warnings about an address in an odd form (GetWarningsForIP)."""
    address = parse_ip(text)
    if address is None:
        return []
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None or (address.version == 4 and str(address) != text):
        return [f"{path}: non-standard IP address {go_quote(text)} will be considered invalid in a "
                f"future Kubernetes release: use {go_quote(str(mapped or address))}"]
    return _canonical_warning(path, "IPv6 address", text, str(address))


def cidr_warnings(path: Path, text: str) -> list[str]:
    """Warnings about a range in an odd form (GetWarningsForCIDR)."""
    parsed = parse_cidr(text)
    if parsed is None:
        return []
    address, network = parsed
    texts = []
    if address != network.network_address:
        single = f"{address}/{address.max_prefixlen}"
        texts.append(f"{path}: CIDR value {go_quote(text)} is ambiguous in this context (should be "
                     f"{go_quote(str(network))} or {go_quote(single)}?)")
    host, _, bits = text.partition("/")
    if (address.version == 4 and str(address) != host) or bits != str(network.prefixlen):
        texts.append(f"{path}: non-standard CIDR value {go_quote(text)} will be considered invalid "
                     f"in a future Kubernetes release: use {go_quote(str(network))}")
    return texts or _canonical_warning(path, "IPv6 CIDR value", text, str(network))


def _canonical_warning(path: Path, what: str, text: str, canonical: str) -> list[str]:
    if canonical == text or ":" not in canonical:
        return []
    return [f"{path}: {what} {go_quote(text)} should be in RFC 5952 canonical format "
            f"({go_quote(canonical)})"]
