"""Containers that end, fail, refuse to end, come one after the other; pods that end with them."""

from __future__ import annotations

import pytest

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import PODS
from minikube_sim.images import Container, Program
from tests.controllers.node.world import NodeWorld, condition


class Job(Program):
    """Ends after a second, with the exit code of its first argument."""

    async def run(self, container: Container) -> int:
        container.log(f"run {container.args}")
        await container.sleep(1)
        return int(container.args[0])


class Stubborn(Program):
    """Hears no SIGTERM."""

    handles_sigterm = False

    async def run(self, container: Container) -> int:
        await container.forever()
        return 0


class Slow(Program):
    """Takes five seconds to end after SIGTERM."""

    async def run(self, container: Container) -> int:
        await self.until_stopped(container)
        await container.sleep(5)
        return 3


@pytest.fixture
def world() -> NodeWorld:
    return NodeWorld(images={"job:1": Job, "stubborn:1": Stubborn, "slow:1": Slow})


def exit_with(code: int) -> dict[str, object]:
    return {"args": [str(code)]}


@pytest.mark.parametrize(("policy", "code", "phase"), [
    ("Never", 0, "Succeeded"), ("Never", 2, "Failed"), ("OnFailure", 0, "Succeeded"),
    ("OnFailure", 2, "Running"), ("Always", 0, "Running"),
])
def test_phase_after_the_end(world: NodeWorld, policy: str, code: int, phase: str) -> None:
    world.run("p", "job:1", container=exit_with(code), restartPolicy=policy)
    world.advance(1.5)
    assert world.pod("p")["status"]["phase"] == phase


def test_succeeded_pod_is_completed(world: NodeWorld) -> None:
    world.run("p", "job:1", container=exit_with(0), restartPolicy="Never")
    world.advance(1.5)
    pod = world.pod("p")
    assert world.state("p")["terminated"]["reason"] == "Completed"
    assert {condition(pod, kind).get("reason") for kind in ("Ready", "ContainersReady")} == {
        "PodCompleted"}
    assert condition(pod, "PodReadyToStartContainers")["status"] == "False"
    assert not world.fabric.nodes["minikube"].pods


def test_failing_container_backs_off_ever_longer(world: NodeWorld) -> None:
    world.run("p", "job:1", container=exit_with(1))
    starts: list[int] = []
    for second in range(200):
        world.advance(1)
        count = world.pod("p")["status"]["containerStatuses"][0]["restartCount"]
        if count > len(starts):
            starts.append(second + 1)
    assert starts == [1, 12, 33, 74, 155]


def test_crash_loop_says_so(world: NodeWorld) -> None:
    pod = world.run("p", "job:1", container=exit_with(1))
    world.advance(2.5)
    status = world.pod("p")["status"]["containerStatuses"][0]
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["state"]["waiting"]["message"] == (
        f"back-off 10s restarting failed container=c pod=p_default({pod['metadata']['uid']})")
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["restartCount"] == 1
    assert ("BackOff: Back-off restarting failed container c in pod "
            f"p_default({pod['metadata']['uid']})") in world.told("p")


def test_logs_of_the_run_before_are_kept(world: NodeWorld) -> None:
    world.run("p", "job:1", container=exit_with(1))
    world.advance(1.5)
    kubelet = world.kubelets[0]
    first, second = (kubelet.container_id("default/p", "c", previous=p) for p in (True, False))
    assert first
    assert first != second
    assert [text for _, _, text in world.runtime.logs(first)] == ["run ['1']"]


def test_logs_while_the_next_start_waits(world: NodeWorld) -> None:
    world.run("p", "job:1", container=exit_with(1))
    world.advance(40)
    kubelet = world.kubelets[0]
    shown, before = (kubelet.container_id("default/p", "c", previous=p) for p in (False, True))
    assert world.state("p")["waiting"]["reason"] == "CrashLoopBackOff"
    assert shown == before
    assert shown is not None
    assert [text for _, _, text in world.runtime.logs(shown)] == ["run ['1']"]
    world.advance(34)
    assert "running" in world.state("p")
    assert kubelet.container_id("default/p", "c", previous=True) == shown
    assert world.runtime.logs(shown)


def test_stubborn_container_is_killed_after_the_grace(world: NodeWorld) -> None:
    world.run("p", "stubborn:1", terminationGracePeriodSeconds=20)
    world.delete(PODS, "p")
    world.advance(19)
    assert world.pod("p")["metadata"]["deletionGracePeriodSeconds"] == 20
    world.advance(1)
    with pytest.raises(NotFound):
        world.pod("p")


def test_second_delete_shortens_the_grace(world: NodeWorld) -> None:
    world.run("p", "stubborn:1")
    world.delete(PODS, "p")
    world.delete(PODS, "p", grace_period_seconds=2)
    world.advance(2)
    with pytest.raises(NotFound):
        world.pod("p")


def test_slow_container_stays_ready_until_it_ends(world: NodeWorld) -> None:
    world.run("p", "slow:1")
    world.delete(PODS, "p")
    world.advance(4)
    assert condition(world.pod("p"), "Ready")["status"] == "True"
    world.advance(1)
    with pytest.raises(NotFound):
        world.pod("p")


