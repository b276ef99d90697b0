"""Pod Security Standards, by labels of the namespace. Models k8s.io/pod-security-admission."""

from __future__ import annotations

from apiserver.admission.podsecurity.step import PodSecurity

__all__ = ["PodSecurity"]
