"""Commands that run others: in their place, with their streams, for as long as they may."""

from __future__ import annotations

import pytest

from minikube_sim.process import Process
from minikube_sim.shell.syntax import is_whole


@pytest.mark.parametrize(("line", "out"), [
    ("timeout 1 sleep 10; echo $?", "124\n"),
    ("timeout 5 echo in time; echo $?", "in time\n0\n"),
    ("timeout 1 sh -c 'echo a; sleep 5; echo b'; echo $?", "a\n124\n"),
    ("timeout 3 timeout 1 sleep 10; echo $?", "124\n"),
    ("timeout 0 echo no limit", "no limit\n"),
    ("sudo env A=1 sh -c 'echo $A'", "1\n"),
    ("echo a b | xargs -n1 echo x", "x a\nx b\n"),
])
def test_others_run_in_their_place(world, line, out):
    assert world.out(line) == out


@pytest.mark.parametrize(("line", "code", "out", "err"), [
    ("sudo whoami; whoami", 0, "root\ndocker\n", ""),
    ("sudo id -u; sudo -u docker id -u", 0, "0\n1000\n", ""),
    ("sudo -i whoami; sudo -E -n whoami", 0, "root\nroot\n", ""),
    ("sudo sh -c 'whoami; echo $HOME'", 0, "root\n/root\n", ""),
    ("sudo A=1 sh -c 'echo $A'", 0, "1\n", ""),
    ("sudo nosuch", 1, "", "sudo: nosuch: command not found\n"),
    ("sudo cd /", 1, "", "sudo: cd: command not found\n"),
])
def test_sudo_is_roots(world, line, code, out, err):
    assert world.run(line) == (code, out, err)


def test_time_that_is_over_is_over_at_once(world):
    before = world.clock.now()
    world.run("timeout 2 sleep 100")
    assert world.clock.now() - before == 2


def test_what_others_write_is_seen_in_order(world):
    seen = []

    class Screen(bytearray):
        def __iadd__(self, data):
            seen.append(bytes(data).decode())
            return self

    async def go():
        both = Screen()
        await world.session.run("sudo sh -c 'echo a; echo b >&2; echo c'", b"", both, both)
        return 0

    Process(go(), world.clock, lambda code: None).start()
    assert "".join(seen) == "a\nb\nc\n"


@pytest.mark.parametrize("text", [
    "for i in 1 2\n", "for i in 1 2\ndo\n", "for i in 1; do echo $i\n", "while true\n", "if true\n",
    "if true; then\n", "if a; then b\nelse\n", "case x in\n", "case x in a) b\n", "{\n", "(\n",
    "f() {\n", "echo a |\n", "true &&\n", "echo 'a\n", 'echo "a\n', "echo $(\n", "echo a \\\n",
    "cat <<E\n", "cat <<E\na\n", "for i in 1; do if true; then\n", "for i in 1; do cat <<E\nx\n",
])
def test_what_is_begun_waits_for_more(text):
    assert not is_whole(text)


@pytest.mark.parametrize("text", [
    "\n", "echo a\n", "for i in 1\ndo :\ndone\n", "cat <<E\na\nE\n", "echo )\n", "done\n", "fi x\n",
    "echo 'a\nb'\n", "# don't\n", "echo a;\n", "a &\n",
])
def test_what_is_whole_or_can_become_nothing_does_not(text):
    assert is_whole(text)
