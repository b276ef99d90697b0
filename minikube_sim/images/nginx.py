"""nginx and httpd: a welcome page on port 80, and what is mounted below their roots."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from minikube_sim.http import Response
from minikube_sim.images.program import WebServer

if TYPE_CHECKING:
    from minikube_sim.http import Request
    from minikube_sim.images.program import Container

WELCOME: Final = """<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
"""
_ERROR: Final = ("<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n"
                 "<center><h1>{0}</h1></center>\r\n"
                 "<hr><center>nginx/1.29.3</center>\r\n</body>\r\n</html>\r\n")
ROOT: Final = "/usr/share/nginx/html"
HTML: Final = ("Content-Type", "text/html")


class FileServer(WebServer):
    """Serves the text files below a directory of the container, and a page of its own at /."""

    ports = (80,)
    root = ROOT
    index = WELCOME
    server = "nginx/1.29.3"

    def handle(self, request: Request, container: Container) -> Response:
        """A file, or 404."""
        page = self.page(request.path, container)
        answer = self.missing() if page is None else Response(
            headers=(("Server", self.server), HTML), body=page.encode())
        container.log(self.log_line(request, answer, container))
        return answer

    def page(self, path: str, container: Container) -> str | None:
        """The text of a path; the welcome page unless another index.html is there."""
        wanted = f"{self.root}{path}" + ("index.html" if path.endswith("/") else "")
        found = container.files.get(wanted)
        return self.index if found is None and path in ("/", "/index.html") else found

    def missing(self) -> Response:
        """What a path that is not there gets."""
        return Response(status=404, headers=(("Server", self.server), HTML),
                        body=_ERROR.format("404 Not Found").encode())

    def log_line(self, request: Request, answer: Response, container: Container) -> str:
        """The access log's combined form."""
        when = datetime.fromtimestamp(container.now(), UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        agent = request.header("user-agent") or "-"
        return (f'{request.client} - - [{when}] "{request.method} {request.target} HTTP/1.1" '
                f'{answer.status} {len(answer.body)} "-" "{agent}" "-"')


class Nginx(FileServer):
    """nginx:TAG."""

    entrypoint = ("nginx", "/docker-entrypoint.sh")
    size_bytes = 191_998_640


class Httpd(FileServer):
    """httpd:TAG (Apache)."""

    entrypoint = ("httpd-foreground", "httpd")
    root = "/usr/local/apache2/htdocs"
    index = "<html><body><h1>It works!</h1></body></html>\n"
    server = "Apache/2.4.66 (Unix)"
    size_bytes = 147_000_000
