"""A little network with a node, a web server and a shell on each."""

from __future__ import annotations

import random

import pytest

from minikube_sim.clock import VirtualClock
from minikube_sim.exchange import listen
from minikube_sim.http import Response
from minikube_sim.process import Process
from minikube_sim.shell.context import Machine
from minikube_sim.shell.session import Session
from netsim.fabric import Fabric


class World:
    """A node, a Pod that serves HTTP on port 5000, and a way to run lines on the node."""

    def __init__(self):
        self.clock = VirtualClock()
        chance = random.Random(1)
        fabric = Fabric(self.clock.now, chance)
        self.node = fabric.add_node("minikube", "10.211.55.120/24", "172.17.0.0/16")
        self.pod = self.node.attach_pod("web", "172.17.0.6")
        listen(self.pod, 5000, self.answer)
        self.machine = Machine(
            hostname="minikube", network=self.node, clock=self.clock, chance=chance, user="docker",
            files={"/etc/hosts": "172.17.0.6 web\n", "/etc/resolv.conf": "nameserver 10.96.0.10\n",
                   "/home/docker/a.txt": "one\ntwo\nthree\n"})
        self.session = Session(self.machine)

    async def answer(self, request):
        if request.path == "/missing":
            return Response.text("no\n", status=404)
        if request.path == "/old":
            return Response(status=302, headers=(("Location", "/info"),))
        return Response.text(f"{request.method} {request.target} {request.body.decode()}\n")

    def run(self, line, stdin=b""):
        """Run a line, letting time pass; (exit code, stdout, stderr)."""
        results = []

        async def go():
            results.append(await self.session.run(line, stdin))
            return 0

        Process(go(), self.clock, lambda code: None).start()
        while not results:
            assert self.clock.next_due() is not None, f"{line} hangs"
            self.clock.run_next(float("inf"))
        result = results[0]
        return result.exit_code, result.stdout.decode(), result.stderr.decode()

    def out(self, line, stdin=b""):
        """stdout of a line that succeeds."""
        code, out, err = self.run(line, stdin)
        assert code == 0, (line, out, err)
        return out


@pytest.fixture
def world():
    return World()
