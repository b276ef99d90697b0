"""What a fresh cluster holds before its user comes, as manifests beside this file.

`system.yaml`: what kube-apiserver itself creates at start (pkg/controlplane). `dns.yaml` and the
others: minikube's addons. The system's own Pods take the first Pod addresses, .2 to .5.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import yaml

SYSTEM: Final = ("system.yaml",)
"""Before the nodes come."""
ADDONS: Final = ("dns.yaml", "metrics-server.yaml", "storage-provisioner.yaml")
"""Once there are nodes for their Pods; in this order."""


@functools.cache
def documents(manifests: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """Every object of the manifests, in order; shared, so never to be mutated."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    here = Path(__file__).parent
    return tuple(document for name in manifests
                 for document in yaml.load_all((here / name).read_text("utf-8"), Loader=loader))
