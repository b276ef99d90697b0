"""Further ServiceCIDRs: Services get their addresses, and hold them back from deletion."""

from __future__ import annotations

import pytest

from apiserver.machinery.errors import ApiError, Invalid, NotFound
from apiserver.machinery.gvk import SERVICES
from controllers.drive import drive
from minikube_sim import Cluster
from tests.integration.families import V4_FIRST

TINY = {**V4_FIRST, "service_cluster_ip_range": "10.96.0.0/28,fd00:10:96::/124"}
BLOCKED = ("There are still IPAddresses referencing the ServiceCIDR, please remove them or create "
           "a new ServiceCIDR")


def cidr(name, *cidrs):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
            "metadata": {"name": name}, "spec": {"cidrs": list(cidrs)}}


def create(cluster, name, **spec):
    wanted = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
              "spec": {"ports": [{"port": 80}], **spec}}
    return drive(cluster.client.create(SERVICES, wanted, "default"))["spec"]["clusterIPs"]


def fill(cluster):
    """Create Services until there are no addresses left."""
    for family in ("IPv4", "IPv6"):
        with pytest.raises(ApiError, match="range is full"):
            fill_family(cluster, family)


def fill_family(cluster, family):
    for number in range(16):
        create(cluster, f"{family.lower()}-{number}", ipFamilies=[family])


def ready(cluster, name):
    (condition,) = cluster.get("servicecidr", name)["status"]["conditions"]
    return condition["status"], condition.get("reason"), condition["message"]


@pytest.mark.cluster(**TINY)
def test_services_get_addresses_of_a_further_range_when_the_first_is_full(cluster):
    fill(cluster)
    cluster.apply(cidr("more", "10.97.0.0/24", "fd00:10:97::/112"))
    assert ready(cluster, "more") == ("True", "", "Kubernetes Service CIDR is ready")
    assert cluster.get("servicecidr", "more")["metadata"]["finalizers"] == [
        "networking.k8s.io/service-cidr-finalizer"]
    got = create(cluster, "late", ipFamilyPolicy="RequireDualStack")
    assert (got[0].startswith("10.97.0."), got[1].startswith("fd00:10:97::")) == (True, True)
    assert create(cluster, "chosen", clusterIP="fd00:10:97::7") == ["fd00:10:97::7"]
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        create(cluster, "thief", clusterIP="fd00:10:97::7")


@pytest.mark.cluster(**V4_FIRST)
def test_an_address_of_no_range_is_refused(cluster):
    wish = {"name": "x", "clusterIP": "10.200.0.1"}
    for _ in range(2):
        with pytest.raises(Invalid, match="the provided network does not match the current range"):
            create(cluster, **wish)
        cluster.apply(cidr("other", "fd00:99::/112"))
    cluster.apply(cidr("right", "10.200.0.0/24"))
    assert create(cluster, **wish) == ["10.200.0.1"]


@pytest.mark.cluster(**V4_FIRST)
def test_a_range_stays_while_a_service_has_an_address_of_it(cluster):
    cluster.apply(cidr("more", "10.200.0.0/24"))
    create(cluster, "holder", clusterIP="10.200.0.1")
    cluster.delete("servicecidr", "more")
    cluster.advance(60)
    assert ready(cluster, "more") == ("False", "Terminating", BLOCKED)
    with pytest.raises(Invalid, match="does not match the current range"):
        create(cluster, "late", clusterIP="10.200.0.2")
    cluster.delete("service", "holder")
    cluster.advance(1)
    with pytest.raises(NotFound):
        cluster.get("servicecidr", "more")


@pytest.mark.cluster(**V4_FIRST)
def test_a_range_that_another_holds_goes_after_ten_seconds(cluster):
    cluster.apply(cidr("more", "10.200.0.0/24"), cidr("wide", "10.200.0.0/16"))
    create(cluster, "holder", clusterIP="10.200.0.1")
    cluster.delete("servicecidr", "more")
    cluster.advance(9)
    assert cluster.get("servicecidr", "more")
    cluster.advance(1)
    with pytest.raises(NotFound):
        cluster.get("servicecidr", "more")
    assert create(cluster, "late", clusterIP="10.200.0.2") == ["10.200.0.2"]


@pytest.mark.cluster
def test_a_family_that_is_not_configured_stays_so(cluster):
    cluster.apply(cidr("six", "fd00:10:96::/112"))
    with pytest.raises(Invalid, match="IPv6 is not configured on this cluster"):
        create(cluster, "x", clusterIP="fd00:10:96::1")


def test_a_restarted_cluster_knows_its_further_ranges(tmp_path):
    with Cluster(database=tmp_path / "state.db") as cluster:
        cluster.apply(cidr("more", "10.200.0.0/24"))
        create(cluster, "holder", clusterIP="10.200.0.1")
    with Cluster(database=tmp_path / "state.db") as cluster:
        cluster.settle()
        with pytest.raises(Invalid, match="provided IP is already allocated"):
            create(cluster, "thief", clusterIP="10.200.0.1")
        assert create(cluster, "late", clusterIP="10.200.0.2") == ["10.200.0.2"]
