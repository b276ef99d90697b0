"""`why SERVICE`: what keeps a Service from answering, in a sentence, with the fix.

The checks follow the way from the name to the listener: Service, selector, Pods, ports, rules, and
at last real packets. The first that finds something is what to mend first.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.meta import labels, name
from minikube_sim.addressing import family_name
from minikube_sim.explain.flow import ANSWERED, attempt
from minikube_sim.explain.places import DEFAULT, ExplainError, Places, Target
from minikube_sim.explain.pods import matches, selector_text, why_not_ready
from netsim.packet import TCP, UDP, join_host_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from apiserver.machinery.types import Object
    from minikube_sim.cluster import Cluster
    from netsim.namespace import Namespace

_NUMBERS: Final = {"TCP": TCP, "UDP": UDP}
_NAMES: Final = {TCP: "TCP", UDP: "UDP"}
_BY_POLICY: Final = re.compile(r"(INGRESS|EGRESS) not allowed by (.*)", re.IGNORECASE)
"""The comment of the rule that ends a Pod's chain of policies (netsim.policy.rules)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that keeps a Service from answering."""

    code: str
    """For programs: no-such-service, selector-matches-nothing, pods-not-ready, ..."""
    text: str
    """A sentence."""
    fix: str
    """What to do."""

    def __str__(self) -> str:
        return f"{self.text}\n  fix: {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Whether a Service answers, who does, and what is wrong."""

    service: str
    """namespace/name."""
    source: str
    answers: bool
    answered_by: dict[str, str] = field(default_factory=dict)
    """By port (`80/TCP`) who answered."""
    problems: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        if not self.answers:
            return "\n".join([f"service {self.service} does not answer",
                              *(f"- {problem}" for problem in self.problems)])
        who = ", ".join(f"{port} by {by}" for port, by in self.answered_by.items())
        return "\n".join([f"service {self.service} answers: {who} (asked from {self.source})",
                          *(f"- {problem}" for problem in self.problems)])

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Case:
    """A Service under examination."""

    cluster: Cluster
    places: Places
    service: Object
    space: str
    source: str

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.service["spec"]
        return spec

    @property
    def ports(self) -> list[dict[str, Any]]:
        return list(self.spec.get("ports") or ())

    @property
    def families(self) -> list[str]:
        return list(self.spec.get("ipFamilies") or ("IPv4",))

    @property
    def label(self) -> str:
        return f"{self.space}/{name(self.service)}"

    @property
    def selector(self) -> dict[str, str]:
        return dict(self.spec.get("selector") or {})

    @property
    def pods(self) -> list[Object]:
        """The Pods that the selector matches."""
        return [pod for pod in self.cluster.list("pods", self.space)
                if self.selector and matches(self.selector, labels(pod))]

    @property
    def ready(self) -> list[Object]:
        return [pod for pod in self.pods if not why_not_ready(self.cluster, pod)]

    def stack(self, pod: Object) -> Namespace:
        return self.places.source(f"pod/{self.space}/{name(pod)}")


def why(cluster: Cluster, service: str, namespace: str = DEFAULT, source: str = "") -> Why:
    """Examine a Service, asked from a place (the first node unless told). Raises ExplainError for a
    place that does not exist.
    """
    places = Places(cluster, namespace)
    asked = source or f"node/{cluster.options.node_names()[0]}"
    places.source(asked)
    try:
        found = places.service(namespace, service)
    except ExplainError as error:
        problem = Problem(code="no-such-service", text=str(error),
                          fix=f"kubectl get services -n {namespace}; then use the right name, or "
                              "create the Service")
        return Why(service=f"{namespace}/{service}", source=asked, answers=False,
                   problems=(problem,))
    return _examine(_Case(cluster, places, found, namespace, asked))


def _examine(case: _Case) -> Why:
    for check in CHECKS:
        found = tuple(check(case))
        if found:
            return Why(service=case.label, source=case.source, answers=False, problems=found)
    answered, problems = _ask(case)
    return Why(service=case.label, source=case.source, answered_by=answered,
               answers=bool(answered) and not problems,
               problems=(*problems, *_warnings(case)))


# ---------------------------------------------------------------- the checks, in order


