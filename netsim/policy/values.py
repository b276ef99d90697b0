"""What a policy says, as values. Models networking.k8s.io/v1 NetworkPolicy and labels.Selector.

A `Selection` names Pods by namespace and labels. Equal selections are one, whoever asks for them,
so the address set of a selection is kept once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Json: TypeAlias = Mapping[str, Any]
Key: TypeAlias = tuple[str, str]
"""Namespace and name."""
_OVER: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels: `app in (web, api)`."""

    key: str
    operator: str
    """In, NotIn, Exists or DoesNotExist."""
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fulfil it; NotIn is fulfilled where the label is missing."""
        if self.operator == "In":
            return labels.get(self.key) in self.values
        if self.operator == "NotIn":
            return labels.get(self.key) not in self.values
        return (self.key in labels) == (self.operator == "Exists")


Selector: TypeAlias = frozenset[Requirement]
"""All must hold; an empty one takes everything."""


def selector(value: Json | None) -> Selector:
    """A LabelSelector as JSON."""
    value = value or {}
    equal = [Requirement(key, "In", frozenset((text,)))
             for key, text in (value.get("matchLabels") or {}).items()]
    return frozenset(equal + [
        Requirement(e["key"], e["operator"], frozenset(e.get("values") or ()))
        for e in value.get("matchExpressions") or ()])


@dataclass(frozen=True, slots=True)
class Selection:
    """Pods by their labels, in one namespace or in those whose labels fit."""

    pods: Selector
    namespace: str | None = None
    """None: every namespace that `namespaces` takes."""
    namespaces: Selector = frozenset()

    def takes(self, pod: Pod, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether it takes a Pod; `namespaces`: the labels of each."""
        if self.namespace is not None:
            if pod.key[0] != self.namespace:
                return False
        elif self.namespaces:
            labels = namespaces.get(pod.key[0])
            if labels is None or not all(r.holds(labels) for r in self.namespaces):
                return False
        return all(r.holds(pod.labels) for r in self.pods)

    def __str__(self) -> str:
        """The same text for equal selections, for names made by hash."""
        parts = [sorted((r.key, r.operator, sorted(r.values)) for r in one)
                 for one in (self.pods, self.namespaces)]
        return repr((self.namespace, *parts))


EVERY_POD: Final = Selection(frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A Pod that policies are about: it has an address of its own and has not ended."""

    key: Key
    node: str
    labels: Mapping[str, str]
    addresses: tuple[str, ...]
    ports: frozenset[tuple[str, str, int]] = frozenset()
    """Its named ports: (name, TCP, 8080)."""


def pod(obj: Json) -> Pod | None:
    """A Pod as JSON; None if policies are not about it: no address, the node's, or it is over."""
    spec, status, meta = obj.get("spec") or {}, obj.get("status") or {}, obj["metadata"]
    found = [entry["ip"] for entry in status.get("podIPs") or ()]
    if not found and status.get("podIP"):
        found = [status["podIP"]]
    if spec.get("hostNetwork") or not found or status.get("phase") in _OVER:
        return None
    named = frozenset(
        (p["name"], p.get("protocol") or "TCP", int(p["containerPort"]))
        for one in (*(spec.get("containers") or ()), *_sidecars(spec))
        for p in one.get("ports") or () if p.get("name"))
    return Pod(key=(meta["namespace"], meta["name"]), node=spec.get("nodeName") or "",
               labels=meta.get("labels") or {}, addresses=tuple(found), ports=named)


def _sidecars(spec: Json) -> list[Json]:
    return [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]


@dataclass(frozen=True, slots=True)
class Block:
    """An ipBlock."""

    cidr: str
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a rule; neither number nor name: all ports of the protocol."""

    protocol: str = "TCP"
    number: int | None = None
    last: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One rule: these peers, by these ports. No peers: everybody; no ports: everything."""

    peers: tuple[Selection | Block, ...] = ()
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A NetworkPolicy. `ingress` or `egress` None: it does not isolate in that direction."""

    key: Key
    target: Selection
    ingress: tuple[Allowance, ...] | None
    egress: tuple[Allowance, ...] | None

    def __str__(self) -> str:
        return f"{self.key[0]}/{self.key[1]}"


def policy(obj: Json) -> Policy:
    """A NetworkPolicy as JSON."""
    spec, place = obj.get("spec") or {}, obj["metadata"]["namespace"]
    kinds = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return Policy(
        key=(place, obj["metadata"]["name"]),
        target=Selection(selector(spec.get("podSelector")), place),
        ingress=_allowances(spec.get("ingress"), "from", place) if "Ingress" in kinds else None,
        egress=_allowances(spec.get("egress"), "to", place) if "Egress" in kinds else None)


def _allowances(rules: list[Json] | None, side: str, place: str) -> tuple[Allowance, ...]:
    return tuple(
        Allowance(tuple(_peer(peer, place) for peer in rule.get(side) or ()),
                  tuple(_port(port) for port in rule.get("ports") or ()))
        for rule in rules or ())


def _peer(peer: Json, place: str) -> Selection | Block:
    block = peer.get("ipBlock")
    if block is not None:
        return Block(block["cidr"], tuple(block.get("except") or ()))
    pods, spaces = selector(peer.get("podSelector")), peer.get("namespaceSelector")
    return Selection(pods, place) if spaces is None else Selection(pods, None, selector(spaces))


def _port(port: Json) -> Port:
    wanted, protocol = port.get("port"), port.get("protocol") or "TCP"
    if isinstance(wanted, str):
        return Port(protocol, name=wanted)
    return Port(protocol, wanted, port.get("endPort") if wanted is not None else None)
