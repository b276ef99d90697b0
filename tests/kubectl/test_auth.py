"""Who one is and what one may, asked by a real kubectl."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: joe}]
"""


def with_token(cluster, token, line):
    """kubectl as nobody but the owner of a token."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    own = cluster.folder / "token.kubeconfig"
    own.write_text(yaml.safe_dump(config))
    return cluster.run("kubectl", "--kubeconfig", str(own), *line.split())


def test_whoami(cluster):
    assert json.loads(cluster.kubectl("auth whoami -o json"))["status"]["userInfo"] == {
        "username": "minikube-user", "groups": ["system:masters", "system:authenticated"]}
    jane = cluster.kubectl("auth whoami --as=jane --as-group=devs -o json")
    assert json.loads(jane)["status"]["userInfo"] == {
        "username": "jane", "groups": ["devs", "system:authenticated"]}


def test_can_i(cluster):
    assert cluster.kubectl("auth can-i create pods") == "yes\n"
    done = cluster.run("kubectl", "auth", "can-i", "create", "pods", "--as=jane")
    assert (done.returncode, done.stdout) == (1, "no\n")
    rows = cluster.kubectl("auth can-i --list --as=jane").splitlines()
    assert [row.split() for row in rows[1:4]] == [
        ["selfsubjectreviews.authentication.k8s.io", "[]", "[]", "[create]"],
        ["selfsubjectaccessreviews.authorization.k8s.io", "[]", "[]", "[create]"],
        ["selfsubjectrulesreviews.authorization.k8s.io", "[]", "[]", "[create]"]]


def test_a_refusal_reads_as_the_real_one(cluster):
    done = cluster.run("kubectl", "get", "pods", "--as=jane")
    assert done.stderr == (
        'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods"'
        ' in API group "" in the namespace "default"\n')


def test_reconciled_roles_grant(cluster):
    out = cluster.out("kubectl", "auth", "reconcile", "-f", "-", stdin=ROLE)
    assert "role.rbac.authorization.k8s.io/reader reconciled" in out
    assert cluster.kubectl("auth can-i list pods --as=joe") == "yes\n"
    again = cluster.out("kubectl", "auth", "reconcile", "-f", "-", stdin=ROLE)
    assert "reconciliation required" not in again
    cluster.kubectl("delete rolebinding reader")
    assert cluster.run("kubectl", "get", "pods", "--as=joe").returncode == 1


def test_a_token_of_a_service_account(cluster):
    cluster.kubectl("create serviceaccount robot")
    token = cluster.kubectl("create token robot --duration=10m").strip()
    who = json.loads(with_token(cluster, token, "auth whoami -o json").stdout)
    assert who["status"]["userInfo"]["username"] == "system:serviceaccount:default:robot"
    assert "cannot list resource" in with_token(cluster, token, "get pods").stderr
    cluster.kubectl("create rolebinding robot --clusterrole=view --serviceaccount=default:robot")
    assert with_token(cluster, token, "get pods").returncode == 0
    assert with_token(cluster, token, "get secrets").returncode == 1
    cluster.kubectl("delete serviceaccount robot")
    assert "Unauthorized" in with_token(cluster, token, "get pods").stderr


def test_only_administrators_command_the_simulation(cluster):
    server = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    cluster.kubectl("create serviceaccount guest")
    token = cluster.kubectl("create token guest").strip()
    answer = httpx.post(f"{server}/sim/v1/shutdown", headers={"Authorization": f"Bearer {token}"},
                        verify=False, trust_env=False)
    assert answer.status_code == 403
    assert cluster.kubectl("get nodes -o name") == "node/minikube\n"


def test_secrets_hold_tokens_as_of_old(cluster):
    cluster.out("kubectl", "create", "-f", "-", stdin=json.dumps({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "old", "annotations": {
            "kubernetes.io/service-account.name": "default"}}}))
    cluster.kubectl("wait --for=jsonpath={.data.token} secret/old --timeout=10s")
    data = json.loads(cluster.kubectl("get secret old -o json"))["data"]
    token = base64.b64decode(data["token"]).decode()
    assert "system:serviceaccount:default:default" in with_token(cluster, token,
                                                                 "auth whoami").stdout


def test_a_wrong_token_is_nobody(cluster):
    done = with_token(cluster, "wrong", "get pods")
    assert done.returncode == 1
    assert "Unauthorized" in done.stderr


def test_pods_know_their_account(cluster):
    cluster.kubectl("run client --image=busybox --restart=Never -- sleep 1000")
    cluster.kubectl("wait --for=condition=Ready pod/client --timeout=20s")
    pod = json.loads(cluster.kubectl("get pod client -o json"))
    (mount,) = pod["spec"]["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    (volume,) = pod["spec"]["volumes"]
    assert {next(iter(source)) for source in volume["projected"]["sources"]} == {
        "serviceAccountToken", "configMap", "downwardAPI"}


def test_roles_are_described(cluster):
    out = cluster.kubectl("describe clusterrole view")
    assert "pods/log" in out
    assert "secrets" not in out


def test_an_audit_log_tells_who_did_what(computer):
    log = computer.folder / "audit.log"
    computer.sim(f"start --storage memory --audit-log {log}")
    computer.kubectl("create configmap seen --from-literal=a=b --as=minikube-user"
                     " --as-group=system:masters")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (made,) = [event for event in events if event["verb"] == "create"
               and event["stage"] == "ResponseComplete"]
    assert made["objectRef"]["name"] == "seen"
    assert made["user"]["username"] == "minikube-user"
    assert made["impersonatedUser"]["groups"] == ["system:masters", "system:authenticated"]


def test_an_audit_log_that_cannot_be_written_is_one_line(computer):
    done = computer.run("minikube-sim", "start", "--audit-log", str(computer.folder))
    assert done.returncode == 1
    assert f"cannot write the audit log {computer.folder}: Is a directory" in done.stderr


def test_the_key_of_tokens_outlives_the_server(computer):
    computer.sim("start")
    token = computer.kubectl("create token default").strip()
    computer.sim("stop")
    computer.sim("start")
    assert with_token(computer, token, "auth whoami").returncode == 0


def test_a_client_certificate_is_requested_approved_and_used(cluster):
    key, request = signing_request("joe", "readers")
    encoded = base64.b64encode(request).decode()
    cluster.kubectl("apply -f -", stdin=ROLE)
    cluster.kubectl("apply -f -", stdin=json.dumps({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": "joe"}, "spec": {
            "request": encoded, "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"], "expirationSeconds": 86400}}))
    assert "approved" in cluster.kubectl("certificate approve joe")
    cluster.kubectl("wait csr/joe --timeout=10s --for=condition=Approved")
    assert cluster.kubectl("get csr joe --no-headers").split()[-1] == "Approved,Issued"
    signed = json.loads(cluster.kubectl("get csr joe -o json"))["status"]["certificate"]
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"client-certificate-data": signed,
                                  "client-key-data": base64.b64encode(key).decode()}
    own = cluster.folder / "joe.kubeconfig"
    own.write_text(yaml.safe_dump(config))
    assert cluster.run("kubectl", "--kubeconfig", str(own), "get", "pods").returncode == 0
    refused = cluster.run("kubectl", "--kubeconfig", str(own), "get", "secrets")
    assert 'User "joe" cannot list resource "secrets"' in refused.stderr


def signing_request(name, group):
    """A key and a request for a certificate, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, group),
                         x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(
        key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()), request.public_bytes(pem)
