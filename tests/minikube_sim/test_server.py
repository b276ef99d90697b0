"""The process behind a profile, as far as it goes without starting one."""

from __future__ import annotations

import socket

from minikube_sim.profile import ServerOptions
from minikube_sim.server import bind


def test_two_servers_that_start_at_once_get_two_ports():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    with bind(ServerOptions(last_port=free)) as one, bind(ServerOptions(last_port=free)) as two:
        assert one.getsockname()[1] == free
        assert two.getsockname()[1] != free
