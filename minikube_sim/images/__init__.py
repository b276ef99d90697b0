"""The images that simulated containers can run, one file each and one line in `IMAGES`."""

from __future__ import annotations

from typing import Final

from minikube_sim.images.coredns import CoreDNS
from minikube_sim.images.echo import (
    EchoServer,
    HelloApp,
    HelloApp2,
    NginxHello,
    NginxUnprivileged,
)
from minikube_sim.images.hpa_example import HpaExample
from minikube_sim.images.nginx import Httpd, Nginx
from minikube_sim.images.program import Container, Program, WebServer
from minikube_sim.images.registry import ImageRegistry
from minikube_sim.images.shells import Alpine, Busybox, Curl, Debian, OldBusybox
from minikube_sim.images.simpleapi import SimpleAPI, SimpleAPI2
from minikube_sim.images.small import (
    Agnhost,
    HttpEcho,
    Memcached,
    MetricsServer,
    Mongo,
    MySQL,
    Pause,
    Postgres,
    RabbitMQ,
    Redis,
    StorageProvisioner,
    Whoami,
)

IMAGES: Final[dict[str, type[Program]]] = {
    "simpleapi:1.0": SimpleAPI,
    "simpleapi:2.0": SimpleAPI2,
    "nginx": Nginx,
    "nginxdemos/hello": NginxHello,
    "nginxinc/nginx-unprivileged": NginxUnprivileged,
    "registry.k8s.io/nginx-slim": Nginx,
    "httpd": Httpd,
    "hashicorp/http-echo": HttpEcho,
    "traefik/whoami": Whoami,
    "gcr.io/google-samples/hello-app:1.0": HelloApp,
    "gcr.io/google-samples/hello-app:2.0": HelloApp2,
    "registry.k8s.io/hpa-example": HpaExample,
    "kicbase/echo-server": EchoServer,
    "registry.k8s.io/echoserver": EchoServer,
    "redis": Redis,
    "postgres": Postgres,
    "mysql": MySQL,
    "mariadb": MySQL,
    "mongo": Mongo,
    "memcached": Memcached,
    "rabbitmq": RabbitMQ,
    "busybox": Busybox,
    "busybox:1.28": OldBusybox,
    "alpine": Alpine,
    "debian": Debian,
    "ubuntu": Debian,
    "centos": Debian,
    "fedora": Debian,
    "nicolaka/netshoot": Debian,
    "registry.k8s.io/e2e-test-images/jessie-dnsutils": Debian,
    "curlimages/curl": Curl,
    "registry.k8s.io/pause": Pause,
    "registry.k8s.io/e2e-test-images/agnhost": Agnhost,
    "registry.k8s.io/coredns/coredns": CoreDNS,
    "registry.k8s.io/metrics-server/metrics-server": MetricsServer,
    "gcr.io/k8s-minikube/storage-provisioner": StorageProvisioner,
}
"""A name with a tag is that image only; one without is the image under every plausible tag."""

__all__ = ["IMAGES", "Container", "ImageRegistry", "Program", "WebServer"]
