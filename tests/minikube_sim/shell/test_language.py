"""The shell's language: what bash would do."""

from __future__ import annotations

import subprocess

import pytest

SCRIPTS = [
    "echo hello   world",
    "echo 'a  b' \"c  d\" e\\ f",
    "A=1; B=\"$A 2\"; echo $B; echo '$B'",
    "A='x y'; for i in $A; do echo $i; done; for i in \"$A\"; do echo $i; done",
    "echo $(echo a; echo b) `echo c`",
    "echo \"$(echo 'a  b')\"",
    "echo $((1 + 2 * 3)) $((10 / 3)) $((-7 % 3)) $((1 << 4)) $((5 > 3 && 2 > 1)) $((!0))",
    "x=5; echo $((x++)) $x; ((x += 2)); echo $x; echo $((x == 8 ? 1 : 0))",
    "true && echo yes || echo no; false && echo yes || echo no",
    "! true; echo $?; false; echo $?",
    "if [ 2 -gt 1 ]; then echo more; elif true; then echo x; else echo less; fi",
    "if [ -z \"\" ] && [ a = a ]; then echo both; fi",
    "[[ hello == h* ]] && echo match; [[ 'h*' == \"h*\" ]] && echo literal",
    "[[ abc =~ ^a.c$ ]] && echo re",
    "i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done",
    "until true; do echo never; done; echo after",
    "for ((i=0; i<3; i++)); do echo $i; done",
    "for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done",
    "case abc in a*) echo A;; *) echo other;; esac; case x in y|x) echo yx;; esac",
    "f() { echo \"$1-$2-$#\"; return 3; }; f a 'b c'; echo $?",
    "(cd /; A=2; echo in); echo ${A:-unset}",
    "A=abc; echo ${#A} ${A:1:1} ${A/b/x} ${A%c} ${A#a} ${B:-d} ${A:+set}",
    "P=/a/b/c.txt; echo ${P##*/} ${P%.*} ${P%%/*}x",
    "cat <<EOF\nvalue $((1+1))\n  two\nEOF",
    "cat <<'EOF'\n$HOME\nEOF",
    "cat <<< 'here string'",
    "echo a b c | tr a-z A-Z | cut -d' ' -f2",
    "printf '%s-%03d\\n' a 7 b 8",
    "echo one > /tmp/f$$ ; echo two >> /tmp/f$$; cat < /tmp/f$$; rm /tmp/f$$",
    "echo gone > /dev/null; echo err 1>&2; echo seen",
    "(echo out; echo err >&2) 2>/dev/null",
    "(echo out; echo err >&2) 2>&1 | sort",
    "true | false; echo $?; false | true; echo $?",
    "echo a; exit 3; echo b",
    "set -- x y z; echo $# $2; shift; echo $1",
    "echo \"a\\\"b\" 'it'\"'\"'s' $'tab\\there'",
    "A=1 B=2 sh -c 'echo $A$B'; echo \"[$A]\"",
    "echo \"multi\nline\"",
    "seq 3 | while read n; do echo got $n; done",
    "seq 5 | head -n 2; seq 5 | tail -n 2; seq 5 | wc -l; seq 2 2 6",
    "printf 'b\\na\\nb\\n' | sort | uniq -c | sort -rn",
    "printf 'a 10\\nb 9\\n' | sort -k2 -n",
    "printf 'one two\\nthree four\\n' | awk '{print $2, $1}'",
    "printf 'one\\ntwo\\n' | grep -v one; echo abc | grep -c b; echo abc | grep -q z; echo $?",
    "printf 'a\\nb\\nc\\n' | grep -n b; echo 'foo=1' | grep -oE '[a-z]+'",
    "echo hello | sed 's/l/L/g'; printf '1\\n2\\n3\\n' | sed -n 2p; printf '1\\n2\\n3\\n' | sed 2d",
    "echo 'a.b' | sed 's/\\./-/'; echo abc | sed -E 's/(a)(b)/\\2\\1/'",
    "eval 'echo $((2+2))'; test 3 -eq 3 && echo eq",
    "[ 1 -eq 2 ] || echo differs; [ ! -e /nope ] && echo absent",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_does_what_bash_does(world, script):
    real = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/home/docker", "LC_ALL": "C"})
    code, out, _ = world.run(script)
    assert (out, code) == (real.stdout, real.returncode)


@pytest.mark.parametrize(("line", "code", "message"), [
    ("frobnicate", 127, "bash: frobnicate: command not found"),
    ("/bin/frobnicate x", 127, "bash: /bin/frobnicate: No such file or directory"),
    ("echo $((1/0))", 1, "bash: division by 0"),
    ("cat nope", 1, "cat: nope: No such file or directory"),
    ("cat < nope", 1, "bash: nope: No such file or directory"),
    ("cd nope", 1, "bash: cd: nope: No such file or directory"),
    ("echo 'x", 2, "bash: unexpected EOF while looking for matching `''"),
    ("grep --wat x", 2, "grep: unrecognized option '--wat'"),
])
def test_complaints_are_bashs(world, line, code, message):
    got, out, err = world.run(line)
    assert (got, out, err.strip()) == (code, "", message)


def test_a_failed_expansion_fails_the_line_only(world):
    assert world.run("echo $((1/0))")[0] == 1
    assert world.out("echo on") == "on\n"


def test_a_session_remembers(world):
    world.run("A=1; cd /etc")
    assert world.out("echo $A; pwd; cat resolv.conf") == "1\n/etc\nnameserver 10.96.0.10\n"
    assert world.session.prompt == "docker@minikube:/etc$ "


def test_exit_closes_the_session(world):
    assert world.run("echo bye; exit 4")[:2] == (4, "bye\n")
    assert world.session.closed


def test_an_endless_loop_ends(world):
    code, out, _ = world.run("while true; do true; done; echo over")
    assert (code, out) == (0, "over\n")


def test_sleep_waits_on_the_cluster_clock(world):
    before = world.clock.now()
    world.out("sleep 90; sleep 1m")
    assert world.clock.now() - before == 150


def test_globs_match_the_files_that_are_there(world):
    assert world.out("echo *.txt /etc/h*; echo '*.txt' *.nope") == \
        "a.txt /etc/hosts\n*.txt *.nope\n"
