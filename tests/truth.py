"""Where the recordings of the real programs are: $MINIKUBE_SIM_TRUTH, else ../shared/truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

TRUTH: Final = Path(os.environ.get("MINIKUBE_SIM_TRUTH")
                    or Path(__file__).resolve().parents[2] / "shared" / "truth")
NETFILTER: Final = TRUTH / "netfilter"
needs_truth: Final = pytest.mark.skipif(not TRUTH.is_dir(), reason=f"there is no {TRUTH}")
