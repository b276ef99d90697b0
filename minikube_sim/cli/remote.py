"""Talking to a running server's own API (/sim/v1), with the profile's credentials.

httpx is imported where it is needed: `start` does not need it, and it is a tenth of its imports.
"""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

from minikube_sim.cli.console import fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from minikube_sim.profile import Profile, Running


class Remote:
    """A running cluster, seen from the command line."""

    def __init__(self, profile: Profile, running: Running) -> None:
        import httpx

        self._url = running.url
        verify: ssl.SSLContext | bool = True
        if running.url.startswith("https"):
            verify = ssl.create_default_context(cafile=str(profile.directory / "ca.crt"))
        self._client = httpx.Client(
            base_url=running.url, verify=verify, timeout=600, trust_env=False,
            headers={"Authorization": f"Bearer {profile.options().token}"})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to /sim/v1 + path: the JSON that comes back. Ends the command on failure."""
        import httpx

        try:
            answer = self._client.request(method, f"/sim/v1{path}", json=body)
        except httpx.HTTPError as error:
            fail(f"the server at {self._url} does not answer: {error}")
        if answer.is_success:
            return answer.json()
        fail(_message(answer))


    def lines(self, path: str, body: Any) -> Iterator[dict[str, Any]]:
        """A POST whose answer comes in JSON lines, as they come. Ends the command on failure."""
        import httpx

        try:
            with self._client.stream("POST", f"/sim/v1{path}", json=body,
                                     timeout=httpx.Timeout(600, read=None)) as answer:
                if not answer.is_success:
                    answer.read()
                    fail(_message(answer))
                for line in answer.iter_lines():
                    yield json.loads(line)
        except httpx.HTTPError as error:
            fail(f"the server at {self._url} does not answer: {error}")


def _message(answer: httpx.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return f"the server answered {answer.status_code}"
    return str(content.get("detail") or content.get("message") or content)
