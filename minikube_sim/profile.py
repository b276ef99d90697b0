"""A profile: one named cluster on this computer, its folder, and whether its server runs.

Models minikube's profiles (~/.minikube/profiles/NAME). A running server holds an operating-system
lock on `server.lock`, so a stale pid can never be taken for a live server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import filelock
import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from minikube_sim.config import ClusterOptions

DEFAULT: Final = "minikube-sim"
_NAME: Final = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?")


class ProfileError(Exception):
    """A profile that cannot be used; one line for people."""


class ServerOptions(BaseModel):
    """How the cluster is served; kept in the profile's config.json beside the cluster's options."""

    model_config = ConfigDict(extra="forbid")

    cluster: ClusterOptions = ClusterOptions()
    storage: Literal["memory", "sqlite"] = "sqlite"
    listen: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0: the one of last time, else 8443, else any free one."""
    last_port: int = 0
    token: str = ""
    """The user's bearer token; made at the first start when not given."""
    insecure_http: bool = False
    time_scale: Annotated[float, Field(gt=0, le=100_000)] = 1.0
    audit_log: Path | None = None
    """Where audit events go; None: nowhere."""
    kubeconfig: str = ""
    """Where the context was written last."""


class Running(BaseModel):
    """What a running server has written about itself (server.json)."""

    pid: int
    url: str
    version: str
    started: float
    """Real seconds since 1970."""


def home() -> Path:
    """$MINIKUBE_SIM_HOME, else the platform's folder for user data."""
    configured = os.environ.get("MINIKUBE_SIM_HOME")
    if configured:
        return Path(configured).expanduser()
    return platformdirs.user_data_path("minikube-sim")


def profiles() -> list[Profile]:
    """All profiles that exist, by name."""
    root = home() / "profiles"
    return [Profile(p.name) for p in sorted(root.iterdir()) if p.is_dir()] if root.is_dir() else []


class Profile:
    """The folder of one profile and what is in it."""

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ProfileError(
                f"profile name {name!r} is not valid: use letters, digits, '-', '_' and '.', "
                "beginning and ending with a letter or digit, 63 at most")
        self.name = name
        self.directory = home() / "profiles" / name

    @property
    def exists(self) -> bool:
        """It was started at least once and not deleted."""
        return (self.directory / "config.json").exists()

    @property
    def kubeconfig(self) -> Path:
        """The profile's own kubeconfig; always written, also when a context is merged elsewhere."""
        return self.directory / "kubeconfig"

    @property
    def database(self) -> Path:
        """The SQLite file of --storage sqlite."""
        return self.directory / "state.db"

    @property
    def log(self) -> Path:
        """What the server logged."""
        return self.directory / "server.log"

    @property
    def environment(self) -> str:
        """How a shell says which kubeconfig this is."""
        return f"export KUBECONFIG={self.kubeconfig}"

    def make(self) -> None:
        """Make the folder. Raises ProfileError."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ProfileError(f"cannot make {self.directory}: {error.strerror}") from error

    def options(self) -> ServerOptions:
        """The saved options; defaults for a new profile. Raises ProfileError."""
        path = self.directory / "config.json"
        try:
            return ServerOptions.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return ServerOptions()
        except (OSError, ValidationError) as error:
            raise ProfileError(
                f"cannot read {path}: {str(error).splitlines()[0]} "
                f"(minikube-sim delete -p {self.name} makes a fresh start)") from error

    def save(self, options: ServerOptions) -> None:
        """Write the options. Raises ProfileError."""
        self._write("config.json", options.model_dump_json(indent=2))

    def announce(self, running: Running) -> None:
        """Write what a starting server says about itself. Raises ProfileError."""
        self._write("server.json", running.model_dump_json())

    def retire(self) -> None:
        """Forget a server that has ended."""
        (self.directory / "server.json").unlink(missing_ok=True)

    def lock(self) -> filelock.BaseFileLock:
        """The lock that a server holds while it runs."""
        return filelock.FileLock(self.directory / "server.lock", mode=0o600)

    def running(self) -> Running | None:
        """The live server, or None; what a dead one left behind does not count."""
        if not self.directory.exists():
            return None
        try:
            with self.lock().acquire(blocking=False):
                return None
        except filelock.Timeout:
            return self._announced()

    def remove(self) -> None:
        """Delete the folder and all state."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _announced(self) -> Running | None:
        try:
            return Running.model_validate_json((self.directory / "server.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def _write(self, name: str, text: str) -> None:
        temporary = self.directory / f".{name}.{os.getpid()}"
        try:
            temporary.touch(mode=0o600)
            temporary.write_text(text, "utf-8")
            temporary.replace(self.directory / name)
        except OSError as error:
            raise ProfileError(f"cannot write {self.directory / name}: {error.strerror}") from error


def summary(profile: Profile) -> dict[str, Any]:
    """One row for `profile list`: name, state, url, nodes, version."""
    running = profile.running()
    options = profile.options()
    return {
        "name": profile.name,
        "status": "Running" if running else "Stopped",
        "url": running.url if running else "",
        "nodes": options.cluster.nodes,
        "kubernetesVersion": options.cluster.kubernetes_version,
        "config": json.loads(options.model_dump_json(exclude={"token"})),
    }
