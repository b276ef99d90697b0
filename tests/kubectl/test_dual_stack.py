"""A dual-stack cluster as `minikube-sim start` makes it and kubectl shows it."""

from __future__ import annotations

import httpx
import pytest

from tests.integration.families import V4_FIRST, V6

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]


def flags(options):
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in options.items())


def test_one_service_with_two_families(computer):
    computer.sim(f"start --port 0 {flags(V4_FIRST)}")
    assert computer.kubectl("get nodes -o jsonpath={.items[0].spec.podCIDRs}") == (
        '["172.17.0.0/16","fd00:10:244::/64"]')
    computer.kubectl("create deployment web --image=simpleapi:1.0")
    computer.kubectl("expose deployment web --type=NodePort --port=80 --target-port=5000")
    computer.kubectl('patch svc web -p {"spec":{"ipFamilyPolicy":"RequireDualStack"}}')
    computer.kubectl("wait --for=condition=Available deployment/web --timeout=20s")
    described = computer.kubectl("describe svc web")
    assert "IP Family Policy:         RequireDualStack\n" in described
    assert "IP Families:              IPv4,IPv6\n" in described
    assert "[fd00:10:244::6]:5000" in described
    v6 = computer.kubectl("get svc web -o jsonpath={.spec.clusterIPs[1]}")
    assert computer.ssh(f"curl -s http://[{v6}]/info") == '"Hello, Kubernetes!!!, version: 1.0"\n'
    slices = computer.kubectl("get endpointslices -l kubernetes.io/service-name=web --no-headers")
    assert sorted(line.split()[1:4] for line in slices.splitlines()) == [
        ["IPv4", "5000", "172.17.0.6"], ["IPv6", "5000", "fd00:10:244::6"]]
    assert "10.96.0.0/12,fd00:10:96::/108" in computer.kubectl("get servicecidrs")
    assert computer.sim("ip") == "10.211.55.120\n"
    computer.sim("stop")
    done = computer.run("minikube-sim", "start", "--port", "0", *flags(V6).split())
    assert done.returncode == 64
    assert done.stderr.startswith("minikube-sim: --")
    assert "which cannot change" in done.stderr


def test_a_cluster_of_ipv6_alone(computer):
    computer.sim(f"start --port 0 --storage memory {flags(V6)}")
    assert computer.sim("ip") == "fd00:211:55::120\n"
    computer.kubectl("create deployment web --image=simpleapi:1.0")
    computer.kubectl("expose deployment web --type=NodePort --port=80 --target-port=5000")
    computer.kubectl("wait --for=condition=Available deployment/web --timeout=20s")
    wide = computer.kubectl("get pods -l app=web -o wide --no-headers")
    assert wide.split()[5] == "fd00:10:244::6"
    url = computer.sim("service web --url").strip()
    assert "Hello" in httpx.get(f"{url}/info", trust_env=False).text
    assert computer.kubectl("exec deploy/web -- curl -s web/info").startswith('"Hello')
    proxied = "/api/v1/namespaces/default/services/web/proxy/info"
    assert "Hello" in computer.kubectl(f"get --raw {proxied}")
