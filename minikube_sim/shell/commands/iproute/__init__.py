"""ip address | link | route | neighbour | rule, as iproute2 6.1 has them.

    options.py    -4 -6 -br -o -j, and how words are shortened
    devices.py    the devices of a namespace: interfaces, and the ports of its bridge
    addresses.py, links.py, routes.py, neighbours.py    one object each
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.iproute.addresses import address
from minikube_sim.shell.commands.iproute.links import link
from minikube_sim.shell.commands.iproute.neighbours import neighbour
from minikube_sim.shell.commands.iproute.options import IpError, read_options
from minikube_sim.shell.commands.iproute.routes import route, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.iproute.options import Options

_OBJECTS: Final[dict[str, Callable[[Call, Options, list[str]], None]]] = {
    "address": address, "link": link, "route": route, "rule": rule, "neighbour": neighbour,
}
"""A word means the first object that begins with it, as `r` means route."""
_USAGE: Final = """Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | neighbour | route | rule }
       OPTIONS := { -4 | -6 | -V[ersion] | -br[ief] | -o[neline] | -j[son] | -p[retty] }"""


async def ip(call: Call) -> int:
    """Show and change addresses, links and routes."""
    try:
        options, words = read_options(call.args)
        if options.version:
            call.print("ip utility, iproute2-6.1.0, libbpf 1.1.2")
            return 0
        if not words:
            return call.complain(_USAGE, 255)
        wanted = next((name for name in _OBJECTS if name.startswith(words[0])), "")
        if words[0] in ("neighbor", "neigh"):
            wanted = "neighbour"
        if not wanted:
            raise IpError(f'Object "{words[0]}" is unknown, try "ip help".')
        _OBJECTS[wanted](call, options, words[1:])
    except IpError as error:
        return call.complain(str(error), error.code)
    return 0
