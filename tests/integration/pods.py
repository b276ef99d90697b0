"""Commands in Pods, as kubectl exec runs them, on the virtual clock."""

from __future__ import annotations


def in_pod(cluster, pod, line, namespace="default"):
    """What a shell line in a Pod's first container did."""
    status = cluster.get("pod", pod, namespace)["status"]["containerStatuses"][0]
    done = []
    cluster.nodes.runtime.start_exec(status["containerID"], ["sh", "-c", line], done.append)
    while not done:
        due = cluster.clock.next_due()
        assert due is not None, f"{line!r} waits for nothing"
        cluster.advance(due - cluster.clock.now())
    return done[0]


def out_of_pod(cluster, pod, line, namespace="default"):
    """stdout of a line that succeeds."""
    result = in_pod(cluster, pod, line, namespace)
    assert result.exit_code == 0, result
    return result.stdout.decode()
