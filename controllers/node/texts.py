"""Event texts that kubelets of different versions say differently."""

from __future__ import annotations


def minor_of(version: str) -> int:
    """37 of `v1.37.0`."""
    return int(version.split(".")[1])


def created(minor: int, container: str) -> str:
    """The message of the event Created."""
    if minor >= 35:
        return "Container created"
    return f"Created container: {container}" if minor >= 32 else f"Created container {container}"


def started(minor: int, container: str) -> str:
    """The message of the event Started."""
    return "Container started" if minor >= 35 else f"Started container {container}"


def present(minor: int, image: str) -> str:
    """The message of the event Pulled where nothing had to be pulled."""
    text = f'Container image "{image}" already present on machine'
    return f"{text} and can be accessed by the pod" if minor >= 35 else text
