"""Addresses that objects may not name. Models ValidateNonSpecialIP."""

from __future__ import annotations

from apiserver.machinery.names import parse_ip
from apiserver.machinery.validation import FieldError, Path, invalid


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
