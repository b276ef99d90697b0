"""ip link: show, set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikube_sim.shell.commands.iproute.devices import chosen, find_port
from minikube_sim.shell.commands.iproute.options import (
    IpError,
    is_verb,
    print_json,
    refused,
    take,
)

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.iproute.devices import Device
    from minikube_sim.shell.commands.iproute.options import Options

_LEAST_MTU, _MOST_MTU = 68, 65535


def link(call: Call, options: Options, words: list[str]) -> None:
    """Show devices, set them up or down, change their MTU. Raises IpError."""
    verb, rest = (words[0], words[1:]) if words else ("show", [])
    if is_verb(verb, "show", "list", "lst"):
        _show(call, options, chosen(call, rest))
    elif is_verb(verb, "set"):
        _set(call, rest)
    else:
        raise IpError(f'Command "{verb}" is unknown, try "ip link help".', 255)


def head(device: Device, *, mode: bool) -> str:
    """The first line of a device, without its index; `mode`: as `ip link` prints it."""
    master = f" master {device.master}" if device.master else ""
    return (f"{device.full_name}: <{','.join(device.flags)}> mtu {device.mtu} qdisc noqueue{master}"
            f" state {device.state}{' mode DEFAULT' if mode else ''} group default qlen 1000")


def second(device: Device) -> str:
    """The line with the link's own address."""
    netns = " link-netnsid 0" if device.peer else ""
    return f"    link/{device.link_type} {device.mac} brd {device.broadcast}{netns}"


def facts(device: Device) -> dict[str, Any]:
    """A device as -j prints it."""
    return {
        "ifindex": device.index, **({"link_index": device.peer} if device.peer else {}),
        "ifname": device.name, "flags": device.flags, "mtu": device.mtu, "qdisc": "noqueue",
        **({"master": device.master} if device.master else {}), "operstate": device.state,
        "group": "default", "txqlen": 1000, "link_type": device.link_type, "address": device.mac,
        "broadcast": device.broadcast,
    }


def _show(call: Call, options: Options, found: list[Device]) -> None:
    if options.json:
        print_json(call, options, map(facts, found))
        return
    for device in found:
        if options.brief:
            call.print(f"{device.full_name:<16} {device.state:<14} {device.mac} "
                       f"<{','.join(device.flags)}> ")
            continue
        between = "\\" if options.oneline else "\n"
        call.print(f"{device.index}: {head(device, mode=True)}{between}{second(device)}")


def _set(call: Call, words: list[str]) -> None:
    mtu = take(words, "mtu")
    name = take(words, "dev") or (words.pop(0) if words else "")
    network = call.machine.network
    device = network.interfaces.get(name) or find_port(network, name)
    if device is None:
        raise IpError(f'Cannot find device "{name}"' if name else
                      'Not enough information: "dev" argument is required.')
    for word in words:
        if word not in ("up", "down"):
            raise IpError(f'Error: either "dev" is duplicate, or "{word}" is a garbage.', 255)
        device.set_up(word == "up")
    if mtu:
        device.mtu = _mtu(mtu)
        network.rules_changed()


def _mtu(text: str) -> int:
    if not text.isdigit():
        raise IpError(f'Error: argument "{text}" is wrong: Invalid "mtu" value\n', 255)
    if not _LEAST_MTU <= int(text) <= _MOST_MTU:
        too = "less than minimum" if int(text) < _LEAST_MTU else "greater than maximum"
        raise IpError(f"Error: mtu {too}.", 2) if text else refused("Invalid argument")
    return int(text)