def _external_name(case: _Case) -> Iterator[Problem]:
    if case.spec.get("type") == "ExternalName":
        host = case.spec.get("externalName", "")
        yield Problem(
            code="external-name",
            text=f"{case.label} is an ExternalName: it has no address and no rules; DNS sends its "
                 f"clients to {host}, outside of the cluster",
            fix="connect to that host, or give the Service a selector and type ClusterIP")


def _no_ports(case: _Case) -> Iterator[Problem]:
    if not case.ports and case.spec.get("clusterIP") != "None":
        yield Problem(code="no-ports", text=f"{case.label} has no ports",
                      fix="add spec.ports to the Service")


def _selector(case: _Case) -> Iterator[Problem]:
    if not case.selector:
        if not case.places.endpoints(case.service):
            yield Problem(
                code="no-endpoints",
                text=f"{case.label} has no selector, and nobody made an EndpointSlice with "
                     "addresses for it",
                fix="add spec.selector, or create an EndpointSlice with the label "
                    f"kubernetes.io/service-name={name(case.service)}")
        return
    if not case.pods:
        near = _nearest(case)
        yield Problem(
            code="selector-matches-nothing",
            text=f"the selector {selector_text(case.selector)} of {case.label} matches no Pod in "
                 f"namespace {case.space}" + (f"; nearest is {near}" if near else ""),
            fix="make spec.selector of the Service and the labels of the Pods the same"
                if near else "create Pods with these labels")


def _nearest(case: _Case) -> str:
    """The Pod whose labels are most like the selector, and where it differs."""
    elsewhere = [pod for pod in case.cluster.list("pods") if matches(case.selector, labels(pod))]
    if elsewhere:
        pod = elsewhere[0]["metadata"]
        return f"pod {pod['name']}, which has these labels, but in namespace {pod['namespace']}"
    wanted = [f"{key}={value}" for key, value in case.selector.items()]
    best, best_pairs = "", [""]
    score = 0.0
    for pod in case.cluster.list("pods", case.space):
        pairs = [f"{key}={value}" for key, value in labels(pod).items()]
        likeness = sum(1.0 for w in wanted if w in pairs) + sum(
            0.5 for w in wanted if w not in pairs and get_close_matches(w, pairs, 1, 0.5))
        if likeness > score:
            best, best_pairs, score = name(pod), pairs, likeness
    return f"pod {best} with the labels {', '.join(best_pairs)}" if best else ""


def _not_ready(case: _Case) -> Iterator[Problem]:
    if not case.pods or case.ready or case.spec.get("publishNotReadyAddresses"):
        return
    for pod in case.pods:
        reason = why_not_ready(case.cluster, pod)
        if reason is not None:
            yield Problem(code=f"pods-not-ready/{reason.code}",
                          text=f"pod {name(pod)} is not ready: {reason.text}", fix=reason.fix)


