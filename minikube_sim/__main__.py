"""The program: `minikube-sim`, or `python -m minikube_sim`."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script. What it needs is imported here, so that ^C is no traceback even then."""
    try:
        from minikube_sim.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
