"""A simulated network whose rules are kube-proxy's and whose verdicts are the kernel's."""
