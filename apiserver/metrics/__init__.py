"""What the server counts, and /metrics: Prometheus' form with kube-apiserver's names."""
