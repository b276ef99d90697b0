"""Admission policies in CEL. Models apiserver/pkg/admission/plugin/policy."""

from __future__ import annotations

from apiserver.admission.policies.mutating import MutatingPolicies
from apiserver.admission.policies.validating import ValidatingPolicies

__all__ = ["MutatingPolicies", "ValidatingPolicies"]
