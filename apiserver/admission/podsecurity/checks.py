"""The checks of the levels baseline and restricted, in upstream's order and words.

Models pod-security-admission/policy/check_*.go and registry.go. A check may have changed with a
version of Kubernetes: a namespace's label may ask for the rules of an older one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta

if TYPE_CHECKING:
    from apiserver.admission.podsecurity.policy import LevelVersion
    from apiserver.machinery.types import Object

Check = Callable[["Object", "Object"], "tuple[str, str] | None"]
"""From a Pod's metadata and spec to (reason, detail) of what is wrong."""

_DEFAULT_CAPABILITIES: Final = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"})
_SYSCTLS: Final = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"})
_SYSCTLS_1_27: Final = _SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_1_29: Final = _SYSCTLS_1_27 | {
    f"net.ipv4.tcp_{name}" for name in (
        "keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes")}
_SYSCTLS_1_32: Final = _SYSCTLS_1_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
_SELINUX_TYPES: Final = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_SELINUX_TYPES_1_31: Final = _SELINUX_TYPES | {"container_engine_t"}
_VOLUMES: Final = frozenset({
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
    "projected", "secret"})
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_CONFINED: Final = ("RuntimeDefault", "Localhost")


# --- words ---------------------------------------------------------------------------------------


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _some(one: str, names: Sequence[str]) -> str:
    """`container "a"` or `containers "a", "b"`."""
    return f"{one if len(names) == 1 else one + 's'} {_quoted(names)}"


def _uses(names: Sequence[str]) -> str:
    return "uses" if len(names) == 1 else "use"


def _containers(spec: Object) -> Iterator[Object]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def _context(part: Object) -> Mapping[str, Any]:
    return part.get("securityContext") or {}


