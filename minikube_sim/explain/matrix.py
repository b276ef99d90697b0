"""The reachability matrix: every Pod, node and outside x every Service and port.

    matrix = cluster.matrix()
    print(matrix)
    matrix.assert_reaches("pod/a", "svc/web:80")

Every cell is a real first packet through the real rules.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.meta import name, namespace
from minikube_sim.explain.flow import ANSWERED, Answer, attempt
from minikube_sim.explain.places import DEFAULT, ExplainError, Places, display
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object
    from minikube_sim.cluster import Cluster

_UNTESTED: Final = "untested"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Who reaches what; `cells` by (source, target)."""

    cluster: Cluster
    namespace: str
    """Where names without one are looked up."""
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    cells: dict[tuple[str, str], Answer]

    def __str__(self) -> str:
        """A table: one row a source, one column a target."""
        rows = [["FROM", *self.targets],
                *([source, *(_cell(self.cells[source, target]) for target in self.targets)]
                  for source in self.sources)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width
                                   in zip(row, widths, strict=True)).rstrip() for row in rows)

    def csv(self) -> str:
        """Rows of source, target, result, by."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["from", "to", "result", "by"])
        writer.writerows([source, target, a.result, a.by]
                         for (source, target), a in self.cells.items())
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"sources": list(self.sources), "targets": list(self.targets),
                "cells": [{"from": source, "to": target, "result": a.result, "by": a.by}
                          for (source, target), a in self.cells.items()]}

    def reaches(self, source: str, target: str) -> bool:
        """Whether a source was answered by a target. Raises ExplainError for what is not in the
        matrix.
        """
        return self._find(source, target).result == ANSWERED

    def assert_reaches(self, source: str, target: str) -> None:
        """Fail, with the trace of a flow, unless the target answers."""
        answer = self._find(source, target)
        assert answer.result == ANSWERED, self._tell(source, target, answer, "does not reach")

    def assert_blocked(self, source: str, target: str) -> None:
        """Fail, with the trace of a flow, if the target answers."""
        answer = self._find(source, target)
        assert answer.result != ANSWERED, self._tell(source, target, answer, "reaches")

    def _tell(self, source: str, target: str, answer: Answer, verb: str) -> str:
        from minikube_sim.explain.trace import trace_flow

        flow = trace_flow(self.cluster, source, target, self.namespace)
        return f"{source} {verb} {target}: {answer}\n\n{flow}"

    def _find(self, source: str, target: str) -> Answer:
        answer = self.cells.get((source, target))
        if answer is None:
            known = self.sources if source not in self.sources else self.targets
            raise ExplainError(f"{source} -> {target} is not in the matrix; there is "
                               f"{', '.join(known)}")
        return answer


def _cell(answer: Answer) -> str:
    return answer.by if answer.result == ANSWERED else answer.result


def matrix(cluster: Cluster, namespace: str = "", *, services: bool = True,
           pods: bool = False) -> Matrix:
    """Try every flow. `namespace`: only that one's Pods and Services ('' for all); `pods`: the
    Pods' own ports too, as targets.
    """
    places = Places(cluster, namespace or DEFAULT)
    sources = _sources(cluster, namespace)
    targets = [*(_services(cluster, namespace) if services else ()),
               *(_pods(cluster, namespace) if pods else ())]
    cells = {(source, target): _try(cluster, places, source, target)
             for source in sources for target in targets}
    return Matrix(cluster, namespace or DEFAULT, tuple(sources), tuple(targets), cells)


def _try(cluster: Cluster, places: Places, source: str, target: str) -> Answer:
    try:
        return attempt(cluster, places.source(source), places.target(target))
    except ExplainError as error:
        return Answer(result=_UNTESTED, by=str(error))


def _sources(cluster: Cluster, space: str) -> list[str]:
    fabric = cluster.network.fabric
    pods = sorted(pod for node in fabric.nodes.values() for pod in node.pods
                  if not space or pod.endswith(f".{space}"))
    return [*(_short(display(pod, ()), space) for pod in pods),
            *(f"node/{node}" for node in fabric.nodes), "outside"]


def _short(place: str, space: str) -> str:
    """Without the namespace, when that is the only one."""
    return place.replace(f"/{space}/", "/", 1) if space else place


def _services(cluster: Cluster, space: str) -> Iterator[str]:
    for service in cluster.list("services", space or None):
        if service["spec"].get("type") != "ExternalName":
            for port in service["spec"].get("ports") or ():
                key = port["port"] if _is_unique(service, port) else port.get("name")
                yield f"svc/{_named(service, space)}:{key}"
                yield from _second_address(service, port)


def _second_address(service: Object, port: dict[str, Any]) -> Iterator[str]:
    """A port at the Service's address of its other family."""
    protocol = port.get("protocol", "TCP").lower()
    for address in service["spec"].get("clusterIPs", ())[1:]:
        if protocol in ("tcp", "udp"):
            yield f"{protocol}://{join_host_port(address, port['port'])}"


def _is_unique(service: Object, port: dict[str, Any]) -> bool:
    """53/TCP and 53/UDP of one Service are told apart by their names."""
    return [p["port"] for p in service["spec"]["ports"]].count(port["port"]) == 1


def _pods(cluster: Cluster, space: str) -> Iterator[str]:
    for pod in cluster.list("pods", space or None):
        if not pod["spec"].get("hostNetwork") and pod["status"].get("podIP"):
            for container in pod["spec"]["containers"]:
                for port in container.get("ports") or ():
                    if port.get("protocol", "TCP") == "TCP":
                        yield f"pod/{_named(pod, space)}:{port['containerPort']}"


def _named(obj: Object, space: str) -> str:
    plain = namespace(obj) == (space or DEFAULT)
    return name(obj) if plain else f"{namespace(obj)}/{name(obj)}"
