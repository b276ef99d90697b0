"""Which program a container starts: the image's own, or its command in the simulated shell.

Models Docker's ENTRYPOINT and CMD: `command` replaces the entrypoint, `args` the arguments.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from minikube_sim.images.program import Program
from minikube_sim.images.shells import ShellImage
from minikube_sim.shell.session import Output, is_command, run_streaming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controllers.node.runtime import ContainerConfig
    from minikube_sim.images.program import Container
    from minikube_sim.shell.context import Machine

CANNOT_RUN = 127


class Computer(Protocol):
    """What has a machine, once somebody needs it."""

    @property
    def machine(self) -> Machine:
        """What a shell in the container runs on."""


class CommandProgram(Program):
    """A command line in the simulated shell: `sh -c ...`, `sleep 3600`."""

    handles_sigterm = False

    def __init__(self, command: Sequence[str], computer: Computer) -> None:
        self._command = tuple(command)
        self._computer = computer

    async def run(self, container: Container) -> int:
        """Run it to its end, its output going to the log."""
        out, err = Output(container.log), Output(lambda line: container.log(line, "stderr"))
        try:
            return await run_streaming(self._computer.machine, self._command, out, err)
        finally:
            out.flush()
            err.flush()


class MissingCommand(Program):
    """A command that the image does not have: the container cannot start."""

    def __init__(self, word: str) -> None:
        self._word = word

    async def run(self, container: Container) -> int:
        """Fail as the OCI runtime does."""
        container.log(f'exec: "{self._word}": executable file not found in $PATH', "stderr")
        return CANNOT_RUN


def entry(image: type[Program], config: ContainerConfig,
          computer: Computer) -> tuple[Program, Sequence[str]]:
    """(program, its arguments) for a container."""
    command, args = list(config.command), list(config.args)
    if issubclass(image, ShellImage):
        words = command + args if command else [*image.prefix, *args] if args else []
        return _command(words or list(image.default_command), computer), ()
    if not command or _is_entrypoint(image, command[0]):
        return image(), command[1:] + args
    return _command(command + args, computer), ()


def _is_entrypoint(image: type[Program], word: str) -> bool:
    names = {PurePosixPath(name).name for name in image.entrypoint}
    return PurePosixPath(word).name in names


def _command(words: Sequence[str], computer: Computer) -> Program:
    return CommandProgram(words, computer) if is_command(words[0]) else MissingCommand(words[0])
