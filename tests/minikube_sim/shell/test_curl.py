"""curl says and sends what curl 7.88.1 does: every expectation here was recorded from it."""

from __future__ import annotations

import json

import pytest

from minikube_sim.exchange import listen
from minikube_sim.http import Response
from minikube_sim.process import pause

MANUAL = "curl: try 'curl --help' or 'curl --manual' for more information\n"
HOST = "172.17.0.6:8080"


@pytest.fixture
def sent(world):
    """Requests that a server got; its answers are in the path: /404, /slow, /close."""
    got = []

    async def answer(request):
        got.append(request)
        if request.path == "/slow":
            await pause(world.clock.now() + 5)
        if request.path == "/old":
            return Response(status=302, headers=(("Location", "/new"),), body=b"xx\n")
        status = int(request.path[1:]) if request.path[1:].isdigit() else 200
        if request.path == "/once" and len(got) == 1:
            status = 503
        close = (("Connection", "close"),) if request.path == "/close" else ()
        return Response(status=status, headers=(*close, ("Content-Type", "text/plain")),
                        body=b"body\n")

    listen(world.pod, 8080, answer)
    world.pod.sockets.listen("tcp", 9000, "says nothing")
    return got


@pytest.mark.parametrize(("words", "headers", "body"), [
    ("-X POST -d a=1 -H 'X-A: b'",
     ["X-A: b", "Content-Length: 3", "Content-Type: application/x-www-form-urlencoded"], b"a=1"),
    ("-d @/home/docker/a.txt",
     ["Content-Length: 11", "Content-Type: application/x-www-form-urlencoded"], b"onetwothree"),
    ("--data-binary @/home/docker/a.txt",
     ["Content-Length: 14", "Content-Type: application/x-www-form-urlencoded"],
     b"one\ntwo\nthree\n"),
    ("--data-urlencode 'a=b c&d' -d e=f",
     ["Content-Length: 13", "Content-Type: application/x-www-form-urlencoded"], b"a=b+c%26d&e=f"),
    ("-H Accept: -H 'X-E;'", ["X-E: "], b""),
    ("-e ref -b c=d -b e=f", ["Referer: ref", "Cookie: c=d; e=f"], b""),
])
def test_what_is_sent(world, sent, words, headers, body):
    world.out(f"curl -s {words} {HOST}/x")
    names = [f"{name}: {value}" for name, value in sent[0].headers]
    common = [f"Host: {HOST}", "User-Agent: curl/7.88.1"]
    assert names[:2] == common
    assert [line for line in names[2:] if line != "Accept: */*"] == headers
    assert ("Accept: */*" in names) == ("Accept:" not in words)
    assert sent[0].body == body


def test_json_puts_its_types_where_curl_does(world, sent):
    world.out(f"""curl -s --json '{{"a":1}}' {HOST}/x""")
    assert [name for name, _ in sent[0].headers] == ["Host", "User-Agent", "Content-Type", "Accept",
                                                     "Content-Length"]


@pytest.mark.parametrize(("words", "method", "target"), [
    ("-sG -d a=1 -d b=2 '{}/q?z=1'", "GET", "/q?z=1&a=1&b=2"),
    ("-sT /home/docker/a.txt {}/up/", "PUT", "/up/a.txt"),
    ("-sT /home/docker/a.txt {}/up", "PUT", "/up"),
    ("-sI {}/x", "HEAD", "/x"),
    ("-sXFOO {}/x", "FOO", "/x"),
    ("-s -F a=b {}/x", "POST", "/x"),
    ("-s --url {}/x", "GET", "/x"),
    ("--silen {}/x", "GET", "/x"),
])
def test_how_it_is_asked(world, sent, words, method, target):
    world.out(f"curl {words.format(HOST)}")
    assert (sent[0].method, sent[0].target) == (method, target)


def test_login_is_from_the_option_or_the_url(world, sent):
    world.out(f"curl -s -u a:b {HOST}/x --next -s http://u:p@{HOST}/x")
    assert [r.header("authorization") for r in sent] == ["Basic YTpi", "Basic dTpw"]
    assert sent[1].header("host") == HOST


def test_urls_of_one_command_share_a_connection(world, sent):
    _, _, err = world.run(f"curl -sv {HOST}/a {HOST}/close {HOST}/b")
    ports = [request.client_port for request in sent]
    assert ports[0] == ports[1] != ports[2]
    assert "* Re-using existing connection #0 with host 172.17.0.6\n" in err
    assert "< \n* Closing connection 0\n*   Trying 172.17.0.6:8080...\n" in err
    assert "(172.17.0.6) port 8080 (#1)\n" in err


def test_a_redirect_is_told_as_curl_tells_it(world, sent):
    code, out, err = world.run(f"curl -svL {HOST}/old")
    assert (code, out) == (0, "body\n")
    assert ("* Ignoring the response-body\n* Connection #0 to host 172.17.0.6 left intact\n"
            f"* Issue another request to this URL: 'http://{HOST}/new'\n") in err
    assert world.run(f"curl -sSL --max-redirs 0 {HOST}/old")[0::2] == (
        47, "curl: (47) Maximum (0) redirects followed\n")


