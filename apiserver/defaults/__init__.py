"""What kube-apiserver itself keeps in every cluster: made at start, again when it goes missing."""
