"""Deletes what lost its owners. Models pkg/controller/garbagecollector.

    graph.py        who owns whom, from the watches of all resources
    controller.py   background, foreground, orphan: what is done about it
"""

from controllers.garbagecollector.controller import GarbageCollector

__all__ = ["GarbageCollector"]
