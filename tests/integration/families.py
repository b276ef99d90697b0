"""The address options of clusters with two families, either first, and of IPv6 alone."""

from __future__ import annotations

V4 = {"pod_cidr": "172.17.0.0/16", "service_cluster_ip_range": "10.96.0.0/12",
      "node_ip": "10.211.55.120"}
V6 = {"pod_cidr": "fd00:10:244::/64", "service_cluster_ip_range": "fd00:10:96::/108",
      "node_ip": "fd00:211:55::120"}
V4_FIRST = {key: f"{V4[key]},{V6[key]}" for key in V4}
V6_FIRST = {key: f"{V6[key]},{V4[key]}" for key in V4}
FAMILIES = {"IPv4,IPv6": V4_FIRST, "IPv6,IPv4": V6_FIRST, "IPv6": V6}
"""By the families that the options say, in their order."""
