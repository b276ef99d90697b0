"""`minikube-sim start`: a server in the background (or here), and a context in the kubeconfig."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from minikube_sim import kubeconfig
from minikube_sim.cli.console import USAGE, fail, plain, step
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, profile_named
from minikube_sim.complaints import explain, shown
from minikube_sim.config import ClusterOptions
from minikube_sim.profile import Profile, Running, ServerOptions
from minikube_sim.version import __version__

_CLUSTER = set(ClusterOptions.model_fields)
_FIXED = ("nodes", "node_ip", "pod_cidr", "service_cluster_ip_range")
"""What every object of a cluster's state was made for."""


def start(
    profile: ProfileFlag = DEFAULT_PROFILE,
    foreground: Annotated[bool, typer.Option(
        "--foreground", help="Stay here and serve until SIGINT or SIGTERM.")] = False,
    port: Annotated[str | None, typer.Option(
        metavar="N", help="The API server's port; default 8443, or any free one.")] = None,
    listen: Annotated[str | None, typer.Option(
        help="The address to listen on; default 127.0.0.1.")] = None,
    kubeconfig_file: Annotated[Path | None, typer.Option(
        "--kubeconfig", help="Merge the context into this file.")] = None,
    node_ip: Annotated[str | None, typer.Option(
        metavar="IP[,IP]", help="The first node's address, or one of each family.")] = None,
    nodes: Annotated[str | None, typer.Option(
        metavar="N", help="How many nodes.")] = None,
    pod_cidr: Annotated[str | None, typer.Option(
        metavar="CIDR[,CIDR]", help="The range of Pod addresses, or one of each family.")] = None,
    service_cluster_ip_range: Annotated[str | None, typer.Option(
        metavar="CIDR[,CIDR]",
        help="The range of Service VIPs, or one of each family, the default first.")] = None,
    controllers: Annotated[str | None, typer.Option(
        help="Which to run: '*', name, -name, separated by commas.")] = None,
    storage: Annotated[str | None, typer.Option(
        metavar="memory|sqlite", help="Where state lives; default sqlite.")] = None,
    kubernetes_version: Annotated[str | None, typer.Option(
        help="The version to be: v1.25 to v1.37.")] = None,
    proxy_mode: Annotated[str | None, typer.Option(
        metavar="iptables|nftables", help="What kube-proxy writes.")] = None,
    lb: Annotated[str | None, typer.Option(
        metavar="round-robin|random", help="How a VIP picks an endpoint.")] = None,
    proxy_rules: Annotated[str | None, typer.Option(
        metavar="current|v1.13", help="The form of the rules.")] = None,
    seed: Annotated[str | None, typer.Option(
        metavar="N", help="The seed of every random choice.")] = None,
    time_scale: Annotated[str | None, typer.Option(
        metavar="X", help="How many times faster than real time.")] = None,
    max_pods: Annotated[str | None, typer.Option(
        metavar="N", help="How many Pods a node takes.")] = None,
    unknown_images: Annotated[str | None, typer.Option(
        metavar="refuse|run", help="What an image that nobody defined does.")] = None,
    token: Annotated[str | None, typer.Option(help="The user's bearer token.")] = None,
    audit_log: Annotated[Path | None, typer.Option(
        metavar="FILE", resolve_path=True,
        help="Append who did what (audit.k8s.io/v1 events, one a line) to this file.")] = None,
    audit_policy_file: Annotated[Path | None, typer.Option(
        metavar="FILE", resolve_path=True,
        help="What to write of which request: an audit.k8s.io/v1 Policy.")] = None,
    insecure_http: Annotated[bool | None, typer.Option(
        "--insecure-http/--https", help="Serve plain http, for looking at the traffic.")] = None,
) -> None:
    """Start a cluster; returns when the API answers and the nodes are Ready."""
    given = {name: value for name, value in locals().items()
             if value is not None and name not in ("profile", "foreground", "kubeconfig_file")}
    chosen = profile_named(profile)
    options = _options(chosen, given)
    with ExitStack() as changing:
        changing.enter_context(chosen.changing())
        running = chosen.running()
        if running is not None:
            _nothing_to_do(chosen, running, options, given)
        elif not foreground:
            _start(chosen, options, kubeconfig_file)
        else:
            _serve_here(chosen, options, kubeconfig_file, ready=changing.close)


def _options(profile: Profile, given: dict[str, Any]) -> ServerOptions:
    """What was saved, with what was given now; ends the command on a bad value."""
    saved = profile.options()
    cluster = {name: value for name, value in given.items() if name in _CLUSTER}
    served = {name: value for name, value in given.items() if name not in _CLUSTER}
    try:
        merged = ClusterOptions.model_validate(saved.cluster.model_dump() | cluster)
        options = ServerOptions.model_validate(saved.model_dump() | served | {"cluster": merged})
    except ValidationError as error:
        fail(explain(error, ClusterOptions, ServerOptions), USAGE)
    if "controllers" in given:
        _check_controllers(options.cluster.controllers)
    return options


