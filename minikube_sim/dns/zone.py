"""The records of a cluster's zone. Models plugin/kubernetes and plugin/backend_lookup of CoreDNS.

    SERVICE.NAMESPACE.svc.ZONE                  A, AAAA, SRV; of an ExternalName Service CNAME
    _PORT._PROTOCOL.SERVICE.NAMESPACE.svc.ZONE  SRV
    ENDPOINT.SERVICE.NAMESPACE.svc.ZONE         A, AAAA of one endpoint
    1-2-3-4.NAMESPACE.pod.ZONE                  A, by `pods insecure` without a look at any Pod
    4.3.2.1.in-addr.arpa                        PTR of Services and endpoints

A name that exists without records of the wanted type is answered empty (NODATA); one that does not
is NXDOMAIN. Both carry the zone's SOA.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from minikube_sim.dns.directory import addresses_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from minikube_sim.dns.directory import Directory

NOERROR: Final = 0
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
REFUSED: Final = 5
_REVERSE: Final = {"in-addr.arpa": 4, "ip6.arpa": 6}
_VERSION: Final = "1.1.0"
_LONGEST_NEGATIVE: Final = 300


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record; names without the last dot."""

    name: str
    type: str
    data: tuple[str | int, ...]
    """(address,), (target,), (priority, weight, port, target), (text,), or SOA's seven."""
    ttl: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to one question."""

    rcode: int = NOERROR
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """One place where a Service is served."""

    host: str
    name: str
    """The name that stands for it in SRV records."""
    port: int
    external: bool = False


class _Missing(Exception):
    """NXDOMAIN."""


@dataclass(slots=True, kw_only=True)
class Zone:
    """The kubernetes plugin's answers."""

    directory: Directory
    name: str = "cluster.local"
    ttl: int = 5
    pods: str = "disabled"
    """insecure: answers for every address; verified and disabled: for none."""
    serial: int = 0
    nameservers: Sequence[str] = ()
    """kube-dns's own addresses; none when unknown."""

    def owns(self, name: str) -> bool:
        """Whether a name belongs to the zone or is an address's reverse name."""
        return _below(name, self.name) or any(_below(name, zone) for zone in _REVERSE)

    def answer(self, name: str, kind: str) -> Answer | None:
        """What the zone says; None: an address that it does not know, which falls through."""
        name = name.lower().rstrip(".")
        if not _below(name, self.name):
            found = tuple(self._reverse(name)) if kind == "PTR" else ()
            return Answer(answers=found) if found else None
        if special := self._special(name, kind):
            return special
        try:
            places = tuple(self._lookup(name))
        except _Missing:
            return Answer(NXDOMAIN, authority=(self.soa(),))
        return self._records(name, kind, places)

    def soa(self) -> Record:
        """The zone's SOA, as it stands in negative answers."""
        data = (f"ns.dns.{self.name}", f"hostmaster.{self.name}", self.serial, 7200, 1800, 86400,
                self.ttl)
        return Record(self.name, "SOA", data, min(self.ttl, _LONGEST_NEGATIVE))

    def _special(self, name: str, kind: str) -> Answer | None:
        """The zone itself, its version, its name server."""
        if name == self.name and kind == "SOA":
            return Answer(answers=(self.soa(),))
        if name == self.name and kind == "NS":
            server = f"kube-dns.kube-system.svc.{name}" if self.nameservers else f"ns.dns.{name}"
            return Answer(answers=(Record(name, "NS", (server,), self.ttl),),
                          additional=tuple(self._own_addresses(server)))
        if name == f"ns.dns.{self.name}":
            own = tuple(record for record in self._own_addresses(name) if record.type == kind)
            return Answer(answers=own, authority=() if own else (self.soa(),))
        if name == f"dns-version.{self.name}" and kind == "TXT":
            return Answer(answers=(Record(name, "TXT", (_VERSION,), self.ttl),))
        return None

    def _own_addresses(self, name: str) -> Iterator[Record]:
        """nsAddrs: kube-dns's, whatever name stands for it."""
        for address in self.nameservers:
            yield Record(name, _address_type(address), (address,), self.ttl)

    # ------------------------------------------------------------ names

    def _lookup(self, name: str) -> Iterator[_Found]:
        """The places that a name stands for. Raises _Missing."""
        labels = name[:-len(self.name)].rstrip(".").split(".")
        labels = [label for label in labels if label]
        if not labels:
            return iter(())
        kind = labels.pop()
        if kind not in ("svc", "pod"):
            raise _Missing
        namespace = labels.pop() if labels else ""
        if namespace and not self.directory.namespace_exists(namespace):
            raise _Missing
        if not labels:
            return iter(())
        if kind == "pod":
            return self._pod(labels[-1], name)
        return self._service(namespace, labels)

    def _pod(self, text: str, name: str) -> Iterator[_Found]:
        plain = text.count("-") == 3 and "--" not in text
        address = text.replace("-", "." if plain else ":")
        if self.pods != "insecure" or not _is_address(address):
            raise _Missing
        return iter((_Found(address, name, -1),))

    def _service(self, namespace: str, labels: Sequence[str]) -> Iterator[_Found]:
        *before, name = labels
        if len(before) > 2:
            raise _Missing
        port = protocol = endpoint = ""
        if len(before) == 2:
            port, protocol = (label.removeprefix("_") for label in before)
        elif before:
            endpoint = before[0]
        found = tuple(self._places(namespace, name, endpoint, (port, protocol)))
        if not found:
            raise _Missing
        return iter(found)

    def _places(self, namespace: str, name: str, endpoint: str,
                port: tuple[str, str]) -> Iterator[_Found]:
        service = self.directory.service(namespace, name)
        if service is None:
            return
        own, spec = f"{name}.{namespace}.svc.{self.name}", service["spec"]
        if spec.get("type") == "ExternalName":
            if not endpoint and not port[0]:
                host = str(spec["externalName"]).rstrip(".")
                yield _Found(host, own, -1, not _is_address(host))
            return
        addresses = addresses_of(service)
        if not addresses or endpoint:
            for one in self.directory.endpoints(namespace, name):
                if (endpoint in ("", one.hostname)
                        and _is_port(port, one.port, one.protocol)):
                    yield _Found(one.address, f"{one.hostname}.{own}", one.number)
            return
        for entry in spec.get("ports") or ():
            if _is_port(port, entry.get("name") or "", entry.get("protocol") or "TCP"):
                for address in addresses:
                    yield _Found(address, own, int(entry["port"]))

    # ------------------------------------------------------------ records

    def _records(self, name: str, kind: str, places: Sequence[_Found]) -> Answer:
        additional: tuple[Record, ...] = ()
        if kind == "SRV":
            found, additional = self._srv(name, places)
        elif kind in ("A", "AAAA", "CNAME"):
            found = tuple(dict.fromkeys(self._addresses(name, kind, places)))
        else:
            found = ()
        return Answer(answers=found, additional=additional,
                      authority=() if found else (self.soa(),))

    def _addresses(self, name: str, kind: str, places: Sequence[_Found]) -> Iterator[Record]:
        for place in places:
            if place.external:
                yield Record(name, "CNAME", (place.host,), self.ttl)
            elif _address_type(place.host) == kind:
                yield Record(name, kind, (place.host,), self.ttl)

    def _srv(self, name: str,
             places: Sequence[_Found]) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
        """One a place and port; the weights share 100."""
        weight = max(1, 100 // len(places)) if places else 1
        answers, additional = [], []
        for place in places:
            if place.port < 0 or place.external:
                continue
            answers.append(Record(name, "SRV", (0, weight, place.port, place.name), self.ttl))
            additional.append(
                Record(place.name, _address_type(place.host), (place.host,), self.ttl))
        return tuple(dict.fromkeys(answers)), tuple(dict.fromkeys(additional))

    def _reverse(self, name: str) -> Iterator[Record]:
        address = address_of(name)
        if address is None:
            return
        services = [f"{s['metadata']['name']}.{s['metadata']['namespace']}"
                    for s in self.directory.services_at(address)]
        for service in services:
            yield Record(name, "PTR", (f"{service}.svc.{self.name}",), self.ttl)
        if services:
            return
        for hostname, service, namespace in self.directory.endpoints_at(address):
            target = f"{hostname}.{service}.{namespace}.svc.{self.name}"
            yield Record(name, "PTR", (target,), self.ttl)


def address_of(name: str) -> str | None:
    """The address that a reverse name stands for: 6.0.17.172.in-addr.arpa -> 172.17.0.6."""
    name = name.lower().rstrip(".")
    for zone, family in _REVERSE.items():
        if not name.endswith("." + zone):
            continue
        labels = name[:-len(zone) - 1].split(".")[::-1]
        text = ".".join(labels) if family == 4 else ":".join(
            "".join(labels[i:i + 4]) for i in range(0, len(labels), 4))
        return str(ipaddress.ip_address(text)) if _is_address(text) else None
    return None


def reverse_name(address: str) -> str:
    """172.17.0.6 -> 6.0.17.172.in-addr.arpa. Raises ValueError."""
    return ipaddress.ip_address(address).reverse_pointer


def _below(name: str, zone: str) -> bool:
    name = name.lower().rstrip(".")
    return name == zone or name.endswith("." + zone)


def _is_port(wanted: tuple[str, str], name: str, protocol: str) -> bool:
    return not wanted[0] or (wanted[0] == name.lower() and wanted[1] == protocol.lower())


def _address_type(address: str) -> str:
    return "AAAA" if ":" in address else "A"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
