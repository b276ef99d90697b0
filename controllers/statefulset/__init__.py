"""Pods with names, storage and an order. Models pkg/controller/statefulset.

    controller.py   keys, claims, revisions
    sync.py         one sync: create, replace, remove, roll, in order
    identity.py     pure: what Pod N of a set is
"""

from controllers.statefulset.controller import StatefulSetController

__all__ = ["StatefulSetController"]