def _named_port(case: _Case) -> Iterator[Problem]:
    for port in case.ports if case.ready else ():
        wanted = port.get("targetPort")
        if not isinstance(wanted, str):
            continue
        protocol = port.get("protocol", "TCP")
        there = [(p.get("name", ""), p.get("protocol", "TCP")) for pod in case.ready
                 for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
        if (wanted, protocol) in there:
            continue
        other = [p for n, p in there if n == wanted]
        names = sorted({n for n, _ in there if n})
        near = get_close_matches(wanted, names, n=1)
        yield Problem(
            code="wrong-protocol" if other else "no-such-port-name",
            text=f"port {port['port']} of {case.label} has targetPort {wanted!r}, "
                 + (f"which is a port of {other[0]} in the Pods, not of {protocol}" if other else
                    f"but no container of its Pods has a {protocol} port of that name; "
                    f"they have {', '.join(map(repr, names)) or 'none with a name'}"),
            fix=f"set protocol: {other[0]} in the Service's port" if other else
                f"set targetPort: {near[0] if near else 'to a name or number that exists'}, or "
                "name the container's port")


def _listener(case: _Case) -> Iterator[Problem]:
    for port in case.ports:
        deaf = [(pod, number) for pod in case.ready
                for number in [_target_port(pod, port)] if not _listens(case, pod, port, number)]
        if not deaf or len(deaf) < len(case.ready):
            continue
        pod, number = deaf[0]
        protocol = port.get("protocol", "TCP")
        there = _listeners(case.stack(pod))
        other = [p for p, n in there if n == number]
        yield Problem(
            code="wrong-protocol" if other else "no-listener",
            text=f"port {port['port']} of {case.label} leads to {protocol} port {number} of the "
                 f"Pods, where nobody listens; pod {name(pod)} listens on "
                 + (", ".join(f"{n}/{p}" for p, n in there) or "nothing"),
            fix=_listener_fix(other, there))


def _listener_fix(other: list[str], there: list[tuple[str, int]]) -> str:
    if other:
        return f"set protocol: {other[0]} in the Service's port"
    if there:
        return f"set targetPort: {there[0][1]} in the Service, or let the program listen there"
    return "use an image whose program listens, or tell it to"


def _target_port(pod: Object, port: dict[str, Any]) -> int:
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    return next((p["containerPort"] for c in pod["spec"]["containers"]
                 for p in c.get("ports") or () if p.get("name") == wanted), 0)


def _listens(case: _Case, pod: Object, port: dict[str, Any], number: int) -> bool:
    protocol = _NUMBERS.get(port.get("protocol", "TCP"))
    return protocol is None or bool(
        case.stack(pod).sockets.listeners.get((protocol, number)))


def _listeners(stack: Namespace) -> list[tuple[str, int]]:
    return sorted((_NAMES[protocol], port) for (protocol, port), sockets
                  in stack.sockets.listeners.items() if sockets)


def _no_addresses(case: _Case) -> Iterator[Problem]:
    if not any(e.get("addresses") for e in case.places.endpoints(case.service)):
        off = [c for c in ("endpointslice-controller",) if not _runs(case.cluster, c)]
        yield Problem(
            code="endpoints-without-addresses",
            text=f"no EndpointSlice of {case.label} has an address"
                 + (f", since the {off[0]} is off" if off else ""),
            fix="start with --controllers '*'" if off else
                f"kubectl get endpointslices -n {case.space} shows what is there")


def _runs(cluster: Cluster, controller: str) -> bool:
    return any(cluster.enabled(n) for n in (controller, controller.removesuffix("-controller")))


def _proxy(case: _Case) -> Iterator[Problem]:
    if case.spec.get("clusterIP") != "None" and not case.cluster.enabled("kube-proxy"):
        yield Problem(
            code="kube-proxy-off",
            text=f"kube-proxy is off, so no rule rewrites {case.spec.get('clusterIP')} to a Pod",
            fix="start without -kube-proxy in --controllers")


CHECKS: Final[tuple[Callable[[_Case], Iterable[Problem]], ...]] = (
    _external_name, _no_ports, _selector, _not_ready, _named_port, _listener, _no_addresses, _proxy)


# ---------------------------------------------------------------- real packets


def _ask(case: _Case) -> tuple[dict[str, str], list[Problem]]:
    """Ask every port at the Service's address, or the one of each family; who answered, and why
    the others did not.
    """
    answered: dict[str, str] = {}
    problems: list[Problem] = []
    stack = case.places.source(case.source)
    for port, address in product(case.ports, case.places.service_addresses(case.service)):
        protocol = port.get("protocol", "TCP")
        second = family_name(address) != case.families[0]
        label = f"{port['port']}/{protocol}" + f" over {family_name(address)}" * second
        if protocol not in _NUMBERS:
            answered[label] = "nobody: SCTP is not tried"
            continue
        target = _target(case, port, address)
        answer = attempt(case.cluster, stack, target)
        if answer.result == ANSWERED:
            answered[label] = answer.by
        else:
            problems.append(_failed(case, target, label))
    return answered, problems


def _target(case: _Case, port: dict[str, Any], address: str) -> Target:
    """What to ask: the node port from outside, a headless Service's Pod, else the ClusterIP."""
    protocol = port.get("protocol", "TCP").lower()
    if case.source == "outside" and port.get("nodePort"):
        return Target(text=f"node port {port['nodePort']}", protocol=protocol,
                      address=_node_address(case, address), port=port["nodePort"])
    headless = case.spec.get("clusterIP") == "None"
    number = _target_port(case.ready[0], port) if headless and case.ready else port["port"]
    return Target(text=f"svc/{case.label}:{port['port']}", protocol=protocol, port=number,
                  address=address)


def _node_address(case: _Case, address: str) -> str:
    """The first node's, of the family of another address."""
    own = case.cluster.options.node_addresses()[0]
    return next((one for one in own if family_name(one) == family_name(address)), own[0])


def _failed(case: _Case, target: Target, port: str) -> Problem:
    """Why a port that should answer does not: the trace knows."""
    from minikube_sim.explain.trace import comment, explain

    flow = explain(case.cluster, case.source, case.places.source(case.source), target)
    local = _without_local_endpoint(case, target)
    if local:
        return local
    about = comment(flow.culprit.rule) if flow.culprit is not None else ""
    if about.endswith("has no local endpoints"):
        return _internal_local(case)
    if flow.culprit is None and case.spec.get("clusterIP") == target.address and not any(
            step.kind == "nat" for passage in flow.passages for visit in passage.visits
            for step in visit.steps):
        return _not_rewritten(case, target)
    policy = _BY_POLICY.search(about)
    if policy is not None:
        return Problem(
            code="policy",
            fix=f"allow this flow in the {policy[1].lower()} rules of a NetworkPolicy",
            text=f"port {port} asked from {case.source}: NetworkPolicy {policy[2]} does not allow "
                 f"it ({flow.conclusion})")
    return Problem(code="dropped" if flow.culprit else "not-answered",
                   text=f"port {port} asked from {case.source}: {flow.conclusion}",
                   fix=_packet_fix(case, target, flow.culprit is not None))


def _internal_local(case: _Case) -> Problem:
    """internalTrafficPolicy Local, and no endpoint on the node that the client is on."""
    where = ", ".join(sorted({e.get("nodeName", "") for e in case.places.endpoints(case.service)}))
    return Problem(
        code="no-local-endpoint",
        text=f"{case.label} has internalTrafficPolicy: Local and no Pod on the node of "
             f"{case.source}; its Pods are on {where}",
        fix=f"run a Pod of it on every node (a DaemonSet), ask from {where}, or set "
            "internalTrafficPolicy: Cluster")


def _not_rewritten(case: _Case, target: Target) -> Problem:
    """The Service's address left as it was."""
    return Problem(
        code="not-rewritten",
        text=f"no rule rewrites {target.address}, so packets for it leave {case.source} as for any "
             "address: kube-proxy's rules were flushed or changed by hand",
        fix="kube-proxy writes them again within 30 seconds when all of its chains are gone; else "
            "undo the change, which iptables-save -t nat shows")


def _packet_fix(case: _Case, target: Target, dropped: bool) -> str:
    if dropped:
        return "take the rule away"
    return (f"minikube-sim trace --from {case.source} --to {target.protocol}://"
            f"{join_host_port(target.address, target.port)} shows the whole way")


def _without_local_endpoint(case: _Case, target: Target) -> Problem | None:
    """externalTrafficPolicy Local, and no endpoint on the node that was asked."""
    if case.spec.get("externalTrafficPolicy") != "Local" or not target.text.startswith("node port"):
        return None
    node = case.cluster.options.node_names()[0]
    where = sorted({e.get("nodeName", "") for e in case.places.endpoints(case.service)})
    if node in where:
        return None
    return Problem(
        code="no-local-endpoint",
        text=f"{case.label} has externalTrafficPolicy: Local and no Pod on {node}, which was "
             f"asked; its Pods are on {', '.join(where)}",
        fix=f"ask {', '.join(where)}, or set externalTrafficPolicy: Cluster")


def _warnings(case: _Case) -> Iterator[Problem]:
    """What is wrong although it answers: some Pods are not ready or deaf."""
    for pod in case.pods:
        reason = why_not_ready(case.cluster, pod)
        if reason is not None:
            yield Problem(code=f"pods-not-ready/{reason.code}", fix=reason.fix,
                          text=f"pod {name(pod)} gets no traffic, it is not ready: {reason.text}")
    for port in case.ports:
        number = _target_port(case.ready[0], port) if case.ready else port["port"]
        if case.spec.get("clusterIP") == "None" and number != port["port"]:
            yield Problem(code="headless-port", fix=f"let clients use port {number}",
                          text=f"{case.label} is headless: names lead straight to the Pods, where "
                               f"port {port['port']} is not rewritten to {number}")
        for pod in case.ready:
            number = _target_port(pod, port)
            if not _listens(case, pod, port, number):
                yield Problem(code="no-listener", fix="mend that Pod",
                              text=f"pod {name(pod)} gets traffic for port {port['port']}, but "
                                   f"nobody listens on its port {number}")


__all__ = ["CHECKS", "Problem", "Why", "why"]