@pytest.mark.parametrize(("line", "code", "message"), [
    ("curl", 2, MANUAL),
    ("curl -x", 2, "curl: option -x: the installed libcurl version doesn't support this\n"
                   f"{MANUAL}"),
    ("curl -so", 2, f"curl: option -so: requires parameter\n{MANUAL}"),
    ("curl --max-time", 2, f"curl: option --max-time: requires parameter\n{MANUAL}"),
    ("curl -m abc x", 2, f"curl: option -m: expected a proper numerical parameter\n{MANUAL}"),
    ("curl -m -1 x", 2, f"curl: option -m: expected a positive numerical parameter\n{MANUAL}"),
    ("curl --m 3 x", 2, f"curl: option --m: is ambiguous\n{MANUAL}"),
    ("curl ''", 3, "curl: (3) URL using bad/illegal format or missing URL\n"),
    ("curl http://a:99999/", 3, "curl: (3) URL using bad/illegal format or missing URL\n"),
    ("curl -g 'http://x.y/{a'", 6, "curl: (6) Could not resolve host: x.y\n"),
    (f"curl 'http://{HOST}/{{a'", 3, "curl: (3) unmatched brace in URL position 24:\n"
                                     f"http://{HOST}/{{a\n                       ^\n"),
    (f"curl -T nofile {HOST}", 26, f"curl: Can't open 'nofile'!\n{MANUAL}curl: (26) Failed to "
                                   "open/read local data from file/application\n"),
    (f"curl -o /nodir/x {HOST}", 23, "Warning: Failed to open the file /nodir/x: No such file or "
                                     "directory\ncurl: (23) Failure writing output to "
                                     "destination\n"),
    (f"curl -d x -I {HOST}", 2, "Warning: You can only select one HTTP request method! You asked "
                                "for both POST \nWarning: (-d, --data) and HEAD (-I, --head).\n"),
    ("curl 172.17.0.6:9000", 52, "curl: (52) Empty reply from server\n"),
    (f"curl -m 1 {HOST}/slow", 28,
     "curl: (28) Operation timed out after 1001 milliseconds with 0 bytes received\n"),
    ("curl --retry 2 --retry-connrefused 172.17.0.6:1", 7,
     "curl: (7) Failed to connect to 172.17.0.6 port 1 after 0 ms: Couldn't connect to server\n"
     "Warning: Problem : connection refused. Will retry in 1 seconds. 2 retries \nWarning: left.\n"
     "curl: (7) Failed to connect to 172.17.0.6 port 1 after 0 ms: Couldn't connect to server\n"
     "Warning: Problem : connection refused. Will retry in 2 seconds. 1 retries \nWarning: left.\n"
     "curl: (7) Failed to connect to 172.17.0.6 port 1 after 0 ms: Couldn't connect to server\n"),
])
def test_failures_are_curls(world, sent, line, code, message):
    got, out, err = world.run(line)
    assert (got, out, err) == (code, "", message)


def test_a_transient_error_is_tried_again(world, sent):
    assert world.out(f"curl -s --retry 1 -w '%{{http_code}}\\n' {HOST}/once") == (
        "body\n503\nbody\n200\n")


def test_fail_hides_the_body_and_fail_with_body_does_not(world, sent):
    assert world.run(f"curl -sf {HOST}/404") == (22, "", "")
    assert world.run(f"curl -sS --fail-with-body {HOST}/404") == (
        22, "body\n", "curl: (22) The requested URL returned error: 404\n")


def test_outputs_go_where_they_are_sent(world, sent):
    world.out(f"curl -s -o a -O {HOST}/x {HOST}/y; curl -s -D h -o /dev/null {HOST}/z")
    assert world.out("cat a y") == "body\nbody\n"
    assert world.out("head -1 h") == "HTTP/1.1 200 OK\r\n"
    assert world.out("curl -sS --stderr - nosuch || true") == (
        "curl: (6) Could not resolve host: nosuch\n")


def test_names_can_be_fixed(world, sent):
    assert world.out("curl -s --resolve a.b:8080:172.17.0.6 http://a.b:8080/") == "body\n"
    assert world.out(f"curl -s --connect-to a.b:80:{HOST} http://a.b/") == "body\n"
    assert [request.header("host") for request in sent] == ["a.b:8080", "a.b"]


def test_globs_make_urls(world, sent):
    world.out(f"curl -s '{HOST}/{{a,b}}[1-2]' '{HOST}/[08-10]' '{HOST}/[a-c]'")
    assert [r.path[1:] for r in sent] == ["a1", "a2", "b1", "b2", "08", "09", "10", "a", "b", "c"]


@pytest.mark.parametrize(("form", "text"), [
    ("%{http_code} %{exitcode} %{scheme} %{http_version} %{method}", "200 0 HTTP 1.1 GET"),
    ("%{time_appconnect} %{size_download} %{size_request} %{num_connects}", "0.000000 5 83 1"),
    ("%{http_connect} [%{redirect_url}] [%{errormsg}] %{ssl_verify_result}", "000 [] [] 0"),
    ("%header{content-type} %{content_type} %{urlnum}", "text/plain text/plain 0"),
    ("a\\tb%% %{time_total", "a\tb% %{time_total"),
    ("x%{onerror}y", "x"),
    ("%{stderr}a%{stdout}b", "b"),
])
def test_what_can_be_written_out(world, sent, form, text):
    assert world.out(f"curl -s -o /dev/null -w '{form}' {HOST}/abcd") == text


def test_everything_can_be_written_out_as_json(world, sent):
    values = json.loads(world.out(f"curl -s -o /dev/null -w '%{{json}}' {HOST}/404"))
    assert (values["http_code"], values["url"], values["filename_effective"]) == (
        404, f"http://{HOST}/404", "/dev/null")
    headers = world.out(f"curl -s -o /dev/null -w '%{{header_json}}' {HOST}/x")
    assert json.loads(headers)["content-type"] == ["text/plain"]


def test_an_unknown_variable_is_complained_about(world, sent):
    assert world.run(f"curl -s -o /dev/null -w '%{{nope}}' {HOST}") == (
        0, "", "curl: unknown --write-out variable: 'nope'\n")
