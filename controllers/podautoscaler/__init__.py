"""As many replicas as the load needs. Models pkg/controller/podautoscaler."""

from __future__ import annotations

from controllers.podautoscaler.controller import HorizontalController

__all__ = ["HorizontalController"]
