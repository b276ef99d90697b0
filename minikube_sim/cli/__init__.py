"""The commands of `minikube-sim`, in minikube's words and flags: one file a command."""
