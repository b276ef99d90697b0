"""The version of minikube-sim, read by the build and by `minikube-sim version`."""

__version__ = "0.1.0"
