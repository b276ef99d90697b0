"""The program `minikube-sim`: the table of its commands, and what turns failures into one line."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, Final

import typer

from minikube_sim.cli import (
    console,
    delete,
    demo,
    ip,
    kubectl,
    logs,
    matrix,
    profiles,
    service,
    sniff,
    ssh,
    start,
    status,
    stop,
    trace,
    why,
)
from minikube_sim.cli.options import PROFILE_VARIABLE
from minikube_sim.kubeconfig import KubeconfigError
from minikube_sim.profile import ProfileError
from minikube_sim.version import __version__

_VERBATIM: Final = {"allow_extra_args": True, "ignore_unknown_options": True,
                    "help_option_names": ["--help"]}

COMMANDS: Final = (
    ("start", start.start, None),
    ("stop", stop.stop, None),
    ("status", status.status, None),
    ("delete", delete.delete, None),
    ("ip", ip.ip, None),
    ("logs", logs.logs, None),
    ("ssh", ssh.ssh, _VERBATIM),
    ("kubectl", kubectl.kubectl, _VERBATIM),
    ("service", service.service, None),
    ("trace", trace.trace, None),
    ("why", why.why, None),
    ("matrix", matrix.matrix, None),
    ("sniff", sniff.sniff, None),
    ("profile", profiles.profile, None),
    ("demo", demo.demo, None),
)

_DEBUG: Final = "MINIKUBE_SIM_DEBUG"

_ClickException: Final[Any] = typer.BadParameter.__bases__[0].__bases__[0]
"""click's ClickException, wherever this typer keeps it."""


def _app() -> typer.Typer:
    app = typer.Typer(
        name="minikube-sim", no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="A complete, faithful mini-Kubernetes: no Docker, VM, root or network.")
    for name, function, settings in COMMANDS:
        app.command(name, context_settings=settings)(function)
    app.callback()(_root)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        console.plain(f"minikube-sim version: v{__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True,
                                          help="Print the version and exit.")] = False,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Which cluster.")] = None,
) -> None:
    """A complete, faithful mini-Kubernetes: no Docker, VM, root or network."""
    if profile is not None:
        os.environ[PROFILE_VARIABLE] = profile  # the command's own flag goes before it


def _complain(message: str) -> None:
    text = " ".join(message.split())
    if not text:
        return  # help was shown instead
    console.err.print(f"[red]minikube-sim:[/red] {console.escape(text)}")


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code. Prints failures as one line, never a traceback."""
    try:
        result: Any = _app()(arguments, standalone_mode=False)
    except console.CommandError as error:
        _complain(str(error))
        return error.code
    except _ClickException as error:
        _complain(error.format_message())
        return int(error.exit_code)
    except (ProfileError, KubeconfigError) as error:
        _complain(str(error))
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        return 141
    except Exception as error:  # a bug of ours: people get one line, who asks gets all of it
        if os.environ.get(_DEBUG):
            raise
        _complain(f"failed: {type(error).__name__}: {error} (a bug; {_DEBUG}=1 shows where)")
        return 1
    return result if isinstance(result, int) else 0


def main() -> None:
    """The command line of this process."""
    sys.exit(run(sys.argv[1:]))
