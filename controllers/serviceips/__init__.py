"""Virtual addresses of Services: cluster IPs and node ports, allocated inside the write.

`minikube_sim` hands a `ServiceAllocator` to the API server (`apiserver.allocation.Allocator`).
"""

from controllers.serviceips.allocator import DEFAULT_NODE_PORTS, DEFAULT_RANGES, ServiceAllocator
from controllers.serviceips.cidrs import SERVICECIDRS, ServiceCIDRController

__all__ = ["DEFAULT_NODE_PORTS", "DEFAULT_RANGES", "SERVICECIDRS", "ServiceAllocator",
           "ServiceCIDRController"]
