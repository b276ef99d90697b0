"""A traced flow: each packet's way, hook by hook and rule by rule, both directions.

    trace = cluster.trace("pod/client", "http://web:80/")
    print(trace)             text for people
    trace.to_dict()          data
    trace.svg()              a picture
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from minikube_sim.explain.flow import ANSWERED, DROPPED, REFUSED, Answer, attempt
from minikube_sim.explain.places import DEFAULT, Places, display
from netsim.trace import Step, Trace

if TYPE_CHECKING:
    from minikube_sim.cluster import Cluster
    from minikube_sim.explain.places import Target
    from netsim.namespace import Namespace

_COMMENT: Final = re.compile(r'--comment (?:"([^"]*)"|(\S+))|comment "([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A packet at one hook of one host, and all that it met there."""

    host: str
    """pod/client, node/minikube, outside."""
    hook: str
    """PREROUTING, INPUT, FORWARD, OUTPUT or POSTROUTING."""
    packet: str
    """As it was when it came to the hook."""
    steps: tuple[Step, ...]

    @property
    def rules(self) -> list[Step]:
        """The rules that matched."""
        return [step for step in self.steps if step.kind == "rule"]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"host": self.host, "hook": self.hook, "packet": self.packet,
                "steps": [_step_dict(step) for step in self.steps]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One packet from the host that made it to where it ended."""

    number: int
    """From 1."""
    direction: str
    """request or reply."""
    packet: str
    visits: tuple[Visit, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"number": self.number, "direction": self.direction, "packet": self.packet,
                "visits": [visit.to_dict() for visit in self.visits]}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTrace:
    """What happened to a flow's packets, and what came of it."""

    source: str
    target: str
    answer: Answer
    passages: tuple[Passage, ...]
    conclusion: str
    """One sentence: who answered, or what stopped it and where."""
    culprit: Step | None = field(default=None)
    """The rule or policy that dropped or rejected, if one did."""

    def __str__(self) -> str:
        from minikube_sim.explain.text import format_flow

        return format_flow(self)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"from": self.source, "to": self.target, **asdict(self.answer),
                "conclusion": self.conclusion,
                "culprit": _step_dict(self.culprit) if self.culprit else None,
                "packets": [passage.to_dict() for passage in self.passages]}

    def svg(self) -> str:
        """As a picture: hosts as columns, hooks as boxes."""
        from minikube_sim.explain.picture import draw

        return draw(self)


def trace_flow(cluster: Cluster, source: str, target: str, namespace: str = DEFAULT) -> FlowTrace:
    """Send a flow's first packets and tell all that they met. Raises ExplainError."""
    places = Places(cluster, namespace)
    stack, goal = places.source(source), places.target(target)
    return explain(cluster, display(stack, cluster.network.fabric.nodes), stack, goal)


def explain(cluster: Cluster, source: str, stack: Namespace, target: Target) -> FlowTrace:
    """See `trace_flow`; for places that are known already."""
    recorder = Trace()
    answer = attempt(cluster, stack, target, recorder)
    passages = split(recorder.steps, list(cluster.network.fabric.nodes))
    culprit = find_culprit(recorder.steps)
    return FlowTrace(source=source, target=str(target), answer=answer,
                     passages=passages, culprit=culprit,
                     conclusion=_conclude(answer, culprit, passages))


def split(steps: list[Step], nodes: list[str]) -> tuple[Passage, ...]:
    """The steps by packet: one begins wherever a host sends."""
    packets: list[list[list[Step]]] = []
    for step in steps:
        if step.kind == "hook":
            if step.hook == "OUTPUT" or not packets:
                packets.append([])
            packets[-1].append([])
        if packets and packets[-1]:
            packets[-1][-1].append(step)
    return tuple(_passage(number, visits, packets, nodes)
                 for number, visits in enumerate(packets, 1))


