"""What is wrong with security contexts. Models ValidateSecurityContext,
validatePodSpecSecurityContext, the checks per operating system and those of old annotations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_subdomain, is_valid_user_id
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    internal_struct,
    invalid,
    not_supported,
    required,
    too_long,
)
from apiserver.resources.core.paths import descending_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.machinery.types import Object

_PROFILES: Final = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL: Final = "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_CONTEXT: Final = (
    "Capabilities", "Privileged", "SELinuxOptions:seLinuxOptions", "WindowsOptions", "RunAsUser",
    "RunAsGroup", "RunAsNonRoot", "ReadOnlyRootFilesystem", "AllowPrivilegeEscalation",
    "ProcMount", "SeccompProfile", "AppArmorProfile")
_IPC_SYSCTLS: Final = ("kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue.")
_WINDOWS_POD: Final = ("appArmorProfile", "seLinuxOptions", "^hostUsers", "^hostPID", "^hostIPC",
                       "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls",
                       "^shareProcessNamespace", "runAsUser", "runAsGroup", "supplementalGroups",
                       "supplementalGroupsPolicy", "seLinuxChangePolicy")
"""What a Windows pod may not set; ^ marks fields of the spec itself."""
_WINDOWS_CONTAINER: Final = ("appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities",
                             "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation",
                             "procMount", "runAsUser", "runAsGroup")
_NOT_WINDOWS: Final = "cannot be set for a windows pod"
_NOT_LINUX: Final = "windows options cannot be set for a linux pod"


def container_security_errors(context: Object | None, path: Path,
                              host_users: bool) -> list[FieldError]:
    """What is wrong with a container's securityContext."""
    if not context:
        return []
    errors = _id_errors(context, ("runAsUser", "runAsGroup"), path)
    mount = context.get("procMount")
    if mount is not None and mount not in ("Default", "Unmasked"):
        errors.append(not_supported(path.child("procMount"), mount, ["Default", "Unmasked"]))
    if mount == "Unmasked" and host_users:
        errors.append(invalid(path.child("procMount"), mount,
                              "`hostUsers` must be false to use `Unmasked`"))
    errors += _seccomp_errors(context.get("seccompProfile"), path.child("seccompProfile"))
    errors += _escalation_errors(context, path)
    errors += _windows_errors(context.get("windowsOptions"), path.child("windowsOptions"))
    return errors + _apparmor_errors(context.get("appArmorProfile"),
                                     path.child("appArmorProfile"))


def _escalation_errors(context: Object, path: Path) -> list[FieldError]:
    if context.get("allowPrivilegeEscalation") is not False:
        return []
    reasons = ["`privileged` to true"] if context.get("privileged") else []
    added = (context.get("capabilities") or {}).get("add") or ()
    reasons += ["`capabilities.Add` CAP_SYS_ADMIN" for name in added if name == "CAP_SYS_ADMIN"]
    return [invalid(path, internal_struct(context, *_CONTEXT),
                    f"cannot set `allowPrivilegeEscalation` to false and {reason}")
            for reason in reasons]


def _id_errors(context: Object, names: Sequence[str], path: Path) -> list[FieldError]:
    return [error for name in names if context.get(name) is not None
            for error in all_invalid(path.child(name), context[name],
                                     is_valid_user_id(context[name]))]


def pod_security_errors(spec: Object, path: Path) -> list[FieldError]:
    """What is wrong with a pod's securityContext."""
    context = spec.get("securityContext") or {}
    errors = _id_errors(context, ("fsGroup", "runAsUser", "runAsGroup"), path)
    for i, group in enumerate(context.get("supplementalGroups") or ()):
        errors += all_invalid(path.child("supplementalGroups").at(i), group,
                              is_valid_user_id(group))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        errors.append(invalid(path.child("shareProcessNamespace"), True,
                              "ShareProcessNamespace and HostPID cannot both be enabled"))
    errors += _sysctl_errors(context.get("sysctls") or (), spec, path.child("sysctls"))
    errors += _choice(context, "fsGroupChangePolicy", ("Always", "OnRootMismatch"), path)
    errors += _seccomp_errors(context.get("seccompProfile"), path.child("seccompProfile"))
    errors += _windows_errors(context.get("windowsOptions"), path.child("windowsOptions"))
    errors += _apparmor_errors(context.get("appArmorProfile"), path.child("appArmorProfile"))
    errors += _choice(context, "supplementalGroupsPolicy", ("Merge", "Strict"), path)
    return errors + _choice(context, "seLinuxChangePolicy", ("MountOption", "Recursive"), path)


