"""Containers that are added to a pod that runs: `kubectl debug`."""

from __future__ import annotations

from typing import Any

from apiserver.machinery.gvk import PODS
from controllers.drive import drive
from tests.controllers.node.test_restart import reboot
from tests.controllers.node.world import NodeWorld, condition


def debug(world: NodeWorld, own: str, *command: str, image: str = "busybox") -> Any:
    """Add the ephemeral container `d` and settle; its status."""
    added = {"name": "d", "image": image, "command": list(command)}
    drive(world.client.patch(PODS, own, "default", {"spec": {"ephemeralContainers": [added]}},
                             type="strategic", subresource="ephemeralcontainers"))
    world.settle()
    return world.pod(own)["status"]["ephemeralContainerStatuses"][0]


def test_it_runs_beside_the_others_and_counts_for_nothing() -> None:
    world = NodeWorld()
    world.run("p")
    status = debug(world, "p", "sleep", "1000")
    assert "running" in status["state"]
    assert (status["ready"], status["restartCount"]) == (False, 0)
    pod = world.pod("p")
    assert pod["status"]["phase"] == "Running"
    assert condition(pod, "Ready")["status"] == "True"
    assert "Started: Container started" in world.told("p")


def test_it_runs_once() -> None:
    world = NodeWorld()
    world.run("p")
    status = debug(world, "p", "sh", "-c", "exit 3")
    assert status["state"]["terminated"]["exitCode"] == 3
    world.advance(600)
    again = world.pod("p")["status"]["ephemeralContainerStatuses"][0]
    assert again == status
    assert condition(world.pod("p"), "Ready")["status"] == "True"


def test_it_does_not_keep_a_pod_from_being_done() -> None:
    world = NodeWorld()
    world.run("p", "busybox", container={"command": ["sleep", "10"]}, restartPolicy="Never")
    debug(world, "p", "sleep", "1000")
    world.advance(60)
    assert world.pod("p")["status"]["phase"] == "Succeeded"


def test_an_image_that_is_nowhere_is_told_in_its_place() -> None:
    world = NodeWorld()
    world.run("p")
    status = debug(world, "p", "true", image="nosuch")
    assert status["state"]["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")
    assert world.pod("p")["status"]["phase"] == "Running"


def test_after_a_restart_of_the_node_it_does_not_run_again() -> None:
    world = NodeWorld()
    world.run("p")
    debug(world, "p", "sleep", "1000")
    reboot(world)
    status = world.pod("p")["status"]["ephemeralContainerStatuses"][0]
    assert status["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert status["restartCount"] == 0


def test_a_deleted_pod_takes_it_along() -> None:
    world = NodeWorld()
    world.run("p")
    debug(world, "p", "sleep", "1000")
    world.delete(PODS, "p")
    world.advance(60)
    assert not world.names(PODS)