def _check_controllers(text: str) -> None:
    from controllers.selection import UnknownController
    from minikube_sim.selection import selected

    try:
        selected(text)
    except UnknownController as error:
        fail(f"--controllers {shown(text)}: {error}", USAGE)


def _nothing_to_do(profile: Profile, running: Running, options: ServerOptions,
                   given: dict[str, Any]) -> None:
    step(f'The cluster "{profile.name}" is already running at {running.url}: nothing to do.')
    before, after = _flat(profile.options()), _flat(options)
    before["port"] = before["last_port"]
    ignored = [f"--{name.replace('_', '-')}" for name in given if before[name] != after[name]]
    if ignored:
        step(f"{', '.join(ignored)} can be given when it is stopped: "
             f"minikube-sim stop -p {profile.name}")


def _flat(options: ServerOptions) -> dict[str, Any]:
    return options.model_dump(exclude={"cluster"}) | options.cluster.model_dump()


def _prepared(profile: Profile, options: ServerOptions, file: Path | None) -> ServerOptions:
    """The options to save: the kubeconfig can be written, and kept state fits them."""
    _refuse_to_move(profile, options)
    profile.make()
    target = kubeconfig.target(file, profile.kubeconfig)
    kubeconfig.check(target, profile.name)
    places = tuple(dict.fromkeys((*options.kubeconfigs, str(target))))
    return options.model_copy(update={"kubeconfig": str(target), "kubeconfigs": places})


def _refuse_to_move(profile: Profile, options: ServerOptions) -> None:
    """Addresses that are written into every object cannot change, as in minikube."""
    if options.storage != "sqlite" or not profile.database.exists():
        return
    before, after = profile.options().cluster.model_dump(), options.cluster.model_dump()
    for name in _FIXED:
        if before[name] != after[name]:
            fail(f"--{name.replace('_', '-')} {after[name]}: the cluster {profile.name!r} exists "
                 f"with {before[name]}, which cannot change; {profile.way_out}", USAGE)


def _serve_here(profile: Profile, options: ServerOptions, file: Path | None, *,
                ready: Callable[[], None]) -> None:
    """--foreground. `ready` is called when others may stop it."""
    from minikube_sim import server

    with profile.trying(_prepared(profile, options, file)):
        code = server.serve(profile, foreground=True, ready=ready)
        if code:
            raise typer.Exit(code)


def _start(profile: Profile, options: ServerOptions, file: Path | None) -> None:
    options = _prepared(profile, options, file)
    with profile.trying(options):
        _announce(profile, options)
        ready = _spawn(profile)
        if "error" in ready:
            fail(ready["error"])
    _report(profile, ready, Path(options.kubeconfig))


def _announce(profile: Profile, options: ServerOptions) -> None:
    step(f"minikube-sim v{__version__} on {platform.system()} ({platform.machine()})")
    count = options.cluster.nodes
    nodes = f" with {count} nodes" if count > 1 else ""
    step(f'Starting Kubernetes {options.cluster.kubernetes_version} in cluster "{profile.name}"'
         f"{nodes} ...")


def _report(profile: Profile, ready: dict[str, str], target: Path) -> None:
    step(f"The API server answers at {ready['url']}, {ready['nodes']}")
    step(f'Done! kubectl uses the context "{profile.name}" of {target}')
    if target == profile.kubeconfig:
        plain(f"  In this shell: {profile.environment}")
        plain("  Without it:    minikube-sim kubectl -- get pods -A")


def _spawn(profile: Profile) -> dict[str, str]:
    """Start the server detached; what it says when it is ready, or why it is not."""
    command = [sys.executable, "-m", "minikube_sim.background", profile.name]
    detached: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined,unused-ignore]
        detached = {"creationflags": flags}
    process: subprocess.Popen[bytes] | None = None
    try:
        with profile.log.open("ab") as log, interrupts_later():
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=log, cwd=profile.directory, **detached)
        assert process.stdout is not None
        with process.stdout:
            line = process.stdout.readline()
    except KeyboardInterrupt:  # it must not go on alone
        if process is not None:
            process.terminate()
            process.wait()
        raise
    try:
        answer: dict[str, str] = json.loads(line)
    except ValueError:
        return {"error": f"the server did not start; its log {profile.log} says why"}
    return answer


@contextmanager
def interrupts_later() -> Iterator[None]:
    """SIGINT takes effect at the end of the block: what the block makes is known by then."""
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt
