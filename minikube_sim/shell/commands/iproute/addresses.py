"""ip address: show, add, del."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from minikube_sim.shell.commands.iproute.devices import chosen
from minikube_sim.shell.commands.iproute.links import facts, head, second
from minikube_sim.shell.commands.iproute.options import (
    IpError,
    is_verb,
    print_json,
    refused,
    take,
)
from netsim.packet import address_text

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.iproute.devices import Device
    from minikube_sim.shell.commands.iproute.options import Options
    from netsim.link import InterfaceAddress


def address(call: Call, options: Options, words: list[str]) -> None:
    """Show, add or take away addresses. Raises IpError."""
    verb, rest = (words[0], words[1:]) if words else ("show", [])
    if is_verb(verb, "add", "replace", "change"):
        _add(call, rest, again=not is_verb(verb, "add"))
    elif is_verb(verb, "del", "delete"):
        _delete(call, rest)
    elif is_verb(verb, "show", "list", "lst"):
        scope = take(rest, "scope")
        _show(call, options, chosen(call, rest), scope)
    else:
        raise IpError(f'Command "{verb}" is unknown, try "ip address help".', 255)


def _scope(device: Device) -> str:
    return "host" if device.loopback else "global"


def _show(call: Call, options: Options, found: list[Device], scope: str) -> None:
    listed = []
    for device in found:
        shown = [entry for entry in device.addresses
                 if options.family in (0, entry.family) and scope in ("", _scope(device))]
        if shown or not (options.family or scope):
            listed.append((device, shown))
    if options.json:
        print_json(call, options, (
            {**facts(device), "addr_info": [_facts(device, entry) for entry in shown]}
            for device, shown in listed))
        return
    for device, shown in listed:
        if options.brief:
            texts = "".join(f"{_prefix(entry)} " for entry in shown)
            call.print(f"{device.full_name:<16} {device.state:<14} {texts}")
        elif options.oneline:
            for entry in shown:
                call.print(f"{device.index}: {device.name}    {_line(device, entry)}\\"
                           "       valid_lft forever preferred_lft forever")
        else:
            _block(call, options, device, shown)


def _block(call: Call, options: Options, device: Device, shown: list[InterfaceAddress]) -> None:
    if options.family == 6:
        call.print(f"{device.index}: {device.full_name}: <{','.join(device.flags)}> "
                   f"mtu {device.mtu} state {device.state} qlen 1000")
    else:
        call.print(f"{device.index}: {head(device, mode=False)}")
    if not options.family:
        call.print(second(device))
    for entry in shown:
        call.print(f"    {_line(device, entry)}")
        call.print("       valid_lft forever preferred_lft forever")


def _prefix(entry: InterfaceAddress) -> str:
    return f"{address_text(entry.family, entry.address)}/{entry.length}"


def _broadcast(device: Device, entry: InterfaceAddress) -> str:
    """The subnet's broadcast address; '' where there is none."""
    if entry.family == 6 or device.loopback or entry.length > 30:
        return ""
    return address_text(4, entry.address | (1 << 32 - entry.length) - 1)


def _line(device: Device, entry: InterfaceAddress) -> str:
    if entry.family == 6:
        return f"inet6 {_prefix(entry)} scope {_scope(device)} "
    broadcast = _broadcast(device, entry)
    brd = f" brd {broadcast}" if broadcast else ""
    return f"inet {_prefix(entry)}{brd} scope {_scope(device)} {device.name}"


def _facts(device: Device, entry: InterfaceAddress) -> dict[str, Any]:
    broadcast = _broadcast(device, entry)
    forever = 0xFFFFFFFF
    return {
        "family": "inet" if entry.family == 4 else "inet6",
        "local": address_text(entry.family, entry.address), "prefixlen": entry.length,
        **({"broadcast": broadcast} if broadcast else {}), "scope": _scope(device),
        **({"label": device.name} if entry.family == 4 else {}),
        "valid_life_time": forever, "preferred_life_time": forever,
    }


def _wanted(call: Call, words: list[str]) -> tuple[str, str]:
    """Device and address/length. Raises IpError."""
    device = take(words, "dev")
    for name in ("brd", "broadcast", "scope", "label"):
        take(words, name)
    text = words[0] if words else ""
    try:
        wanted = ipaddress.ip_interface(text)
    except ValueError:
        raise IpError(f'Error: any valid prefix is expected rather than "{text}".') from None
    if not device:
        raise IpError('Not enough information: "dev" argument is required.')
    if device not in call.machine.network.interfaces:
        raise IpError(f'Cannot find device "{device}"')
    return device, str(wanted)


def _held(call: Call, device: str, text: str) -> bool:
    host, _, length = text.partition("/")
    return any(
        (address_text(entry.family, entry.address), str(entry.length)) == (host, length)
        for entry in call.machine.network.interfaces[device].addresses
    )


def _add(call: Call, words: list[str], *, again: bool) -> None:
    device, text = _wanted(call, words)
    if not _held(call, device, text):
        call.machine.network.add_address(device, text)
    elif not again:
        raise refused("File exists")


def _delete(call: Call, words: list[str]) -> None:
    device, text = _wanted(call, words)
    if not _held(call, device, text):
        raise refused("Cannot assign requested address")
    call.machine.network.remove_address(device, text)
