"""A traced flow as text for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from minikube_sim.explain.trace import FlowTrace, Passage, Visit
    from netsim.trace import Step

_ARROWS: Final = {"request": "-->", "reply": "<--"}
_MARKS: Final = {"drop": "DROPPED: ", "conntrack": "conntrack: ",
                 "route": "route: "}
_NUMBERS: Final = re.compile(r" seq=\d+ ack=\d+")


def brief(packet: str) -> str:
    """A packet's text without TCP's sequence numbers."""
    return _NUMBERS.sub("", packet)


def format_flow(flow: FlowTrace) -> str:
    """The whole flow: a heading, packet after packet, and what came of it."""
    lines = [f"from {flow.source} to {flow.target}"]
    for passage in flow.passages:
        lines += ["", *_passage(passage)]
    return "\n".join([*lines, "", f"=> {flow.conclusion}"])


def _passage(passage: Passage) -> list[str]:
    lines = [f"{passage.number} {_ARROWS[passage.direction]} {brief(passage.packet)}"]
    host = ""
    for visit in passage.visits:
        if visit.host != host:
            host = visit.host
            lines.append(f"  {host}")
        lines += _visit(visit)
    return lines


def _visit(visit: Visit) -> list[str]:
    lines = [f"    {visit.hook:<12}{brief(visit.packet)}"]
    return lines + [f"      {line}" for step in visit.steps for line in _step(step)]


def _step(step: Step) -> list[str]:
    if step.kind == "rule":
        return [f"{step.table} {step.chain} {step.number} => {step.verdict}", f"    {step.rule}"]
    if step.kind == "policy":
        return [f"{step.table} {step.chain} policy => {step.verdict}"]
    return [_MARKS.get(step.kind, "") + step.text]
