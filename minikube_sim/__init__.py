"""One mini-Kubernetes: composes clock, store, API, controllers and network into a Cluster."""