def _passage(number: int, visits: list[list[Step]], packets: list[list[list[Step]]],
             nodes: list[str]) -> Passage:
    first, sender = visits[0][0], packets[0][0][0].node
    return Passage(
        number=number, direction="request" if first.node == sender else "reply",
        packet=first.packet, visits=tuple(
            Visit(host=display(steps[0].node, nodes), hook=steps[0].hook, packet=steps[0].packet,
                  steps=tuple(steps[1:])) for steps in visits))


def find_culprit(steps: list[Step]) -> Step | None:
    """The last rule or policy that ended a packet."""
    for step in reversed(steps):
        if step.kind in ("rule", "policy") and _ends(step.verdict):
            return step
    return None


def _ends(verdict: str) -> bool:
    return verdict.upper().startswith(("DROP", "REJECT")) or verdict.endswith("failed: DROP")


def comment(rule: str) -> str:
    """The comment of a rule, '' if it has none."""
    found = _COMMENT.search(rule)
    return next(filter(None, found.groups()), "") if found else ""


def describe(step: Step) -> str:
    """A rule or policy in a few words."""
    if step.kind == "policy":
        return f"the policy of chain {step.chain} (table {step.table}): {step.verdict}"
    about = comment(step.rule)
    return (f"rule {step.number} of chain {step.chain} (table {step.table})"
            + (f', "{about}"' if about else "") + f": {step.rule}")


def _conclude(answer: Answer, culprit: Step | None, passages: tuple[Passage, ...]) -> str:
    if answer.result == ANSWERED:
        seen = f"; it sees the client as {answer.client}" if answer.client else ""
        return f"answered by {answer.by}{seen}"
    place = _last_place(passages)
    if culprit is not None and answer.result != ANSWERED:
        verb = "rejected" if "reject" in f"{culprit.rule} {culprit.verdict}".lower() else "dropped"
        return f"{verb} at {culprit.hook} by {describe(culprit)}{_sender(culprit, passages)}"
    if answer.result == REFUSED:
        quiet = _find(passages, "nobody listens")
        return f"refused: nobody listens there, says {quiet.host}" if quiet else (
            f"refused ({answer.by})")
    lost = _find(passages, "", kind="drop")
    if lost is not None:
        what = next(s.text for s in lost.steps if s.kind == "drop")
        return f"{'dropped' if answer.result == DROPPED else answer.by} at {lost.host}: {what}"
    if answer.result == DROPPED:
        return f"no answer: the last that was seen of it is {place}"
    return f"unreachable ({answer.by}): {place}"


def _sender(culprit: Step, passages: tuple[Passage, ...]) -> str:
    """The rule that led to the culprit's chain, where the culprit has no comment: in nftables mode
    that one names the map with the Service.
    """
    if comment(culprit.rule):
        return ""
    for passage in passages:
        for visit in passage.visits:
            for step in visit.rules:
                if step.verdict in (f"jump {culprit.chain}", f"goto {culprit.chain}"):
                    return f", which {describe(step)} leads to"
    return ""


def _find(passages: tuple[Passage, ...], text: str, kind: str = "deliver") -> Visit | None:
    return next((visit for passage in passages for visit in passage.visits for step in visit.steps
                 if step.kind == kind and text in step.text), None)


def _last_place(passages: tuple[Passage, ...]) -> str:
    if not passages:
        return "that it was never sent: there is no route"
    visit = passages[-1].visits[-1]
    last = visit.steps[-1].text if visit.steps and visit.steps[-1].kind == "send" else ""
    return f"{visit.hook} of {visit.host}" + (f", {last}" if last else "")


def _step_dict(step: Step) -> dict[str, Any]:
    """A step without what is empty or said by its visit."""
    every = asdict(step)
    for known in ("node", "packet", "hook"):
        del every[known]
    if counters := every.pop("counters"):
        every["counters"] = dict(zip(("packets", "bytes"), counters, strict=True))
    return {key: value for key, value in every.items() if value not in ("", 0)}
