"""Starts containers in their order. Models computePodActions, doBackOff and startContainer of
pkg/kubelet/kuberuntime: init containers one after the other, sidecars before what follows them,
then all app containers; what has ended is started again as restartPolicy says, after a back-off.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.meta import name, namespace, uid
from controllers.node import texts
from controllers.node.backoff import go_duration
from controllers.node.environment import ConfigError, Sources, environment, expand
from controllers.node.record import Kind, State, container_specs
from controllers.node.runtime import ContainerConfig
from controllers.node.volumes import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from apiserver.machinery.later import Later
    from apiserver.machinery.types import Object
    from controllers.node.host import Host
    from controllers.node.record import ContainerRecord, PodRecord
    from controllers.node.runtime import ImageInfo, RuntimeListener

CONFIG_RETRY: Final = 10.0
"""Seconds after which a container is tried again that refers to something missing."""


def start_due(host: Host, pod: Object, record: PodRecord,
              listener: RuntimeListener) -> list[ContainerRecord]:
    """Start what may start now; what has started."""
    specs = {spec["name"]: spec for spec in container_specs(pod)}
    started = []
    for container in _due(pod, record):  # lazily: a sidecar that has started lets the rest follow
        what = (container, specs[container.name])
        if container.retry_at <= host.clock.now() and _attempt(host, pod, record, what, listener):
            started.append(container)
    return started


def next_retry(record: PodRecord, now: float) -> float | None:
    """When a waiting container is to be tried again; None when none is."""
    times = [c.retry_at for c in record.containers.values()
             if c.state is not State.RUNNING and c.retry_at > now]
    return min(times, default=None)


def sources(host: Host, pod: Object, pod_ips: Sequence[str]) -> Sources:
    """Where the pod's values come from."""
    place = namespace(pod)
    return Sources(pod=pod, host_ips=host.config.addresses, pod_ips=pod_ips,
                   config_map=lambda name: host.config_map(place, name),
                   secret=lambda name: host.secret(place, name),
                   allocatable=host.config.capacity)


def may_restart(pod: Object, record: ContainerRecord) -> bool:
    """Whether a container that has ended is to run again."""
    if record.kind is Kind.EPHEMERAL:
        return not record.container_id
    if record.ended is None or record.kind is Kind.SIDECAR:
        return True
    policy = pod["spec"].get("restartPolicy", "Always")
    failed = record.ended.exit.exit_code != 0
    if record.kind is Kind.INIT:
        return failed and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and failed)


def _due(pod: Object, record: PodRecord) -> Iterator[ContainerRecord]:
    """The containers that should run and do not, up to the first that the rest must wait for."""
    for container in record.of_kind(Kind.EPHEMERAL):  # they wait for nothing
        if container.state is State.WAITING and may_restart(pod, container):
            yield container
    apps_began = any(c.container_id for c in record.of_kind(Kind.APP))
    for container in record.of_kind(Kind.INIT, Kind.SIDECAR):
        if container.kind is Kind.INIT and apps_began:
            continue
        ended_well = container.ended is not None and container.ended.exit.exit_code == 0
        if container.kind is Kind.INIT and ended_well:
            continue
        if container.state is not State.RUNNING and may_restart(pod, container):
            yield container
        if not apps_began and (container.kind is Kind.INIT or not container.started):
            return
    for container in record.of_kind(Kind.APP):
        if container.state is not State.RUNNING and may_restart(pod, container):
            yield container


def _attempt(host: Host, pod: Object, record: PodRecord,
             what: tuple[ContainerRecord, Mapping[str, Any]], listener: RuntimeListener) -> bool:
    """Try to start one container; on failure its record says why and when to try again."""
    container, spec = what
    if _backs_off(host, pod, container):
        return False
    say = host.say(pod, container)
    image = host.puller.ensure(pod, container, spec, host.clock.now(), say)
    if image is None:
        return False
    try:
        config = _config(host, pod, record, (container, spec))
    except ConfigError as error:
        say("Warning", "Failed", f"Error: {error}")
        container.wait("CreateContainerConfigError", str(error))
        container.retry_at = host.clock.now() + CONFIG_RETRY
        return False
    assert record.sandbox is not None
    if container.container_id and container.last is not None:
        host.runtime.remove(container.last.container_id)
    container_id = host.runtime.start(config, record.sandbox.network, listener)
    _note_start(host, container, spec, image, container_id)
    say("Normal", "Created", texts.created(host.config.minor, container.name))
    say("Normal", "Started", texts.started(host.config.minor, container.name))
    return True


def _note_start(host: Host, container: ContainerRecord, spec: Mapping[str, Any], image: ImageInfo,
                container_id: str) -> None:
    if container.container_id:
        container.restart_count += 1
        container.last = container.ended
    container.ended = None
    container.container_id = container_id
    container.image, container.image_id = image.name, image.image_id
    container.state, container.reason, container.message = State.RUNNING, "", ""
    container.started_at = host.clock.now()
    container.started = "startupProbe" not in spec
    container.ready = (container.started and "readinessProbe" not in spec
                       and container.kind not in (Kind.INIT, Kind.EPHEMERAL))
    container.stopping = container.pulled = False
    container.resumes = ""
    container.retry_at = 0.0


