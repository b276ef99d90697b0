"""kube-scheduler: a framework, its plugins one file each, and the loop that binds."""

from controllers.scheduler.framework import Framework, Plugin, Unschedulable
from controllers.scheduler.plugins import PLUGINS
from controllers.scheduler.scheduler import SCHEDULER_NAME, Scheduler

__all__ = ["PLUGINS", "SCHEDULER_NAME", "Framework", "Plugin", "Scheduler", "Unschedulable"]
