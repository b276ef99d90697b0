"""Control loops, named and behaving as in kube-controller-manager, kube-scheduler and kubelet."""
