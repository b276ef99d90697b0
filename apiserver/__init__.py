"""An API server that no client can tell from kube-apiserver.

Import nothing here: see docs/architecture.md.
"""
