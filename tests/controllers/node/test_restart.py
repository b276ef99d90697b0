"""A kubelet that starts anew over a store that knows its pods (stop, start)."""

from __future__ import annotations

import random

from apiserver.machinery.gvk import PODS
from controllers.node.config import NodeConfig
from controllers.node.kubelet import Kubelet
from minikube_sim.runtime import SimRuntime
from netsim.fabric import Fabric
from tests.controllers.node.world import NodeWorld


def reboot(world: NodeWorld) -> None:
    """The node goes down and comes back: new runtime, new network, the same API."""
    world.manager.close()
    fabric = Fabric(world.clock.now, random.Random(1))
    node = fabric.add_node("minikube", "10.211.55.120/24", "172.17.0.0/24")
    world.runtime = SimRuntime(world.images, world.clock, random.Random(2))
    world.fabric = fabric
    world.rewire()
    config = NodeConfig(name="minikube", addresses=("10.211.55.120",), pod_cidrs=("172.17.0.0/24",))
    kubelet = Kubelet(world.context, config, world.runtime, node)
    world.kubelets = [kubelet]
    world.manager.add(kubelet, "kubelet-minikube")
    world.settle()


def test_running_pod_runs_again_at_its_address() -> None:
    world = NodeWorld()
    world.run("other")
    before = world.run("p")["status"]
    reboot(world)
    after = world.pod("p")["status"]
    assert (after["phase"], after["podIP"]) == ("Running", before["podIP"])
    first, second = before["containerStatuses"][0], after["containerStatuses"][0]
    assert (second["restartCount"], second["ready"]) == (1, True)
    assert first["containerID"] != second["containerID"]


def test_finished_pod_stays_finished() -> None:
    world = NodeWorld()
    world.run("p", "busybox", container={"command": ["true"]}, restartPolicy="Never")
    before = world.pod("p")["status"]
    reboot(world)
    assert before["phase"] == "Succeeded"
    assert world.pod("p")["status"] == before


def test_pod_deleted_meanwhile_goes() -> None:
    world = NodeWorld()
    world.run("p", "busybox", container={"command": ["sleep", "1000"]})
    world.delete(PODS, "p")
    assert world.pod("p")["metadata"]["deletionTimestamp"]
    reboot(world)
    assert not world.names(PODS)
