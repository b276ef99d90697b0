"""Kubeconfig entries of a profile: written, merged and removed without touching anybody else's.

Our cluster and context carry the extension `minikube-sim`, so that entries of the same name that
somebody else made are recognised and left alone. Models client-go/tools/clientcmd and minikube's
pkg/minikube/kubeconfig.
"""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_EXTENSION: Final = "minikube-sim"


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


def target(explicit: Path | None, own: Path) -> Path:
    """Where to write: --kubeconfig, else the first of $KUBECONFIG, else the profile's own file."""
    if explicit is not None:
        return explicit.expanduser().absolute()
    listed = [p for p in os.environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    return Path(listed[0]).expanduser().absolute() if listed else own


def check(path: Path, name: str) -> None:
    """Whether an entry of that name could be merged. Raises KubeconfigError."""
    config = _read(path)
    _refuse_foreign(path, config, name)
    folder = _existing_parent(path)
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise KubeconfigError(f"cannot write kubeconfig {path}: Permission denied")


def merge(path: Path, entry: Entry) -> None:
    """Add or renew the entry and make it current. Raises KubeconfigError, changing nothing."""
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


def remove(path: Path, name: str) -> bool:
    """Take our entries away and restore the context that was current; False if there are none."""
    if not path.exists():
        return False
    config = _read(path)
    ours = _ours(config, name)
    if not ours:
        return False
    for section in ("clusters", "contexts", "users"):
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
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise KubeconfigError(f"kubeconfig {path} is not YAML: {reason}") from error
    if config is None:
        config = {"apiVersion": "v1", "kind": "Config", "preferences": {}}
    if not isinstance(config, dict) or config.get("kind", "Config") != "Config":
        raise KubeconfigError(f"{path} is not a kubeconfig (kind: Config)")
    return config


def _refuse_foreign(path: Path, config: dict[str, Any], name: str) -> None:
    taken = any(e.get("name") == name for section in ("clusters", "contexts", "users")
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
        for extension in (element.get("context") or {}).get("extensions") or []:
            if extension.get("name") == _EXTENSION:
                return dict(extension.get("extension") or {})
    return {}


def _put(config: dict[str, Any], section: str, name: str, key: str, value: dict[str, Any]) -> None:
    elements = [e for e in config.get(section) or [] if e.get("name") != name]
    config[section] = [*elements, {"name": name, key: value}]


def _write(path: Path, config: dict[str, Any]) -> None:
    """Replace the file in one step (through a symbolic link too), readable by its owner only."""
    destination = Path(os.path.realpath(path))
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=destination.parent, prefix=".kubeconfig-")
    except OSError as error:
        raise KubeconfigError(f"cannot write kubeconfig {path}: {_reason(error)}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file, sort_keys=False, allow_unicode=True)
        os.replace(temporary, destination)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise KubeconfigError(f"cannot write kubeconfig {path}: {_reason(error)}") from error


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
