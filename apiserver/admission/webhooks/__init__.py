"""Who else is asked: webhooks. Models apiserver/pkg/admission/plugin/webhook."""

from __future__ import annotations

from apiserver.admission.webhooks.caller import (
    CallFailed,
    ServiceCall,
    ServiceNetwork,
    WebhookCaller,
    loop_runs,
)
from apiserver.admission.webhooks.steps import MutatingWebhooks, ValidatingWebhooks

__all__ = ["CallFailed", "MutatingWebhooks", "ServiceCall", "ServiceNetwork", "ValidatingWebhooks",
           "WebhookCaller", "loop_runs"]
