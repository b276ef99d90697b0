"""Kubernetes' control loops: `CONTROLLERS` lists them, `Manager` runs them."""