def _choice(context: Object, name: str, supported: Sequence[str], path: Path) -> list[FieldError]:
    value = context.get(name)
    if value is None or value in supported:
        return []
    return [not_supported(path.child(name), value, supported)]


def _sysctl_errors(sysctls: Sequence[Object], spec: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, sysctl in enumerate(sysctls):
        own, name = path.at(i).child("name"), sysctl.get("name") or ""
        if not name:
            errors.append(required(own))
        elif len(name) > 253 or not re.fullmatch(_SYSCTL, name):
            errors.append(invalid(own, name, "must have at most 253 characters and match regex "
                                  f"^{_SYSCTL}$"))
        elif name in seen:
            errors.append(duplicate(own, name))
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.append(invalid(own, name, "may not be specified when 'hostNetwork' is true"))
        elif spec.get("hostIPC") and dotted.startswith(_IPC_SYSCTLS):
            errors.append(invalid(own, name, "may not be specified when 'hostIPC' is true"))
    return errors


def _seccomp_errors(profile: Object | None, path: Path) -> list[FieldError]:
    if profile is None:
        return []
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    errors = []
    if not kind:
        errors.append(required(path.child("type"), "type is required when seccompProfile is set"))
    elif kind not in _PROFILES:
        errors.append(not_supported(path.child("type"), kind, _PROFILES))
    own = path.child("localhostProfile")
    if kind == "Localhost":
        errors += ([required(own, "must be set when seccomp type is Localhost")] if local is None
                   else descending_path(local, own))
    elif local is not None:
        shown = internal_struct(profile, ("Type", ""), "LocalhostProfile")
        errors.append(invalid(own, shown, "can only be set when seccomp type is Localhost"))
    return errors


def _apparmor_errors(profile: Object | None, path: Path) -> list[FieldError]:
    if profile is None:
        return []
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    own = path.child("localhostProfile")
    if kind == "Localhost":
        return _localhost_errors(local, own)
    if not kind:
        return [required(path.child("type"), "type is required when appArmorProfile is set")]
    if kind not in _PROFILES:
        return [not_supported(path.child("type"), kind, _PROFILES)]
    if local is not None:
        return [invalid(own, local, "can only be set when AppArmor type is Localhost")]
    return []


def _localhost_errors(local: str | None, path: Path) -> list[FieldError]:
    if local is None:
        return [required(path, "must be set when AppArmor type is Localhost")]
    errors = []
    if local != local.strip():
        errors.append(invalid(path, local, "must not be padded with whitespace"))
    elif not local:
        errors.append(required(path, "must be set when AppArmor type is Localhost"))
    if len(local) > 4095:
        errors.append(too_long(path, 4095))
    return errors


def _windows_errors(options: Object | None, path: Path) -> list[FieldError]:
    if options is None:
        return []
    errors: list[FieldError] = []
    name = options.get("gmsaCredentialSpecName")
    if name is not None:
        errors += all_invalid(path.child("gmsaCredentialSpecName"), name,
                              is_dns1123_subdomain(name))
    own, spec = path.child("gmsaCredentialSpec"), options.get("gmsaCredentialSpec")
    if spec == "":
        errors.append(invalid(own, spec, "gmsaCredentialSpec cannot be an empty string"))
    elif spec is not None and len(spec) > 64 * 1024:
        errors.append(invalid(own, spec, "gmsaCredentialSpec size must be under 64 KiB"))
    user = options.get("runAsUserName")
    if user is not None:
        errors += [invalid(path.child("runAsUserName"), user, f"runAsUserName{text}")
                   for text in _windows_user_complaints(user)]
    return errors


_NET_BIOS: Final = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_DOMAIN_LABEL: Final = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN: Final = re.compile(rf"{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*")


def _windows_user_complaints(user: str) -> Iterator[str]:
    if not user:
        yield " cannot be an empty string"
    elif re.search(r"[\x00-\x1f\x7f]", user):
        yield " cannot contain control characters"
    elif user.count("\\") > 1:
        yield " cannot contain more than one backslash"
    else:
        domain, slash, name = user.rpartition("\\")
        if len(domain) >= 256:
            yield "'s Domain length must be under 256 characters"
        if slash and not _NET_BIOS.fullmatch(domain) and not _DOMAIN.fullmatch(domain):
            yield "'s Domain doesn't match the NetBios nor the DNS format"
        yield from _windows_name_complaints(name)


def _windows_name_complaints(name: str) -> Iterator[str]:
    if not name:
        yield "'s User cannot be empty"
    elif len(name) > 104:
        yield "'s User length must not be longer than 104 characters"
    if re.fullmatch(r"[. ]+", name):
        yield "'s User cannot contain only periods or spaces"
    if re.search(r'["/\\:;|=,+*?<>@\[\]]', name):
        yield "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"


def host_users_errors(spec: Object, path: Path) -> list[FieldError]:
    """User namespaces exclude the host's other namespaces."""
    if spec.get("hostUsers") is not False:
        return []
    names = {"hostNetwork": "hostNetwork", "hostPID": "HostPID", "hostIPC": "HostIPC"}
    return [forbidden(path.child(shown), "when `pod.Spec.HostUsers` is false")
            for name, shown in names.items() if spec.get(name)]


def containers_with_paths(spec: Object, path: Path) -> Iterator[tuple[Object, Path]]:
    """Every container and where it stands (VisitContainersWithPath)."""
    for name in ("initContainers", "containers", "ephemeralContainers"):
        for i, container in enumerate(spec.get(name) or ()):
            yield container, path.child(name).at(i)


def os_errors(spec: Object, path: Path) -> list[FieldError]:
    """What does not fit the operating system that a pod names."""
    system = spec.get("os")
    if system is None:
        return []
    name = system.get("name") or ""
    if not name:
        return [required(path.child("os").child("name"), "cannot be empty")]
    if name not in ("linux", "windows"):
        return [not_supported(path.child("os"), name, ["linux", "windows"])]
    return _linux_errors(spec, path) if name == "linux" else _windows_pod_errors(spec, path)


def _linux_errors(spec: Object, path: Path) -> list[FieldError]:
    holders = [(spec, path), *containers_with_paths(spec, path)]
    return [forbidden(own.child("securityContext").child("windowsOptions"), _NOT_LINUX)
            for holder, own in holders
            if (holder.get("securityContext") or {}).get("windowsOptions") is not None]


def _windows_pod_errors(spec: Object, path: Path) -> list[FieldError]:
    context = spec.get("securityContext") or {}
    errors = []
    for name in _WINDOWS_POD:
        own = name.removeprefix("^")
        holder, at = (spec, path) if own != name else (context, path.child("securityContext"))
        if holder.get(own) not in (None, False, []) or (own in ("hostUsers",
                "shareProcessNamespace") and holder.get(own) is False):
            errors.append(forbidden(at.child(own), _NOT_WINDOWS))
    for container, at in containers_with_paths(spec, path):
        inner = container.get("securityContext") or {}
        errors += [forbidden(at.child("securityContext").child(name), _NOT_WINDOWS)
                   for name in _WINDOWS_CONTAINER if inner.get(name) is not None]
    return errors


def host_process_errors(spec: Object, path: Path) -> list[FieldError]:
    """Windows host processes: all containers or none, and on the host's network."""
    pod = _host_process(spec)
    errors: list[FieldError] = []
    total = host = 0
    for container, own in containers_with_paths(spec, path):
        value = _host_process(container)
        total += 1
        if pod is not None and value is not None and pod != value:
            errors.append(invalid(
                own.child("securityContext", "windowsOptions", "hostProcess"), value, "pod "
                "hostProcess value must be identical if both are specified, was "
                f"{str(pod).lower()}"))
        host += bool(pod if value is None else value)
    if host and host != total:
        errors.append(invalid(path, "", "If pod contains any hostProcess containers then all "
                              "containers must be HostProcess containers"))
    if host and not spec.get("hostNetwork"):
        errors.append(invalid(path.child("hostNetwork"), False, "hostNetwork must be true if pod "
                              "contains any hostProcess containers"))
    return errors


def _host_process(holder: Object) -> bool | None:
    options = (holder.get("securityContext") or {}).get("windowsOptions") or {}
    value = options.get("hostProcess")
    return None if value is None else bool(value)
