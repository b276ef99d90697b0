"""Kubeconfig entries of a profile: written, merged and removed without touching anybody else's.

Our cluster and context carry the extension `minikube-sim`, so that entries of the same name that
somebody else made are recognised and left alone. Models client-go/tools/clientcmd and minikube's
pkg/minikube/kubeconfig.
"""

from __future__ import annotations

import base64
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import filelock
import yaml

from apiserver import files

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTENSION: Final = "minikube-sim"
_SECTIONS: Final = ("clusters", "contexts", "users")
_LOCK_SECONDS: Final = 5
_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"


class KubeconfigError(Exception):
    """The file cannot be read or written, or has an entry that is not ours. One line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a context of ours says."""

    name: str
    server: str
    ca_pem: bytes
    """Empty for plain http."""
    client_certificate_pem: bytes
    client_key_pem: bytes
    token: str
    namespace: str = "default"


class _Loader(yaml.SafeLoader):
    """Leaves dates as the texts they are: somebody's `expiry` must come back as it was."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def target(explicit: Path | None, own: Path) -> Path:
    """Where to write: --kubeconfig, else the first of $KUBECONFIG, else the profile's own file."""
    if explicit is not None:
        return explicit.expanduser().absolute()
    return next(iter(listed()), own)


def listed() -> list[Path]:
    """The files of $KUBECONFIG."""
    paths = os.environ.get("KUBECONFIG", "").split(os.pathsep)
    return [Path(path).expanduser().absolute() for path in paths if path]


def check(path: Path, name: str) -> None:
    """Whether an entry of that name could be merged. Raises KubeconfigError."""
    for each in dict.fromkeys((path, *(listed() if path in listed() else ()))):
        _refuse_foreign(each, _read(each), name)
    folder = _existing_parent(path)
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise KubeconfigError(f"cannot write kubeconfig {path}: Permission denied")


def merge(path: Path, entry: Entry) -> None:
    """Add or renew the entry and make it current. Raises KubeconfigError, changing nothing."""
    with _locked(path):
        _merge(path, entry)


def _merge(path: Path, entry: Entry) -> None:
    config = _read(path)
    _refuse_foreign(path, config, entry.name)
    current = config.get("current-context") or ""
    previous = _ours(config, entry.name).get("previous-context", current)
    if previous == entry.name:
        previous = ""
    ours = {"profile": entry.name, "previous-context": previous}
    mark = [{"name": _EXTENSION, "extension": ours}]
    _put(config, "clusters", entry.name, "cluster", _cluster(entry) | {"extensions": mark})
    _put(config, "contexts", entry.name, "context",
         {"cluster": entry.name, "user": entry.name, "namespace": entry.namespace,
          "extensions": mark})
    _put(config, "users", entry.name, "user", _user(entry))
    config["current-context"] = entry.name
    _write(path, config)


def server(path: Path, name: str) -> str:
    """Where our entry of that name leads; "" when there is none. Raises KubeconfigError."""
    config = _read(path)
    found = (e.get("cluster") for e in config.get("clusters") or [] if e["name"] == name)
    cluster = next(found, None) if _ours(config, name) else None
    return str(cluster.get("server", "")) if isinstance(cluster, dict) else ""


def remove(path: Path, name: str) -> bool:
    """Take our entries away and restore the context that was current; False if there are none."""
    if not path.exists():
        return False
    with _locked(path):
        return _remove(path, name)


def _remove(path: Path, name: str) -> bool:
    config = _read(path)
    ours = _ours(config, name)
    if not ours:
        return False
    for section in _SECTIONS:
        config[section] = [e for e in config.get(section) or [] if e.get("name") != name]
    if config.get("current-context") == name:
        known = [e.get("name") for e in config["contexts"]]
        previous = ours.get("previous-context", "")
        config["current-context"] = previous if previous in known else ""
    _write(path, config)
    return True


def _cluster(entry: Entry) -> dict[str, Any]:
    cluster: dict[str, Any] = {"server": entry.server}
    if entry.ca_pem:
        cluster["certificate-authority-data"] = base64.b64encode(entry.ca_pem).decode()
    return cluster


def _user(entry: Entry) -> dict[str, Any]:
    user: dict[str, Any] = {}
    if entry.client_certificate_pem:
        user["client-certificate-data"] = base64.b64encode(entry.client_certificate_pem).decode()
        user["client-key-data"] = base64.b64encode(entry.client_key_pem).decode()
    user["token"] = entry.token
    return user


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"cannot read kubeconfig {path}: {_reason(error)}") from error
    try:
        config = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise KubeconfigError(f"kubeconfig {path} is not YAML: {reason}") from error
    if config is None:
        config = {"apiVersion": "v1", "kind": "Config", "preferences": {}}
    if not isinstance(config, dict) or config.get("kind", "Config") != "Config":
        raise KubeconfigError(f"{path} is not a kubeconfig (kind: Config)")
    for section in _SECTIONS:
        if not _is_named_list(config.get(section) or []):
            raise KubeconfigError(
                f"{path} is not a kubeconfig: {section} must be a list of things with a name")
    return config


def _is_named_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(e, dict) and "name" in e for e in value)


def _refuse_foreign(path: Path, config: dict[str, Any], name: str) -> None:
    taken = any(e.get("name") == name for section in _SECTIONS
                for e in config.get(section) or [])
    if taken and not _ours(config, name):
        raise KubeconfigError(
            f"kubeconfig {path} already has an entry {name!r} that minikube-sim did not make; "
            "choose another profile name with -p or another --kubeconfig")


def _ours(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Our extension of the context of that name; empty when there is none or it is not ours."""
    for element in config.get("contexts") or []:
        if element.get("name") != name:
            continue
        context = element.get("context")
        extensions = context.get("extensions") if isinstance(context, dict) else None
        for extension in extensions or []:
            if extension.get("name") == _EXTENSION:
                return dict(extension.get("extension") or {})
    return {}


def _put(config: dict[str, Any], section: str, name: str, key: str, value: dict[str, Any]) -> None:
    elements = [e for e in config.get(section) or [] if e.get("name") != name]
    config[section] = [*elements, {"name": name, key: value}]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold FILE.lock, as kubectl does while it changes a kubeconfig. Raises KubeconfigError."""
    lock = Path(f"{os.path.realpath(path)}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with filelock.SoftFileLock(lock, timeout=_LOCK_SECONDS):
            yield
    except filelock.Timeout:
        raise KubeconfigError(f"kubeconfig {path} is locked; if nothing else is changing it, "
                              f"remove {lock}") from None
    except OSError as error:
        raise KubeconfigError(f"cannot write kubeconfig {path}: {_reason(error)}") from error


def _write(path: Path, config: dict[str, Any]) -> None:
    """Replace the file in one step (through a symbolic link too); a new one is its owner's only."""
    destination = Path(os.path.realpath(path))
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    mode = destination.stat().st_mode & 0o777 if destination.exists() else 0o600
    files.replace(destination, text.encode(), mode)


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
