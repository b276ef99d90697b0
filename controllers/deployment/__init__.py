"""Rolls Pods from one template to the next by way of ReplicaSets. Models pkg/controller/deployment.

    controller.py   keys, and which kind of sync a Deployment needs
    sync.py         one sync: what every kind of it shares (find, create, scale ReplicaSets; write
    status) rollout.py      RollingUpdate, Recreate, proportional scaling
    replicasets.py  pure: annotations, revisions, names, order
    sizes.py        pure: how many replicas which ReplicaSet may have
    status.py       pure: status and conditions
"""

from controllers.deployment.controller import DeploymentController

__all__ = ["DeploymentController"]