def test_init_containers_run_one_after_the_other(world: NodeWorld) -> None:
    inits = [{"name": f"i{n}", "image": "job:1", "args": ["0"]} for n in range(2)]
    pod = world.run("p", initContainers=inits)
    assert condition(pod, "Initialized")["message"] == (
        "containers with incomplete status: [i0 i1]")
    assert world.state("p")["waiting"]["reason"] == "PodInitializing"
    world.advance(1)
    assert condition(world.pod("p"), "Initialized")["message"] == (
        "containers with incomplete status: [i1]")
    world.advance(1)
    pod = world.pod("p")
    assert (pod["status"]["phase"], condition(pod, "Initialized")["status"]) == ("Running", "True")
    assert [s["state"]["terminated"]["reason"] for s in pod["status"]["initContainerStatuses"]] == [
        "Completed", "Completed"]


def test_failing_init_container_is_tried_again(world: NodeWorld) -> None:
    world.run("p", initContainers=[{"name": "i", "image": "job:1", "args": ["1"]}])
    world.advance(2.5)
    pod = world.pod("p")
    assert pod["status"]["phase"] == "Pending"
    state = pod["status"]["initContainerStatuses"][0]["state"]
    assert state["waiting"]["reason"] == "CrashLoopBackOff"


def test_failing_init_container_fails_a_pod_that_never_restarts(world: NodeWorld) -> None:
    world.run("p", restartPolicy="Never",
              initContainers=[{"name": "i", "image": "job:1", "args": ["1"]}])
    world.advance(2)
    assert world.pod("p")["status"]["phase"] == "Failed"


def test_sidecar_runs_beside_the_app(world: NodeWorld) -> None:
    side = {"name": "s", "image": "nginx", "restartPolicy": "Always"}
    world.run("p", "job:1", container=exit_with(0), restartPolicy="Never", initContainers=[side])
    pod = world.pod("p")
    assert pod["status"]["phase"] == "Running"
    assert "running" in pod["status"]["initContainerStatuses"][0]["state"]
    world.advance(2)
    assert world.pod("p")["status"]["phase"] == "Succeeded"


def test_deadline_fails_the_pod(world: NodeWorld) -> None:
    world.run("p", "nginx", restartPolicy="Never", activeDeadlineSeconds=30)
    world.advance(31)
    status = world.pod("p")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


def test_changed_image_restarts_the_container(world: NodeWorld) -> None:
    world.run("p", "simpleapi:1.0")
    world.patch(PODS, "p", {"spec": {"containers": [{"name": "c", "image": "simpleapi:2.0"}]}},
                type="strategic")
    status = world.pod("p")["status"]["containerStatuses"][0]
    assert (status["image"], status["restartCount"]) == ("simpleapi:2.0", 1)
    assert "Killing: Container c definition changed, will be restarted" in world.told("p")


def test_crashed_program_tells_its_log() -> None:
    class Broken(Program):
        async def run(self, container: Container) -> int:
            raise ZeroDivisionError("oops")

    world = NodeWorld(images={"broken:1": Broken})
    world.run("p", "broken:1", restartPolicy="Never")
    found = world.kubelets[0].container_id("default/p", "c")
    assert found
    assert [text for _, _, text in world.runtime.logs(found)] == ["ZeroDivisionError: oops"]
    assert world.state("p")["terminated"]["exitCode"] == 1


def test_prestop_comes_before_sigterm(world: NodeWorld) -> None:
    hook = {"preStop": {"sleep": {"seconds": 7}}}
    world.run("p", container={"lifecycle": hook})
    world.delete(PODS, "p")
    world.advance(6)
    assert world.names(PODS) == ["p"]
    world.advance(1)
    assert world.names(PODS) == []


def test_prestop_uses_up_the_grace(world: NodeWorld) -> None:
    hook = {"preStop": {"exec": {"command": ["sleep", "100"]}}}
    world.run("p", container={"lifecycle": hook}, terminationGracePeriodSeconds=5)
    world.delete(PODS, "p")
    world.advance(4)
    assert world.names(PODS) == ["p"]
    world.advance(2)
    assert world.names(PODS) == []


def test_failing_prestop_is_told(world: NodeWorld) -> None:
    hook = {"preStop": {"exec": {"command": ["false"]}}}
    world.run("p", container={"lifecycle": hook})
    world.delete(PODS, "p")
    assert "FailedPreStopHook: PreStopHook failed" in world.told("p")
    assert world.names(PODS) == []


def test_failing_poststart_kills_the_container(world: NodeWorld) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    world.run("p", container={"lifecycle": hook}, restartPolicy="Never")
    assert "FailedPostStartHook: PostStartHook failed" in world.told("p")
    assert "Killing: Container c failed postStart hook" in world.told("p")


def test_second_delete_does_not_wait_for_the_hook(world: NodeWorld) -> None:
    hook = {"preStop": {"sleep": {"seconds": 20}}}
    world.run("p", container={"lifecycle": hook})
    world.delete(PODS, "p")
    world.delete(PODS, "p", grace_period_seconds=1)
    world.advance(4)
    assert world.names(PODS) == []