def _bad_containers(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    return [one.get("name") or "" for one in _containers(spec) if bad(one)]


def _setters(spec: Object, bad: Callable[[Mapping[str, Any]], bool]) -> list[str]:
    """Who sets something bad in a security context: `pod`, `container "a"`."""
    setters = ["pod"] if bad(_context(spec)) else []
    names = _bad_containers(spec, lambda one: bad(_context(one)))
    return [*setters, _some("container", names)] if names else setters


def _is_windows(spec: Object) -> bool:
    return (spec.get("os") or {}).get("name") == "windows"


# --- baseline ------------------------------------------------------------------------------------


def _apparmor(metadata: Object, spec: Object) -> tuple[str, str] | None:
    def unconfined(context: Mapping[str, Any]) -> bool:
        return (context.get("appArmorProfile") or {}).get("type") not in (None, *_CONFINED)

    found: list[str] = []
    if setters := _setters(spec, unconfined):
        values = sorted({(_context(one).get("appArmorProfile") or {}).get("type") or ""
                         for one in (spec, *_containers(spec)) if unconfined(_context(one))})
        found.append(f"{' and '.join(setters)} must not set securityContext.appArmorProfile.type"
                     f" to {_quoted(values)}")
    notes = sorted(f'{key}="{value}"' for key, value in meta.annotations({"metadata": metadata})
                   .items() if key.startswith(_APPARMOR) and value not in ("", "runtime/default")
                   and not value.startswith("localhost/"))
    if notes:
        found.append(f"{'annotation' if len(notes) == 1 else 'annotations'} {', '.join(notes)}")
    return ("forbidden AppArmor profile" if len(found) == 1 else "forbidden AppArmor profiles",
            " and ".join(found)) if found else None


def _added(spec: Object, allowed: frozenset[str]) -> str:
    """Who adds which capabilities beyond the allowed ones, '' if nobody."""
    bad: set[str] = set()

    def adds(one: Object) -> bool:
        more = set((_context(one).get("capabilities") or {}).get("add") or ()) - allowed
        bad.update(more)
        return bool(more)

    names = _bad_containers(spec, adds)
    return (f"{_some('container', names)} must not include {_quoted(sorted(bad))} in"
            " securityContext.capabilities.add") if names else ""


def _capabilities(metadata: Object, spec: Object) -> tuple[str, str] | None:
    detail = _added(spec, _DEFAULT_CAPABILITIES)
    return ("non-default capabilities", detail) if detail else None


def _host_namespaces(metadata: Object, spec: Object) -> tuple[str, str] | None:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return ("host namespaces", ", ".join(found)) if found else None


def _host_paths(metadata: Object, spec: Object) -> tuple[str, str] | None:
    names = [one["name"] for one in spec.get("volumes") or () if one.get("hostPath") is not None]
    return ("hostPath volumes", _some("volume", names)) if names else None


def _host_ports(metadata: Object, spec: Object) -> tuple[str, str] | None:
    ports: set[str] = set()

    def opens(one: Object) -> bool:
        own = {str(port["hostPort"]) for port in one.get("ports") or () if port.get("hostPort")}
        ports.update(own)
        return bool(own)

    names = _bad_containers(spec, opens)
    return ("hostPort", f"{_some('container', names)} {_uses(names)}"
            f" {'hostPort' if len(ports) == 1 else 'hostPorts'} {', '.join(sorted(ports))}"
            ) if names else None


def _probe_hosts(metadata: Object, spec: Object) -> tuple[str, str] | None:
    hosts: set[str] = set()

    def asks(one: Object) -> bool:
        own = {host for action in _actions(one)
               for part in ("httpGet", "tcpSocket")
               if (host := (action.get(part) or {}).get("host") or "")}
        hosts.update(own)
        return bool(own)

    names = _bad_containers(spec, asks)
    return ("probe or lifecycle host", f"{_some('container', names)} {_uses(names)} probe or"
            f" lifecycle {_some('host', sorted(hosts))}") if names else None


def _actions(container: Object) -> Iterator[Mapping[str, Any]]:
    """Probes and lifecycle hooks."""
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield container.get(name) or {}
    for name in ("postStart", "preStop"):
        yield (container.get("lifecycle") or {}).get(name) or {}


def _privileged(metadata: Object, spec: Object) -> tuple[str, str] | None:
    names = _bad_containers(spec, lambda one: bool(_context(one).get("privileged")))
    return ("privileged", f"{_some('container', names)} must not set"
            " securityContext.privileged=true") if names else None


def _proc_mount(metadata: Object, spec: Object) -> tuple[str, str] | None:
    values: set[str] = set()

    def unmasks(one: Object) -> bool:
        value = _context(one).get("procMount")
        if value in (None, "Default"):
            return False
        values.add(value)
        return True

    names = _bad_containers(spec, unmasks)
    return ("procMount", f"{_some('container', names)} must not set securityContext.procMount to"
            f" {_quoted(sorted(values))}") if names else None


def _selinux(allowed: frozenset[str], metadata: Object,
             spec: Object) -> tuple[str, str] | None:
    types: set[str] = set()
    others: dict[str, None] = {}

    def bad(context: Mapping[str, Any]) -> bool:
        options = context.get("seLinuxOptions") or {}
        own = {options.get("type") or ""} - allowed
        types.update(own)
        others.update(dict.fromkeys(name for name in ("user", "role") if options.get(name)))
        return bool(own or options.get("user") or options.get("role"))

    setters = _setters(spec, bad)
    if not setters:
        return None
    data = [_some("type", sorted(types))] if types else []
    data += [f"{name} may not be set" for name in ("user", "role") if name in others]
    return ("seLinuxOptions", f"{' and '.join(setters)} set forbidden"
            f" securityContext.seLinuxOptions: {'; '.join(data)}")


def _seccomp_type(context: Mapping[str, Any]) -> str | None:
    kind: str | None = (context.get("seccompProfile") or {}).get("type")
    return kind


def _seccomp(metadata: Object, spec: Object) -> tuple[str, str] | None:
    def unconfined(context: Mapping[str, Any]) -> bool:
        return _seccomp_type(context) not in (None, *_CONFINED)

    setters = _setters(spec, unconfined)
    values = sorted({_seccomp_type(_context(one)) or "" for one in (spec, *_containers(spec))
                     if unconfined(_context(one))})
    return ("seccompProfile", f"{' and '.join(setters)} must not set"
            f" securityContext.seccompProfile.type to {_quoted(values)}") if setters else None


def _sysctls(allowed: frozenset[str], metadata: Object,
             spec: Object) -> tuple[str, str] | None:
    names = [one["name"] for one in _context(spec).get("sysctls") or ()
             if one.get("name") not in allowed]
    return ("forbidden sysctls", ", ".join(names)) if names else None


def _host_process(metadata: Object, spec: Object) -> tuple[str, str] | None:
    setters = _setters(spec, lambda context: bool(
        (context.get("windowsOptions") or {}).get("hostProcess")))
    return ("hostProcess", f"{' and '.join(setters)} must not set"
            " securityContext.windowsOptions.hostProcess=true") if setters else None


# --- restricted ----------------------------------------------------------------------------------


def _escalation(metadata: Object, spec: Object) -> tuple[str, str] | None:
    names = _bad_containers(
        spec, lambda one: _context(one).get("allowPrivilegeEscalation") is not False)
    return ("allowPrivilegeEscalation != false", f"{_some('container', names)} must set"
            " securityContext.allowPrivilegeEscalation=false") if names else None


def _all_dropped(metadata: Object, spec: Object) -> tuple[str, str] | None:
    details = []
    names = _bad_containers(spec, lambda one: "ALL" not in (
        (_context(one).get("capabilities") or {}).get("drop") or ()))
    if names:
        details.append(f"{_some('container', names)} must set"
                       ' securityContext.capabilities.drop=["ALL"]')
    if more := _added(spec, frozenset({"NET_BIND_SERVICE"})):
        details.append(more)
    return ("unrestricted capabilities", "; ".join(details)) if details else None


def _volume_types(metadata: Object, spec: Object) -> tuple[str, str] | None:
    names, kinds = [], set()
    for volume in spec.get("volumes") or ():
        own = {kind for kind, value in volume.items() if kind != "name" and value is not None}
        if own - _VOLUMES:
            names.append(volume["name"])
            kinds |= own - _VOLUMES
    return ("restricted volume types", f"{_some('volume', names)} {_uses(names)} restricted volume"
            f" {_some('type', sorted(kinds))}") if names else None


def _non_root(metadata: Object, spec: Object) -> tuple[str, str] | None:
    setters = _setters(spec, lambda context: context.get("runAsNonRoot") is False)
    # What the pod says wrongly does no harm where every container says it rightly.
    silent = _bad_containers(spec, lambda one: _context(one).get("runAsNonRoot") is None)
    if setters and setters[0] == "pod" and not silent:
        setters = setters[1:]
    if setters:
        return ("runAsNonRoot != true", f"{' and '.join(setters)} must not set"
                " securityContext.runAsNonRoot=false")
    if silent and _context(spec).get("runAsNonRoot") is not True:
        return ("runAsNonRoot != true", f"pod or {_some('container', silent)} must set"
                " securityContext.runAsNonRoot=true")
    return None


def _root_user(metadata: Object, spec: Object) -> tuple[str, str] | None:
    setters = _setters(spec, lambda context: context.get("runAsUser") == 0)
    return ("runAsUser=0", f"{' and '.join(setters)} must not set runAsUser=0") if setters else None


def _seccomp_required(metadata: Object, spec: Object) -> tuple[str, str] | None:
    if explicit := _seccomp(metadata, spec):
        return explicit
    silent = _bad_containers(spec, lambda one: _seccomp_type(_context(one)) is None)
    if silent and _seccomp_type(_context(spec)) is None:
        return ("seccompProfile", f"pod or {_some('container', silent)} must set"
                ' securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"')
    return None


# --- which of them hold --------------------------------------------------------------------------


def _unless_windows(check: Check) -> Check:
    """Since 1.25 what only Linux knows is not asked of Windows Pods."""
    return lambda metadata, spec: None if _is_windows(spec) else check(metadata, spec)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A check of a level as it is since a minor version of Kubernetes."""

    id: str
    since: int
    check: Check
    instead_of: str = ""
    """The check of the level baseline that this stricter one replaces."""


_BASELINE: Final = (
    _Rule("appArmorProfile", 0, _apparmor),
    _Rule("capabilities_baseline", 0, _capabilities),
    _Rule("hostNamespaces", 0, _host_namespaces),
    _Rule("hostPathVolumes", 0, _host_paths),
    _Rule("hostPorts", 0, _host_ports),
    _Rule("hostProbesAndHostLifecycle", 34, _probe_hosts),
    _Rule("privileged", 0, _privileged),
    _Rule("procMount", 0, _proc_mount),
    _Rule("seLinuxOptions", 0, partial(_selinux, _SELINUX_TYPES)),
    _Rule("seLinuxOptions", 31, partial(_selinux, _SELINUX_TYPES_1_31)),
    _Rule("seccompProfile_baseline", 19, _seccomp),
    _Rule("sysctls", 0, partial(_sysctls, _SYSCTLS)),
    _Rule("sysctls", 27, partial(_sysctls, _SYSCTLS_1_27)),
    _Rule("sysctls", 29, partial(_sysctls, _SYSCTLS_1_29)),
    _Rule("sysctls", 32, partial(_sysctls, _SYSCTLS_1_32)),
    _Rule("windowsHostProcess", 0, _host_process))
_RESTRICTED: Final = (
    _Rule("allowPrivilegeEscalation", 8, _escalation),
    _Rule("allowPrivilegeEscalation", 25, _unless_windows(_escalation)),
    _Rule("capabilities_restricted", 22, _all_dropped, "capabilities_baseline"),
    _Rule("capabilities_restricted", 25, _unless_windows(_all_dropped), "capabilities_baseline"),
    _Rule("restrictedVolumes", 0, _volume_types, "hostPathVolumes"),
    _Rule("runAsNonRoot", 0, _non_root),
    _Rule("runAsUser", 23, _root_user),
    _Rule("seccompProfile_restricted", 19, _seccomp_required, "seccompProfile_baseline"),
    _Rule("seccompProfile_restricted", 25, _unless_windows(_seccomp_required),
          "seccompProfile_baseline"))
_LATEST: Final = 1_000_000


@cache
def checks_of(level: str, version: str) -> tuple[Check, ...]:
    """The checks of a level in a version (`latest`, `v1.28`), in order."""
    minor = _LATEST if version == "latest" else int(version.removeprefix("v1."))
    baseline, restricted = _in_force(_BASELINE, minor), _in_force(_RESTRICTED, minor)
    if level == "restricted":
        replaced = {rule.instead_of for rule in restricted}
        rules = [*(rule for rule in baseline if rule.id not in replaced), *restricted]
    else:
        rules = baseline if level == "baseline" else []
    return tuple(rule.check for rule in rules)


def _in_force(rules: Iterable[_Rule], minor: int) -> list[_Rule]:
    """Each rule as it is in that version."""
    return list({rule.id: rule for rule in rules if rule.since <= minor}.values())


def violations(level: LevelVersion, metadata: Object, spec: Object) -> str:
    """What a Pod does that the level forbids, '' if nothing (ForbiddenDetail)."""
    found = [result for check in checks_of(level.level, level.version)
             if (result := check(metadata, spec)) is not None]
    return ", ".join(f"{reason} ({detail})" for reason, detail in found)
