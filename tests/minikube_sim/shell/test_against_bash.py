"""The simulated shell against the bash of this computer: the same output and exit code, and a
complaint where bash has one.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="there is no bash")

LINES = r"""
for i in $(seq 3); do echo -n "$i "; done; echo
for i in {1..3}; do echo $i; done
for ((i=0;i<3;i++)); do echo $i; done
i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done
i=0; until (( i >= 2 )); do echo $i; ((i++)); done
for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo "$i $i"; done
if ! false; then echo y; else echo n; fi
x=5; case $x in 1|2) echo a;; [3-6]) echo b;; *) echo c;; esac
f() { echo "f $1 $#"; return 3; }; f a b; echo $?
f() { local v=1; echo $v; g; }; g() { echo "g $v"; v=2; }; v=0; f; echo $v
f() { for a in "$@"; do echo "[$a]"; done; echo "$*" "${@:2}"; }; f 1 "2 3" ''
f() { for a; do echo "[$a]"; done; }; f; f a "b c"
echo {a,b}{1,2} a{b,c}d {1..5..2} {a..c} {01..03} {3..1} {x} "{a,b}" a\{b,c} {a,{b,c}}
a=x; echo {"$a",b}c ${a}{1,2}
x=abc; echo ${x} ${#x} ${x:1} ${x:0:2} ${x: -1} ${x/b/Z} ${x^^} ${x^} ${y:-def} ${x%c} ${x#a}
x=a.b.c; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.} ${x//./-} ${x/#a/Z} ${x/%c/Z} ${x//[ab]/_}
y=; echo "${y-unset}" "${y:-empty}" ${y+set} "${z-none}" "${z:=made}" $z
echo ${y:?oops}; echo after
set -u; echo $nope; echo after
a=(1 2 "3 4"); echo ${a[1]} ${#a[@]} ${a[@]} $a ${!a[@]} ${a[-1]} ${#a[2]}
a=(x "y z"); for e in "${a[@]}"; do echo "<$e>"; done; for e in "${a[*]}"; do echo "<$e>"; done
a=(1); a+=(2 3); a[5]=9; echo "${a[@]}" ${!a[@]} "${a[@]:1:2}"; unset a[0]; echo ${#a[@]}
declare -A m; m[a]=1; m[b]=2; echo ${m[a]} ${m[b]} ${#m[@]}
a=(); echo "[${a[@]}]" ${#a[@]}; for e in "${a[@]}"; do echo never; done
false | true; echo ${PIPESTATUS[@]} $?
set -o pipefail; false | true; echo $?
set -e; false; echo never
set -e; if false; then :; fi; false || true; ! true; echo here; (false); echo never
set -x; echo hi; set +x; echo ho
IFS=,; x=a,b,,c; for i in $x; do echo "<$i>"; done; echo "$x"
IFS=:; set -- a b; echo "$*" "$@"
x=" a  b "; echo $x; echo "$x"; for i in $x; do echo "<$i>"; done
e=; for i in $e "$e" x$e; do echo "<$i>"; done
read a b <<< "1 2 3"; echo "$a|$b"
IFS=: read -r a b <<< "x:y z:w"; echo "$a|$b"
read -a a <<< "1 2 3"; echo ${a[1]} ${#a[@]}
echo "1 2" | while read x y; do echo "$y $x"; done
echo "a b" | { read x y; echo "$y"; }
x=$(false); echo $?; x=$(exit 3) y=1; echo $?
unset x; echo "${x-none}"; readonly r=1; r=2; echo never
export A=1; bash -c 'echo $A'; B=2 bash -c 'echo $B'; echo "[$B]"
echo $(echo $(echo nested)) `echo back` "$(printf 'a\nb')" $(printf 'a\nb')
(echo sub; exit 3); echo $?; { echo a; echo b; } | cat
true && echo y || echo n; false && echo y || echo n
echo a 2>&1 >/dev/null; echo b >&2; nosuch 2>/dev/null; echo $?
[ 1 -eq 1 ] && [ a = a ] && [ -z "" ] && [ -n x ] && echo ok; [ 3 -gt x ]; echo $?
[[ abc == a* && abc =~ ^a.c$ && 5 -gt 3 ]] && echo yes; [[ a == b || -z "" ]] && echo or
echo $((0x10)) $((010)) $((5>3?1:0)) $((7/2)) $((7%3)) $((2**8)) $((-5/2)) $((1&&0)) $((!0))
x=5; ((x+=2)); echo $x; let x=x*2; echo $x; ((x>100)) || echo small
printf '%s-%d\n' a 1 b 2; printf '%05.2f|%-5s|%5s|%x\n' 3.14159 ab cd 255; printf '%d%%\n' 50
echo "a  b" 'c d' e\ f $'x\ty' a'b'"c" "quote's" "a\"b" \$x "\$x"
eval 'x=3; echo "$x $x"'; source /dev/null; echo $?; type echo cd if
exec echo replaced; echo never
exit 7
if
echo "open
cd /; cd - >/dev/null; cd /nosuch; echo $?
""".strip("\n")


LONGER = (
    'echo "multi\nline"', "echo a \\\nb", "# comment\necho hi # there",
    'cat <<EOF\na $((1+2)) "$(echo x)"\nEOF', "x=1; cat <<'EOF'\n$x\nEOF",
    'while read -r a b; do echo "$b $a"; done <<EOF\n1 2\n3 4\nEOF',
)


@pytest.mark.parametrize("line", [*LINES.split("\n"), *LONGER])
def test_a_line_does_what_bash_does(world, tmp_path, line):
    real = subprocess.run(
        [BASH, "--norc", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=10,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, check=False)
    code, out, err = world.run(line)
    assert (code, out) == (real.returncode, real.stdout)
    assert bool(err) == bool(real.stderr)
