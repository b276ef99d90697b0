"""Images whose programs are commands of a shell: busybox, alpine, curl and their like."""

from __future__ import annotations

from typing import ClassVar

from minikube_sim.images.program import Program


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


class Alpine(ShellImage):
    """alpine:TAG."""

    default_command = ("/bin/sh",)
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
