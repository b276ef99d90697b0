"""The scheduler's plugins, one file each, in the order in which they are asked."""

from typing import Final

from controllers.scheduler.framework import Plugin
from controllers.scheduler.plugins.imagelocality import ImageLocality
from controllers.scheduler.plugins.interpodaffinity import InterPodAffinity
from controllers.scheduler.plugins.nodeaffinity import NodeAffinity
from controllers.scheduler.plugins.nodename import NodeName
from controllers.scheduler.plugins.nodeports import NodePorts
from controllers.scheduler.plugins.noderesources import (
    NodeResourcesBalancedAllocation,
    NodeResourcesFit,
)
from controllers.scheduler.plugins.nodeunschedulable import NodeUnschedulable
from controllers.scheduler.plugins.podtopologyspread import PodTopologySpread
from controllers.scheduler.plugins.tainttoleration import TaintToleration

PLUGINS: Final[tuple[Plugin, ...]] = (
    NodeUnschedulable(),
    NodeName(),
    TaintToleration(),
    NodeAffinity(),
    NodePorts(),
    NodeResourcesFit(),
    PodTopologySpread(),
    InterPodAffinity(),
    NodeResourcesBalancedAllocation(),
    ImageLocality(),
)
"""As in pkg/scheduler/apis/config/v1/default_plugins.go, less the volume plugins and DRA."""

__all__ = ["PLUGINS"]
