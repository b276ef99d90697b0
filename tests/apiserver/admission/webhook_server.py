"""A webhook for tests: a real HTTPS server in a thread, whose answers a function makes."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from apiserver.machinery.types import Object

Answer = "Callable[[Object], Object]"


class WebhookServer:
    """What it was asked, and what it answers."""

    def __init__(self, answer: Callable[[Object], Object]) -> None:
        self.answer = answer
        self.asked: list[Object] = []
        self.status = 200
        self.url = ""
        self.bundle = ""

    def respond(self, body: bytes) -> bytes:
        """The AdmissionReview that answers one."""
        review = json.loads(body)
        self.asked.append(review["request"])
        response = {"uid": review["request"]["uid"], "allowed": True,
                    **self.answer(review["request"])}
        return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                           "response": response}).encode()

    def configuration(self, kind: str, name: str = "hooks.example.com",
                      **fields: Any) -> Object:
        """A configuration with one webhook that asks this server about ConfigMaps."""
        hook = {"name": name, "clientConfig": {"url": self.url, "caBundle": self.bundle},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"],
                           "resources": ["configmaps"]}],
                "sideEffects": "None", "admissionReviewVersions": ["v1"], **fields}
        return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                "metadata": {"name": name}, "webhooks": [hook]}


def patch(*operations: Object) -> Object:
    """A response with a JSON patch."""
    return {"patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(operations).encode()).decode()}


@contextmanager
def serving(answer: Callable[[Object], Object], folder: Path) -> Iterator[WebhookServer]:
    """Run a webhook on a free port."""
    hook = WebhookServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(hook.status)
            self.end_headers()
            self.wfile.write(hook.respond(body))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    certificate, key = _certificate(folder)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        hook.url = f"https://127.0.0.1:{server.server_port}/check"
        hook.bundle = base64.b64encode(certificate.read_bytes()).decode()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "webhook")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(2100, 1, 1)).add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256()))
    paths = folder / "webhook.crt", folder / "webhook.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return paths
