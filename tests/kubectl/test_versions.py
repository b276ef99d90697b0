"""One day's work with every kubectl that is found on this computer, from 1.27 on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import running
from tests.kubectl.conftest import Computer, kubectls

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
_NAME = re.compile(r"kubectl\.1\.\d+")
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {sails: {type: integer, description: How many.}}}
"""


def versions():
    """Programs named kubectl.1.N beside the one on PATH, which serve clusters of their version."""
    found = shutil.which("kubectl")
    folder = Path(found).resolve().parent if found else Path("/nonexistent")
    beside = sorted(path for path in folder.glob("kubectl.1.*") if _NAME.fullmatch(path.name))
    return [*map(str, beside), *kubectls()]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("computer")) as made:
        yield made


@pytest.fixture(params=versions() or [None], ids=lambda path: Path(path).name if path else "none")
def kubectl(request, server, tmp_path):
    """A function that runs one kubectl in a namespace of its own."""
    if request.param is None:
        pytest.skip("there is no kubectl")
    computer = Computer(tmp_path, request.param)
    computer.environment["KUBECONFIG"] = str(server.kubeconfig)
    namespace = f"n{abs(hash(request.param)) % 10**8}"
    computer.kubectl(f"create namespace {namespace}")
    yield lambda line, stdin="": computer.kubectl(f"-n {namespace} {line}", stdin)
    computer.kubectl(f"delete namespace {namespace} --wait=false")


def test_a_day_s_work(kubectl):
    kubectl("create configmap c --from-literal=k=v")
    kubectl("create deployment web --image=nginx:1.27 --port=80")
    kubectl("rollout status deployment/web --timeout=60s")
    kubectl("expose deployment web --port=80")
    assert kubectl("exec deploy/web -- echo hello") == "hello\n"
    assert "Successfully assigned" in kubectl("describe pods")
    kubectl("scale deployment/web --replicas=0")
    kubectl('patch configmap c -p {"data":{"k":"w"}}')
    assert kubectl("get configmap c -o jsonpath={.data.k}") == "w"
    assert "Possible enum values" in kubectl("explain pod.spec.restartPolicy")
    assert "v1.37.0" in kubectl("version")


def test_kinds_of_one_s_own(kubectl):
    kubectl("apply --server-side -f -", CRD)
    kubectl("wait --for=condition=Established crd/boats.example.com --timeout=20s")
    boat = "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: a}\nspec: {sails: 2}\n"
    kubectl("apply -f -", boat)
    kubectl("apply -f -", boat.replace("2", "3"))
    assert kubectl("get boat a -o jsonpath={.spec.sails}") == "3"
    assert "How many." in kubectl("explain boats.spec.sails")
