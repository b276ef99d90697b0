"""The process behind a running profile: TLS, uvicorn, one Cluster on the real clock."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import filelock
import uvicorn

from apiserver.storage import StorageCorrupt, StorageFailed
from controllers.selection import UnknownController
from minikube_sim import kubeconfig, pki
from minikube_sim.clock import RealClock
from minikube_sim.profile import Profile, ProfileError, Running, ServerOptions
from minikube_sim.version import __version__

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from apiserver.audit_policy import Policy
    from apiserver.authentication.signing import SigningKey
    from minikube_sim.cluster import Cluster

log = logging.getLogger("minikube_sim")

_DEFAULT_PORT: Final = 8443
_BACKLOG: Final = 2048
"""Connections that may wait until they are taken (uvicorn's own default)."""
_GC_THRESHOLDS: Final = (100_000, 50, 100)
"""Stored objects live long and hold no cycles: searching them at the default pace took half of the
time of a create (900/s became 1,600/s on the same machine)."""
_CLOSE_SECONDS: Final = 1
"""How long requests under way may take once the server ends; watches are cut off then."""
_TOKEN_BYTES: Final = 24
_LOCK_SECONDS: Final = 2
"""How long others may look at the lock; who holds it longer is a server."""
_NO_SUCH_ADDRESS: Final = {errno.EADDRNOTAVAIL, getattr(errno, "WSAEADDRNOTAVAIL", None)}

Say = Callable[[dict[str, str]], None]


class ServerError(Exception):
    """The server cannot start; one line for people."""


def serve(profile: Profile, *, foreground: bool, ready: Callable[[], None] | None = None) -> int:
    """Serve a profile until SIGINT, SIGTERM or /sim/v1/shutdown; the process's exit code.

    `ready` is called when it answers.
    """
    tell = _say_ready if foreground else _say_json

    def say(message: dict[str, str]) -> None:
        if ready is not None and "url" in message:
            ready()
        tell(message)

    try:
        with profile.lock().acquire(timeout=_LOCK_SECONDS):
            _serve_locked(profile, say)
    except filelock.Timeout:
        return _refuse(say, f'the cluster "{profile.name}" is already running')
    except (ServerError, ProfileError, kubeconfig.KubeconfigError, UnknownController) as error:
        return _refuse(say, str(error))
    except Exception as error:  # a bug: the log has it, the person who waits gets one line
        log.exception("the server failed")
        return _refuse(say, f"the server failed: {type(error).__name__}: {error}; its log "
                            f"{profile.log} has more")
    return 0


def _serve_locked(profile: Profile, say: Say) -> None:
    clock = RealClock()
    profile.retire()  # what one that was killed has left
    options = profile.options()
    listener = bind(options)
    try:
        port = listener.getsockname()[1]
        token = options.token or secrets.token_urlsafe(_TOKEN_BYTES)
        options = options.model_copy(update={"last_port": port, "token": token})
        profile.save(options)
        url = f"{'http' if options.insecure_http else 'https'}://{_host(options.listen)}:{port}"
        tls = None if options.insecure_http else _certificates(profile, options, clock.now())
        running = Running(pid=os.getpid(), url=url, version=__version__, started=clock.now())
        _run(_Service(profile, options, running, say), listener, tls)
    finally:
        listener.close()
        profile.retire()


class _Service:
    """One run: the cluster, its applications, and what happens when it is ready."""

    def __init__(self, profile: Profile, options: ServerOptions, running: Running,
                 say: Say) -> None:
        self.profile = profile
        self.options = options
        self.running = running
        self.say = say

    async def main(self, server: uvicorn.Server, listener: socket.socket) -> None:
        """Start the cluster, serve it, and close it."""
        from minikube_sim.cluster import Cluster
        from minikube_sim.front import make_app

        database: Path | None = None
        if self.options.storage == "sqlite":
            database = self.profile.database
        try:
            cluster = Cluster(self.options.cluster, clock=RealClock(self.options.time_scale),
                              database=database, root_ca=self._pem("ca.crt"),
                              signing_ca=self._pem("ca.crt") + self._pem("ca.key"),
                              signing_key=self._signing_key())
        except StorageFailed as error:
            raise ServerError(_unusable(self.profile, error)) from error
        async with cluster.serving():
            app = make_app(cluster, self.options.token, self._shutdown(server),
                           insecure=self.options.insecure_http, audit=self._audit(),
                           policy=self._audit_policy())
            server.config.app = server.config.loaded_app = app
            _write_kubeconfig(self.profile, self.options, self.running.url)
            await server.startup(sockets=[listener])
            gc.freeze()
            gc.enable()
            self.profile.announce(self.running)
            self.say({"url": self.running.url, "nodes": _readiness(cluster)})
            log.info("serving %s at %s", self.profile.name, self.running.url)
            await server.main_loop()
            cluster.lifetime.end()
            await server.shutdown(sockets=[listener])

    def _pem(self, name: str) -> str:
        """A file of the profile's CA; '' for a server of plain http, which has none."""
        if self.options.insecure_http:
            return ""
        return (self.profile.directory / name).read_text()

    def _audit_policy(self) -> Policy:
        """What the audit log tells. Raises ServerError."""
        from apiserver.audit_policy import METADATA, PolicyError, read_policy

        path = self.options.audit_policy_file
        if path is None:
            return METADATA
        try:
            return read_policy(path.read_text())
        except OSError as error:
            raise ServerError(f"cannot read the audit policy {path}: {_reason(error)}") from error
        except (PolicyError, UnicodeDecodeError) as error:
            raise ServerError(f"cannot use the audit policy {path}: {error}") from error

    def _audit(self) -> Callable[[bytes], object] | None:
        """Appends a line to the audit log. Raises ServerError."""
        path = self.options.audit_log
        if path is None:
            return None
        try:
            return path.open("ab", buffering=0).write
        except OSError as error:
            raise ServerError(f"cannot write the audit log {path}: {_reason(error)}") from error

    def _signing_key(self) -> SigningKey:
        """The key of service accounts' tokens, which outlives the process. Raises ServerError."""
        from apiserver.authentication.signing import SigningKey

        try:
            return SigningKey.kept(self.profile.directory / "sa.key")
        except (OSError, ValueError) as error:
            raise ServerError(f"cannot use the key of service accounts: {error}; "
                              f"{self.profile.way_out}") from error

    @staticmethod
    def _shutdown(server: uvicorn.Server) -> Callable[[], None]:
        def stop() -> None:
            server.should_exit = True
        return stop


def _run(service: _Service, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    from minikube_sim.peer import PeerProtocol

    gc.set_threshold(*_GC_THRESHOLDS)
    config = uvicorn.Config(
        app="", http=PeerProtocol, log_config=None, access_log=False, lifespan="off",
        server_header=False, date_header=True, timeout_graceful_shutdown=_CLOSE_SECONDS,
        timeout_keep_alive=120, ws_max_size=16 << 20)
    config.load_app = lambda: _no_app  # type: ignore[method-assign]
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    async def main() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        await service.main(server, listener)

    runner = asyncio.Runner(loop_factory=config.get_loop_factory())
    with runner:
        runner.run(main())


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the application is set before the server listens")


def bind(options: ServerOptions) -> socket.socket:
    """A socket that listens, so that its port is nobody else's. Raises ServerError."""
    wanted = [options.port] if options.port else [options.last_port or _DEFAULT_PORT, 0]
    for port in wanted:
        try:
            return _listen(options.listen, port)
        except OSError as error:
            if port == wanted[-1]:
                raise ServerError(_why_not(options.listen, port, error)) from error
    raise AssertionError("unreachable")


def _why_not(address: str, port: int, error: OSError) -> str:
    """Which of the two flags is to blame."""
    if isinstance(error, (socket.gaierror, UnicodeError)) or error.errno in _NO_SUCH_ADDRESS:
        return f"--listen {address}: must be an address of this computer ({_reason(error)})"
    return f"cannot listen on {address} port {port}: {_reason(error)}; choose another with --port"


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol named, event loops set TCP_NODELAY: without it each answer waits for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        # Until one of them listens, several sockets with SO_REUSEADDR may hold the same port.
        listener.listen(_BACKLOG)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def _unusable(profile: Profile, error: StorageFailed) -> str:
    """What is wrong with the state, and what helps."""
    line = f"cannot use the state {profile.database}: {error}"
    return f"{line}; {profile.way_out}" if isinstance(error, StorageCorrupt) else line


def _readiness(cluster: Cluster) -> str:
    """What `start` may say of the nodes."""
    return "every node is Ready" if cluster.nodes.all_ready() else "not every node is Ready"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _host(listen: str) -> str:
    """The host that clients on this computer use for a listening address."""
    if listen in ("0.0.0.0", "::"):
        return "127.0.0.1" if listen == "0.0.0.0" else "[::1]"
    return f"[{listen}]" if ":" in listen else listen


def _certificates(profile: Profile, options: ServerOptions, now: float) -> ssl.SSLContext:
    """The profile's certificates, made where they are missing. Raises ServerError."""
    directory = profile.directory
    try:
        ca = _identity(directory, "ca", lambda: pki.make_ca(now))
        _identity(directory, "client", lambda: pki.make_client(
            ca, "minikube-user", ["system:masters"], now))
        server = pki.make_server(ca, _names(options), now)
        server.write(directory, "apiserver")
    except (OSError, ValueError) as error:
        raise ServerError(f"cannot use the certificates in {directory}: {error}; "
                          f"{profile.way_out}") from error
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH,
                                         cafile=str(directory / "ca.crt"))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(directory / "apiserver.crt", directory / "apiserver.key")
    return context


def _identity(directory: Path, name: str, make: Callable[[], pki.Identity]) -> pki.Identity:
    if (directory / f"{name}.key").exists():
        return pki.Identity.read(directory, name)
    identity = make()
    identity.write(directory, name)
    return identity


def _names(options: ServerOptions) -> list[str]:
    """What the API server is called, by clients on this computer and in the cluster."""
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc",
               "kubernetes.default.svc.cluster.local"]
    addresses = ["127.0.0.1", "::1", *options.cluster.service_ips(1),
                 *options.cluster.node_addresses()[0]]
    if options.listen not in ("0.0.0.0", "::"):
        addresses.append(options.listen)
    return ["localhost", socket.gethostname(), *service, *addresses]


def _write_kubeconfig(profile: Profile, options: ServerOptions, url: str) -> None:
    def read(name: str) -> bytes:
        return b"" if options.insecure_http else (profile.directory / name).read_bytes()

    entry = kubeconfig.Entry(
        name=profile.name, server=url, token=options.token, ca_pem=read("ca.crt"),
        client_certificate_pem=read("client.crt"), client_key_pem=read("client.key"))
    kubeconfig.merge(profile.kubeconfig, entry)
    if options.kubeconfig and options.kubeconfig != str(profile.kubeconfig):
        from pathlib import Path

        kubeconfig.merge(Path(options.kubeconfig), entry)


def _say_json(message: dict[str, str]) -> None:
    """Tell the waiting `minikube-sim start`, then let go of its pipe."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _say_ready(message: dict[str, str]) -> None:
    if "error" in message:
        print(f"minikube-sim: {message['error']}", file=sys.stderr, flush=True)
    else:
        print(f"ready: {message['url']}", flush=True)


def _refuse(say: Say, message: str) -> int:
    log.error("%s", message)
    say({"error": message})
    return 1
