"""A real kernel, where there is one to ask: commands in a network namespace of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache

import pytest


@cache
def _why_not(tools: tuple[str, ...]) -> str:
    """Why the kernel cannot be asked; '' if it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root"
    missing = [tool for tool in ("unshare", *tools) if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    tried = [run(f"{tool} --version") for tool in tools]
    return next((t.stderr.strip() or "no namespaces" for t in tried if t.returncode), "")


def require(*tools: str) -> None:
    """Skip the test unless these tools work in a network namespace of their own."""
    reason = _why_not(tools)
    if reason:
        pytest.skip(reason)


def run(script: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a shell script in a fresh network namespace, with `text` as its input."""
    return subprocess.run(
        ["unshare", "-n", "sh", "-c", script],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(script: str, text: str = "") -> str:
    """The same; what it prints. Fails the test when the script fails."""
    done = run(script, text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sorted_elements(text: str) -> list[str]:
    """The lines of a listing; elements of sets, which the kernel hashes, one a line and sorted."""
    lines: list[str] = []
    for block in re.split(r"(elements = \{[^}]*\})", text):
        if block.startswith("elements = {"):
            inside = block[len("elements = {") : -1].split(",")
            lines += sorted("element " + " ".join(one.split()) for one in inside)
        else:
            lines += block.splitlines()
    return lines
