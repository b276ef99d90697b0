"""`python -m minikube_sim.background PROFILE`: what `minikube-sim start` leaves in the background.

It says one JSON line on stdout when it is ready (`{"url": ...}`) or why not (`{"error": ...}`).
A module of its own, so that something comes before the imports.
"""

from __future__ import annotations

import gc
import logging
import sys


def main() -> None:
    """Serve the profile that the command line names, until it is stopped."""
    gc.disable()  # until the server answers: the imports take a seventh less so
    from minikube_sim.profile import Profile
    from minikube_sim.server import serve

    logging.basicConfig(level=logging.INFO, stream=sys.stderr,
                        format="%(asctime)s %(levelname).1s %(name)s: %(message)s")
    sys.exit(serve(Profile(sys.argv[1]), foreground=False))


if __name__ == "__main__":
    main()
