"""NetworkPolicies. Models pkg/registry/networking/networkpolicy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_valid_cidr_legacy,
    is_valid_port,
    is_valid_port_name,
    parse_cidr,
)
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.core.ips import cidr_warnings
from apiserver.resources.printing import AGE, NAME, named, selector
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.context import RequestContext
    from apiserver.machinery.names import IPNetwork
    from apiserver.machinery.types import Object

_PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
_TYPES: Final = ("Ingress", "Egress")
_SIDES: Final = (("ingress", "from"), ("egress", "to"))


class NetworkPolicyStrategy(Strategy):
    """Which traffic pods accept and send."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
            for port in rule.get("ports") or ():
                if not port.get("protocol"):
                    port["protocol"] = "TCP"
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec, path = obj.get("spec") or {}, Path("spec")
        errors = selector_errors(spec.get("podSelector"), path.child("podSelector"))
        for name, side in _SIDES:
            for i, rule in enumerate(spec.get(name) or ()):
                errors += _rule_errors(rule, side, path.child(name).at(i))
        kinds, own = spec.get("policyTypes") or [], path.child("policyTypes")
        if len(kinds) > 2:
            return [*errors, invalid(own, kinds, "may not specify more than two policyTypes")]
        return errors + [not_supported(own.at(i), kind, _TYPES)
                         for i, kind in enumerate(kinds) if kind not in _TYPES]

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return [text for block, path in _blocks(obj.get("spec") or {})
                for text in _block_warnings(block, path)]


def _blocks(spec: Object) -> Iterator[tuple[Object, Path]]:
    for name, side in _SIDES:
        for i, rule in enumerate(spec.get(name) or ()):
            for j, peer in enumerate(rule.get(side) or ()):
                if peer.get("ipBlock") is not None:
                    path = Path("spec").child(name).at(i).child(side).at(j)
                    yield peer["ipBlock"], path.child("ipBlock")


def _block_warnings(block: Object, path: Path) -> list[str]:
    texts = cidr_warnings(path.child("cidr"), block.get("cidr") or "")
    for i, cidr in enumerate(block.get("except") or ()):
        texts += cidr_warnings(path.child("except").at(i), cidr)
    return texts


def _rule_errors(rule: Object, side: str, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, port in enumerate(rule.get("ports") or ()):
        errors += _port_errors(port, path.child("ports").at(i))
    for i, peer in enumerate(rule.get(side) or ()):
        errors += _peer_errors(peer, path.child(side).at(i))
    return errors


def _port_errors(port: Object, path: Path) -> list[FieldError]:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    own = path.child("endPort")
    errors: list[FieldError] = []
    if protocol is not None and protocol not in _PROTOCOLS:
        errors.append(not_supported(path.child("protocol"), protocol, _PROTOCOLS))
    if number is None:
        if end is not None:
            errors.append(invalid(own, end, "may not be specified when `port` is not specified"))
        return errors
    if isinstance(number, str):
        if end is not None:
            errors.append(invalid(own, end, "may not be specified when `port` is non-numeric"))
        return errors + all_invalid(path.child("port"), number, is_valid_port_name(number))
    errors += all_invalid(path.child("port"), number, is_valid_port(number))
    if end is not None:
        if end < number:
            errors.append(invalid(own, number, "must be greater than or equal to `port`"))
        errors += all_invalid(own, end, is_valid_port(end))
    return errors


def _peer_errors(peer: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    given = [n for n in ("podSelector", "namespaceSelector", "ipBlock")
             if peer.get(n) is not None]
    for name in given:
        errors += (_block_errors if name == "ipBlock" else selector_errors)(
            peer[name], path.child(name))
    if not given:
        errors.append(required(path, "must specify a peer"))
    elif len(given) > 1 and "ipBlock" in given:
        errors.append(forbidden(path, "may not specify both ipBlock and another peer"))
    return errors


def _block_errors(block: Object, path: Path) -> list[FieldError]:
    cidr = block.get("cidr") or ""
    if not cidr:
        return [required(path.child("cidr"))]
    errors = all_invalid(path.child("cidr"), cidr, is_valid_cidr_legacy(cidr))
    whole = parse_cidr(cidr)
    for i, text in enumerate(block.get("except") or ()):
        own, part = path.child("except").at(i), parse_cidr(text)
        errors += all_invalid(own, text, is_valid_cidr_legacy(text))
        if whole and part and not _strictly_within(part[1], whole[1]):
            errors.append(invalid(own, text, "must be a strict subset of `cidr`"))
    return errors


def _strictly_within(part: IPNetwork, whole: IPNetwork) -> bool:
    return (part.version == whole.version and part.prefixlen > whole.prefixlen
            and part.network_address in whole)


NETWORKPOLICIES = Resource(
    group="networking.k8s.io", version="v1", kind="NetworkPolicy", plural="networkpolicies",
    short_names=("netpol",), strategy=NetworkPolicyStrategy(),
    columns=(NAME, named("Pod-Selector", selector("spec", "podSelector"), "Whom it is about."),
             AGE))