def _backs_off(host: Host, pod: Object, container: ContainerRecord) -> bool:
    """Whether a container that has ended must wait before it starts again (CrashLoopBackOff)."""
    run, now = container.ended, host.clock.now()
    if run is None:
        return False
    key = f"{uid(pod)}_{container.name}"
    until = host.restarts.waits_until(key, run.finished_at, now)
    full_name = f"{name(pod)}_{namespace(pod)}({uid(pod)})"
    if until is None:
        host.restarts.grow(key, run.finished_at, now)
        return False
    host.say(pod, container)("Warning", "BackOff", "Back-off restarting failed container "
                             f"{container.name} in pod {full_name}")
    delay = go_duration(host.restarts.delay(key))
    container.wait("CrashLoopBackOff", f"back-off {delay} restarting failed container="
                                       f"{container.name} pod={full_name}")
    container.retry_at = until
    return True


def _config(host: Host, pod: Object, record: PodRecord,
            what: tuple[ContainerRecord, Mapping[str, Any]]) -> ContainerConfig:
    """Everything that the container starts with. Raises ConfigError."""
    container, spec = what
    assert record.sandbox is not None
    addresses, hostname = record.sandbox.addresses, _hostname(host, pod)
    env = environment(spec, sources(host, pod, addresses), host.service_variables(pod))
    return ContainerConfig(
        pod=pod, name=container.name, image=spec["image"],
        command=tuple(expand(word, env) for word in spec.get("command") or ()),
        args=tuple(expand(word, env) for word in spec.get("args") or ()),
        env=env, working_dir=spec.get("workingDir", ""), tty=bool(spec.get("tty")),
        hostname=hostname, files=partial(_files, host, pod, (addresses, hostname), spec,
                                         record.files or {}), container_id=container.resumes,
        restart_count=container.restart_count + (1 if container.container_id else 0))


def _hostname(host: Host, pod: Object) -> str:
    if pod["spec"].get("hostNetwork"):
        return host.config.name
    return str(pod["spec"].get("hostname") or name(pod))[:63].rstrip("-.")


def _files(host: Host, pod: Object, place: tuple[Sequence[str], str], spec: Mapping[str, Any],
           volumes: Mapping[str, Mapping[str, str | Later]]) -> dict[str, str]:
    """All that the container finds; `place` is the pod's addresses and host name."""
    return {**_etc(host, pod, *place), **mounted(spec, volumes)}


def _etc(host: Host, pod: Object, addresses: Sequence[str], hostname: str) -> dict[str, str]:
    """The files that the kubelet writes for every container."""
    return {"/etc/hostname": f"{hostname}\n", "/etc/hosts": _hosts(pod, addresses, hostname),
            "/etc/resolv.conf": _resolv_conf(host, pod)}


def _hosts(pod: Object, addresses: Sequence[str], hostname: str) -> str:
    lines = ["# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost",
             "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::\tip6-localnet",
             "fe00::\tip6-mcastprefix", "fe00::1\tip6-allnodes", "fe00::2\tip6-allrouters"]
    subdomain = pod["spec"].get("subdomain")
    full = f"{hostname}.{subdomain}.{namespace(pod)}.svc.cluster.local\t" if subdomain else ""
    lines += [f"{address}\t{full}{hostname}" for address in addresses]
    aliases = pod["spec"].get("hostAliases") or ()
    if aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += [f"{a['ip']}\t" + "\t".join(a.get("hostnames") or ()) for a in aliases]
    return "\n".join(lines) + "\n"


def _resolv_conf(host: Host, pod: Object) -> str:
    """/etc/resolv.conf by dnsPolicy and dnsConfig (pkg/kubelet/network/dns)."""
    policy, own = pod["spec"].get("dnsPolicy", "ClusterFirst"), pod["spec"].get("dnsConfig") or {}
    if policy == "ClusterFirst" and pod["spec"].get("hostNetwork"):
        policy = "Default"
    if policy == "Default" and not own:
        return host.config.resolv_conf
    servers, search, options = [], [], {}
    if policy.startswith("ClusterFirst"):
        domain = host.config.cluster_domain
        servers = [*host.config.cluster_dns]
        search = [f"{namespace(pod)}.svc.{domain}", f"svc.{domain}", domain]
        options = {"ndots": "5"}
    elif policy == "Default":
        servers = [line.split()[1] for line in host.config.resolv_conf.splitlines()
                   if line.startswith("nameserver ")]
    servers += own.get("nameservers") or []
    search += [domain for domain in own.get("searches") or [] if domain not in search]
    options |= {option["name"]: option.get("value", "") for option in own.get("options") or ()}
    shown = [f"{key}:{value}" if value else key for key, value in options.items()]
    lines = [f"search {' '.join(search)}"] if search else []
    lines += [f"nameserver {server}" for server in servers]
    lines += [f"options {' '.join(shown)}"] if shown else []
    return "\n".join(lines) + "\n"
