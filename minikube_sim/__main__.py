"""`python -m minikube_sim`: the same as `minikube-sim`."""

from minikube_sim.cli.main import main

if __name__ == "__main__":
    main()
