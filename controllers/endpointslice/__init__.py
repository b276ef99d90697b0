"""EndpointSlices of Services. Models pkg/controller/endpointslice and k8s.io/endpointslice.

    controller.py   keys, and what a Service's Pods call for
    endpoints.py    pure: a Pod as an endpoint, ports, hints
    reconciler.py   desired endpoints against existing slices: few writes, full slices
    mirroring.py    slices of hand-made Endpoints (endpointslicemirroring-controller)
"""

from controllers.endpointslice.controller import EndpointSliceController
from controllers.endpointslice.mirroring import EndpointSliceMirroringController

__all__ = ["EndpointSliceController", "EndpointSliceMirroringController"]
