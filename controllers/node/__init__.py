"""The node agents: kubelet, CNI, kube-proxy. The only part of `controllers` that uses `netsim`."""
