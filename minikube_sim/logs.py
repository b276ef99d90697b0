"""pods/log from the simulated containers. Satisfies `apiserver.subresources.log.NodeLogs`.

Models pkg/kubelet/kuberuntime/logs: times, tails and limits as `kubectl logs` asks for them.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apiserver.machinery.errors import BadRequest
from apiserver.machinery.meta import name, namespaced_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from apiserver.machinery.types import Object
    from apiserver.subresources.log import LogOptions
    from minikube_sim.nodes import Nodes

Line = tuple[float, str, str]


class ContainerLogs:
    """The logs of all containers of a cluster."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    async def __call__(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """The log in pieces; with `follow` until the container ends. Raises BadRequest."""
        identifier = self._container(pod, options)
        lines = self._nodes.runtime.logs(identifier)
        sent = len(lines)
        text = _text(_chosen(lines, options, self._nodes.now()), options)
        yield text[:options.limit_bytes] if options.limit_bytes is not None else text
        if options.follow:
            async for piece in self._follow(identifier, sent, options):
                yield piece

    async def _follow(self, identifier: str, sent: int,
                      options: LogOptions) -> AsyncIterator[bytes]:
        changed = asyncio.Event()
        try:
            container = self._nodes.runtime.container(identifier)
        except KeyError:
            return
        container.on_line.append(changed.set)
        try:
            while True:
                if len(container.lines) > sent:
                    yield _text(container.lines[sent:], options)
                    sent = len(container.lines)
                if container.result is not None:
                    return
                changed.clear()
                await changed.wait()
        finally:
            container.on_line.remove(changed.set)

    def _container(self, pod: Object, options: LogOptions) -> str:
        """The id of the container that is meant. Raises BadRequest where none has started."""
        kubelet = self._nodes.kubelets.get(pod["spec"].get("nodeName", ""))
        key, wanted = namespaced_name(pod), options.container
        found = kubelet.container_id(key, wanted, previous=options.previous) if kubelet else None
        if found:
            return found
        if options.previous:
            raise BadRequest(f'previous terminated container "{wanted}" in pod "{name(pod)}" '
                             "not found")
        raise BadRequest(f'container "{wanted}" in pod "{name(pod)}" is waiting to start: '
                         f"{_waiting_reason(pod, wanted)}")


def _waiting_reason(pod: Object, wanted: str) -> str:
    status = pod.get("status") or {}
    entries = [*(status.get("containerStatuses") or ()),
               *(status.get("ephemeralContainerStatuses") or ()),
               *(status.get("initContainerStatuses") or ())]
    reasons = {e["name"]: (e.get("state") or {}).get("waiting", {}).get("reason") for e in entries}
    reason = reasons.get(wanted) or "ContainerCreating"
    return {"ErrImagePull": "image can't be pulled",
            "ImagePullBackOff": "trying and failing to pull image"}.get(reason, reason)


def _chosen(lines: Sequence[Line], options: LogOptions, now: float) -> Sequence[Line]:
    since = _since(options, now)
    chosen = [line for line in lines if line[0] >= since]
    if options.tail_lines is not None:
        chosen = chosen[len(chosen) - min(options.tail_lines, len(chosen)):]
    return chosen


def _since(options: LogOptions, now: float) -> float:
    if options.since_seconds is not None:
        return now - options.since_seconds
    return options.since_time if options.since_time is not None else float("-inf")


def _text(lines: Sequence[Line], options: LogOptions) -> bytes:
    if not options.timestamps:
        return "".join(f"{text}\n" for _, _, text in lines).encode()
    return "".join(f"{_nano(when)} {text}\n" for when, _, text in lines).encode()


def _nano(when: float) -> str:
    """RFC 3339 with nine decimals, as the kubelet writes it."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
