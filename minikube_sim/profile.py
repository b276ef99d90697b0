"""A profile: one named cluster on this computer, its folder, and whether its server runs.

Models minikube's profiles (~/.minikube/profiles/NAME). A running server holds an operating-system
lock on `server.lock`, so a stale pid can never be taken for a live server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import filelock
import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from apiserver import files
from minikube_sim.complaints import explain
from minikube_sim.config import ClusterOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT: Final = "minikube-sim"
_CHANGE_SECONDS: Final = 60
"""How long start, stop or delete wait for another one of the same profile."""
_ANNOUNCE_SECONDS: Final = 10
"""How long a server whose `start` was killed may take until it says where it is."""
_PROBE_SECONDS: Final = 0.02
"""How long another's look at the lock may take."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What an HTTP header can carry as a bearer token (RFC 6750)."""
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
    audit_policy_file: Path | None = None
    """What is written of which request; None: the metadata of all."""
    kubeconfig: str = ""
    """Where the context was written last."""
    kubeconfigs: tuple[str, ...] = ()
    """Everywhere it was written, for `delete`."""

    @field_validator("listen")
    @classmethod
    def _one_address(cls, text: str) -> str:
        if not text or len(text.split()) != 1:
            raise ValueError("must be an address of this computer, such as 127.0.0.1 or 0.0.0.0")
        return text

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, text: str) -> str:
        if text and not _TOKEN.fullmatch(text):
            raise ValueError("must be of letters, digits and - . _ ~ + /, with = only at its end")
        return text


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
    found = sorted(root.iterdir()) if root.is_dir() else []
    return [Profile(p.name) for p in found if p.is_dir() and _NAME.fullmatch(p.name)]


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
            raise ProfileError(f"cannot read {path}: {_reason(error)}; {self.way_out}") from error

    @property
    def way_out(self) -> str:
        """What helps when the files of the profile are broken."""
        return f"minikube-sim delete -p {self.name} makes a fresh start"

    def save(self, options: ServerOptions) -> None:
        """Write the options. Raises ProfileError."""
        self._write("config.json", options.model_dump_json(indent=2).encode())

    @contextmanager
    def trying(self, options: ServerOptions) -> Iterator[None]:
        """Save options for a start; one that fails leaves those of before. Raises ProfileError."""
        path = self.directory / "config.json"
        before = path.read_bytes() if path.exists() else None
        try:
            self.save(options)
            yield
        except BaseException:
            if before is None:
                path.unlink(missing_ok=True)
            else:
                self._write(path.name, before)
            raise

    def announce(self, running: Running) -> None:
        """Write what a starting server says about itself. Raises ProfileError."""
        self._write("server.json", running.model_dump_json().encode())

    def retire(self) -> None:
        """Forget a server that has ended."""
        (self.directory / "server.json").unlink(missing_ok=True)

    def lock(self) -> filelock.BaseFileLock:
        """The lock that a server holds while it runs."""
        return filelock.FileLock(self.directory / "server.lock", mode=0o600)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While it is started, stopped or deleted: one at a time. Raises ProfileError."""
        path = self.directory.with_name(f".{self.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = filelock.FileLock(path, mode=0o600)
            lock.acquire(timeout=_CHANGE_SECONDS)
        except filelock.Timeout:
            raise ProfileError(
                f"another start, stop or delete of {self.name!r} does not end") from None
        except OSError as error:
            raise ProfileError(f"cannot write {path}: {_reason(error)}") from error
        try:
            yield
        finally:
            lock.release()

    def running(self) -> Running | None:
        """The live server, or None; what a dead one left behind does not count.

        Raises ProfileError.
        """
        if not self.directory.exists() or self._unlocked():
            return None
        for _ in range(int(_ANNOUNCE_SECONDS / _PROBE_SECONDS)):
            if self._unlocked(_PROBE_SECONDS):
                return None
            if announced := self._announced():
                return announced
        raise ProfileError(f"the server of {self.name!r} is starting and does not answer yet")

    def remove(self) -> None:
        """Delete the folder and all state. Raises ProfileError."""
        try:
            shutil.rmtree(self.directory)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ProfileError(f"cannot delete {self.directory}: {_reason(error)}") from error

    def _unlocked(self, patience: float = 0) -> bool:
        """Whether nobody holds the server's lock; a look at it takes a moment itself."""
        try:
            with self.lock().acquire(timeout=patience, poll_interval=_PROBE_SECONDS / 4):
                return True
        except filelock.Timeout:
            return False
        except OSError as error:
            raise ProfileError(f"cannot use {self.directory}: {_reason(error)}") from error

    def _announced(self) -> Running | None:
        try:
            return Running.model_validate_json((self.directory / "server.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def _write(self, name: str, content: bytes) -> None:
        try:
            files.replace(self.directory / name, content)
        except OSError as error:
            raise ProfileError(f"cannot write {self.directory / name}: {_reason(error)}") from error


def _reason(error: OSError | ValidationError) -> str:
    """One line: what the system says, or which value is wrong."""
    if isinstance(error, ValidationError):
        return explain(error, ServerOptions, ClusterOptions)
    return error.strerror or str(error)


def summary(profile: Profile) -> dict[str, Any]:
    """One row for `profile list`: name, state, url, nodes, version; what is wrong when it is."""
    row: dict[str, Any] = {"name": profile.name, "status": "Broken", "url": "", "nodes": 0,
                           "kubernetesVersion": "", "config": {}}
    try:
        running, options = profile.running(), profile.options()
    except ProfileError as error:
        return row | {"problem": str(error)}
    return row | {
        "status": "Running" if running else "Stopped",
        "url": running.url if running else "",
        "nodes": options.cluster.nodes,
        "kubernetesVersion": options.cluster.kubernetes_version,
        "config": json.loads(options.model_dump_json(exclude={"token"})),
    }
