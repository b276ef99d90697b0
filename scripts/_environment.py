"""Makes the virtual environment that the scripts beside this file run in. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"


def prepare(extras: str) -> Path:
    """Install the project, editable, with these extras; the environment's folder of programs."""
    if sys.version_info < (3, 11):  # noqa: UP036 (whoever runs this may have an older one)
        sys.exit(f"minikube-sim needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    programs = FOLDER / ("Scripts" if os.name == "nt" else "bin")
    if not FOLDER.exists():
        print(f"* Making a virtual environment in {FOLDER}", flush=True)
        venv.create(FOLDER, with_pip=True)
    python = shutil.which("python", path=str(programs)) or sys.exit(f"{FOLDER} has no python")
    print("* Installing minikube-sim and what it needs", flush=True)
    target = f"{ROOT}[{extras}]" if extras else str(ROOT)
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--editable", target])
    return programs


def run(command: list[str]) -> None:
    """Run a command in the project's folder; its failure is ours."""
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def program(programs: Path, name: str) -> str:
    """The path of a program of the environment."""
    return shutil.which(name, path=str(programs)) or sys.exit(f"{name} is missing in {programs}")
