"""Images whose programs are commands of a shell: busybox, alpine, curl and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from minikube_sim.images.program import Program
from minikube_sim.shell.commands import busybox_nslookup, busybox_ping

if TYPE_CHECKING:
    from collections.abc import Mapping


class ShellImage(Program):
    """Runs `command` in the simulated shell; without one a shell that has nothing to read."""

    default_command: ClassVar[tuple[str, ...]] = ("sh",)
    handles_sigterm = False
    prefix: ClassVar[tuple[str, ...]] = ()
    """The image's entrypoint, before the arguments."""
    shell: ClassVar[str] = "sh"


class Busybox(ShellImage):
    """busybox:TAG."""

    size_bytes = 4_430_000
    tools: ClassVar[Mapping[str, Any]] = {"nslookup": busybox_nslookup.nslookup,
                                          "ping": busybox_ping.ping}


class OldBusybox(Busybox):
    """busybox:1.28 and before, whose nslookup asks the C library."""

    size_bytes = 1_146_369
    tools: ClassVar[Mapping[str, Any]] = {"nslookup": busybox_nslookup.old_nslookup,
                                          "ping": busybox_ping.ping}


class Alpine(ShellImage):
    """alpine:TAG."""

    default_command = ("/bin/sh",)
    tools: ClassVar[Mapping[str, Any]] = Busybox.tools
    size_bytes = 8_300_000


class Debian(ShellImage):
    """debian, ubuntu, centos and others with bash."""

    default_command = ("bash",)
    size_bytes = 117_000_000
    shell = "bash"


class Curl(ShellImage):
    """curlimages/curl: the arguments go to curl."""

    default_command = ("curl", "--help")
    size_bytes = 21_000_000
    prefix = ("curl",)
