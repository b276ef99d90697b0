"""Pods that run to their end. Models pkg/controller/job and pkg/controller/ttlafterfinished.

    controller.py   keys, claims, Pods whose Job is gone
    sync.py         one sync: count what ended, decide, create and delete
    state.py        pure: what the Pods of a Job amount to
    indexes.py      pure: sets of completion indexes as text
    ttl.py          deletes finished Jobs after their time to live
"""

from controllers.job.controller import JobController
from controllers.job.ttl import TTLAfterFinishedController

__all__ = ["JobController", "TTLAfterFinishedController"]
