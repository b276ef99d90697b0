"""The version of minikube-sim, and what /version says of the Kubernetes that it is."""

__version__ = "0.1.0"


def version_info(kubernetes_version: str) -> dict[str, str]:
    """A version.Info for `v1.37.0`. There is no git commit and no Go in it: those are constants."""
    major, minor, _ = kubernetes_version.removeprefix("v").split(".")
    return {
        "major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
        "minCompatibilityMajor": major, "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": kubernetes_version, "gitCommit": "minikube-sim-" + __version__,
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none",
        "compiler": "none", "platform": "linux/amd64",
    }
