"""What a fresh cluster holds before its user comes, as manifests beside this file.

`system.yaml`: what kube-apiserver itself creates at start (pkg/controlplane). `dns.yaml` and the
others: minikube's addons. The system's own Pods take the first Pod addresses, .2 to .5.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import yaml

MANIFESTS: Final = ("system.yaml", "dns.yaml", "metrics-server.yaml", "storage-provisioner.yaml")
"""In the order in which they are created."""


@functools.cache
def documents() -> tuple[dict[str, Any], ...]:
    """Every object of every manifest, in order; shared, so never to be mutated."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    here = Path(__file__).parent
    return tuple(document for name in MANIFESTS
                 for document in yaml.load_all((here / name).read_text("utf-8"), Loader=loader))
