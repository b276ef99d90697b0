"""kube-proxy as a pure function from Services and EndpointSlices to rules."""
