"""Runs parsed shell lines. The grammar is tree-sitter-bash's; one method a kind of statement.

A pipeline's parts run one after the other, each with the whole output of the one before: our
commands end, so nobody can tell, except that a part sees no SIGPIPE.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from minikube_sim.process import Process, give_way
from minikube_sim.shell.call import Call
from minikube_sim.shell.commands import COMMANDS
from minikube_sim.shell.expansion import Expander
from minikube_sim.shell.parameters import assign, assign_array
from minikube_sim.shell.redirection import Input, Streams, redirect
from minikube_sim.shell.state import Abandoned, Job, LoopControl, Return, ShellExit, State
from minikube_sim.shell.syntax import SyntaxProblem, parse

if TYPE_CHECKING:
    from tree_sitter import Node

    from minikube_sim.shell.context import Machine

NOT_FOUND: Final = 127
SYNTAX_ERROR: Final = 2
LOOP_LIMIT: Final = 100_000
"""Turns after which a loop is ended: a class must not hang on `while true`."""
_FIRST_PID: Final = 4000
_OUTPUT_LIMIT: Final = 16 << 20

Runner = Callable[["Interpreter", "Node", Streams], Awaitable[int]]


class Interpreter:
    """One shell: a machine, a state, and the rules of bash."""

    def __init__(self, machine: Machine, state: State) -> None:
        self.machine = machine
        self.state = state
        self.expander = Expander(state, machine, self._substitute)
        self._tolerant = 0

    async def script(self, text: str, streams: Streams) -> int:
        """Run a line or a whole script; its exit code. Raises ShellExit."""
        try:
            tree = parse(text)
        except SyntaxProblem as problem:
            streams.err += f"{self.state.name}: {problem}\n".encode()
            self.state.status = SYNTAX_ERROR
            return SYNTAX_ERROR
        try:
            await self._statements(tree.children, streams)
        except (LoopControl, Return):
            self.state.status = 0
        except Abandoned as problem:
            streams.err += f"{self.state.name}: {problem}\n".encode()
            self.state.status = problem.code
        return self.state.status

    async def execute(self, words: Sequence[str], streams: Streams) -> int:
        """Run one simple command: a function, a tool of the machine, or a program."""
        name = words[0]
        body = self.state.functions.get(name)
        if body is not None:
            return await self._call_function(body, words[1:], streams)
        command = self.machine.tools.get(name) or COMMANDS.get(name.rpartition("/")[2])
        if command is None:
            streams.err += f"{self.state.name}: {_unknown(name)}\n".encode()
            return NOT_FOUND
        call = Call(name=name, args=list(words[1:]), input=streams.stdin, out=streams.out,
                    err=streams.err, machine=self.machine, state=self.state, run_words=self.execute)
        return int(await command(call))

    # --- statements ------------------------------------------------------------------------------

    async def statement(self, node: Node, streams: Streams) -> int:
        """Run one statement; its exit code is `$?`."""
        runner = _RUNNERS.get(node.type)
        if runner is None:
            streams.err += f"{self.state.name}: {node.type}: not simulated\n".encode()
            code = SYNTAX_ERROR
        else:
            code = await self._guarded(runner, node, streams)
        if len(streams.out) > _OUTPUT_LIMIT:
            raise ShellExit(1)
        self.state.status = code
        if code and "errexit" in self.state.options and not self._tolerant and (
                node.type in _ENDED_BY_ERRORS):
            raise ShellExit(code)
        return code

    async def _tolerated(self, nodes: Sequence[Node], streams: Streams) -> int:
        """A condition: its failing ends no shell, with `set -e` either."""
        self._tolerant += 1
        try:
            return await self._statements(nodes, streams)
        finally:
            self._tolerant -= 1

    async def _guarded(self, runner: Runner, node: Node, streams: Streams) -> int:
        """What expansion refuses is bash's own complaint."""
        try:
            return await runner(self, node, streams)
        except (ValueError, RecursionError) as error:
            streams.err += f"{self.state.name}: {error}\n".encode()
            return 1

    async def _statements(self, nodes: Sequence[Node], streams: Streams) -> int:
        code = 0
        for node, after in zip(nodes, [*nodes[1:], None], strict=False):
            if not node.is_named or node.type == "comment":
                continue
            if after is not None and after.type == "&":
                code = self._background(node, streams)
            else:
                code = await self.statement(node, streams)
        return code

    def _background(self, node: Node, streams: Streams) -> int:
        """`COMMAND &`: it runs on while others wait, and writes where the shell does."""
        jobs, child = self.state.jobs, Interpreter(self.machine, self.state.child())
        number = jobs[-1].number + 1 if jobs else 1
        job = Job(number, _FIRST_PID + number, (node.text or b"").decode())

        def ended(code: int) -> None:
            job.exit_code = code

        job.process = Process(child._exit_code(node, streams), self.machine.clock, ended)
        jobs.append(job)
        self.state.variables["!"] = str(job.pid)
        job.process.start()
        return 0

    async def _command(self, node: Node, streams: Streams) -> int:
        assignments = [c for c in node.children if c.type == "variable_assignment"]
        redirects = [c for c in node.children if c.type in _REDIRECTS]
        words = [c for c in node.named_children
                 if c.type not in _REDIRECTS and c.type != "variable_assignment"]
        arguments = await self.expander.arguments(
            word.named_children[0] if word.type == "command_name" and word.named_children else word
            for word in words)
        own = await redirect(self, redirects, streams)
        if own is None:
            return 1
        if not arguments:
            return await self._assign_all(assignments)
        if "xtrace" in self.state.options:
            streams.err += f"+ {shlex.join(arguments)}\n".encode()
        kept = self.state.temporary
        values = {_name_of(a): await self._value(a) for a in assignments}
        self.state.temporary = {**kept, **values}
        try:
            return await self.execute(arguments, own)
        finally:
            self.state.temporary = kept
            own.finish(self.machine)

    async def _assign_all(self, nodes: Sequence[Node]) -> int:
        """Their status is that of the last command that a value ran."""
        self.state.status = 0
        for node in nodes:
            await self._assign(node)
        return self.state.status

    async def _assign(self, node: Node) -> None:
        name, left, value = _name_of(node), node.children[0], node.child_by_field_name("value")
        adds = any(child.type == "+=" for child in node.children)
        if value is not None and value.type == "array":
            assign_array(self.state, name, await self._elements(value), adds=adds)
            return
        subscript = None
        if left.type == "subscript":
            index = left.child_by_field_name("index")
            subscript = await self.expander.text(index) if index is not None else ""
        assign(self.state, name, await self._value(node), subscript, adds=adds)

    async def _elements(self, array: Node) -> list[tuple[str | None, str]]:
        """What stands in `(a b [5]=c)`: (index or key, value)."""
        found: list[tuple[str | None, str]] = []
        for element in array.named_children:
            match = _KEYED.match((element.text or b"").decode())
            if match is None:
                found += [(None, value) for value in await self.expander.arguments([element])]
            else:
                found.append((match[1].strip("\"'"), (await self.expander.text(element))[
                    len(match[0]) - match[0].count('"') - match[0].count("'"):]))
        return found

    async def _value(self, node: Node) -> str:
        value = node.child_by_field_name("value")
        return await self.expander.text(value) if value is not None else ""

    async def _assignment(self, node: Node, streams: Streams) -> int:
        del streams
        return await self._assign_all([node])

    async def _assignments(self, node: Node, streams: Streams) -> int:
        del streams
        return await self._assign_all(node.named_children)

    async def _declaration(self, node: Node, streams: Streams) -> int:
        """export A=b, local x, readonly r, declare -A m."""
        kind = node.children[0].type
        options = "".join((c.text or b"").decode() for c in node.named_children if c.type == "word")
        names = [c for c in node.named_children if c.type in ("variable_assignment",
                                                              "variable_name")]
        if kind == "local" and self.state.locals is None:
            streams.err += f"{self.state.name}: local: can only be used in a function\n".encode()
            return 1
        if not names:
            return await self.execute([kind, *options.split()], streams)
        for child in names:
            name = _name_of(child) if child.type == "variable_assignment" else _text(child)
            self._declare(kind, name, options)
            if child.type == "variable_assignment":
                await self._assign(child)
            if kind == "readonly" or "r" in options:
                self.state.readonly.add(name)
        return 0

    def _declare(self, kind: str, name: str, options: str) -> None:
        state = self.state
        if state.locals is not None and kind in ("local", "declare", "typeset") and (
                name not in state.locals and "g" not in options):
            state.locals[name] = state.variables.pop(name, None)
        if kind == "export" or "x" in options:
            state.exported.add(name)
        if "A" in options:
            state.associative.add(name)
        if ("A" in options or "a" in options) and name not in state.arrays:
            assign_array(state, name, ())

    async def _unset(self, node: Node, streams: Streams) -> int:
        return await self.execute(["unset", *_text(node).split()[1:]], streams)

    async def _list(self, node: Node, streams: Streams) -> int:
        left, sign, right = node.children[0], node.children[1].type, node.children[-1]
        code = await self._tolerated([left], streams)
        if (code == 0) == (sign == "&&"):
            return await self.statement(right, streams)
        return code

    async def _pipeline(self, node: Node, streams: Streams) -> int:
        parts = [part for part in node.named_children if part.type != "comment"]
        both = [child.type == "|&" for child in node.children if child.type in ("|", "|&")]
        stdin, codes = streams.stdin, []
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            inner = Streams(stdin, streams.out if last else bytearray(), streams.err)
            if not last and both[index]:
                inner.err = inner.out
            codes.append(await Interpreter(self.machine, self.state.child())._exit_code(
                part, inner))
            stdin = Input(b"" if last else bytes(inner.out))
        return self._piped(codes)

    def _piped(self, codes: Sequence[int]) -> int:
        """The status of a pipeline: the last part's, or (pipefail) the last that failed."""
        assign_array(self.state, "PIPESTATUS", [(None, str(code)) for code in codes])
        failed = [code for code in codes if code]
        return failed[-1] if failed and "pipefail" in self.state.options else codes[-1]

    async def _exit_code(self, node: Node, streams: Streams) -> int:
        """Run in a subshell: `exit` ends only it."""
        try:
            return await self.statement(node, streams)
        except ShellExit as end:
            return end.code

    async def _negated(self, node: Node, streams: Streams) -> int:
        return 0 if await self._tolerated(node.named_children[:1], streams) else 1

    async def _subshell(self, node: Node, streams: Streams) -> int:
        child = Interpreter(self.machine, self.state.child())
        try:
            return await child._statements(node.children, streams)
        except ShellExit as end:
            return end.code

    async def _compound(self, node: Node, streams: Streams) -> int:
        if node.children and node.children[0].type == "((":
            return 0 if await self.expander.number(node) else 1
        return await self._statements(node.children, streams)

    async def _redirected(self, node: Node, streams: Streams) -> int:
        """The grammar hangs `a | b > f` and `a && b > f` on the whole; bash on the last command."""
        body = node.child_by_field_name("body")
        redirects = [c for c in node.children if c.type in _REDIRECTS]
        if body is None:
            own = await redirect(self, redirects, streams)
            return 1 if own is None else own.finish(self.machine)
        if body.type == "list":
            return await self._redirected_list(body, redirects, streams)
        if body.type == "pipeline":
            return await self._redirected_pipeline(body, redirects, streams)
        return await self._with_redirects(body, redirects, streams)

    async def _redirected_list(self, node: Node, redirects: Sequence[Node],
                               streams: Streams) -> int:
        code = await self.statement(node.children[0], streams)
        if (code == 0) != (node.children[1].type == "&&"):
            return code
        last = node.children[-1]
        if last.type == "pipeline":
            return await self._redirected_pipeline(last, redirects, streams)
        return await self._with_redirects(last, redirects, streams)

    async def _redirected_pipeline(self, node: Node, redirects: Sequence[Node],
                                   streams: Streams) -> int:
        *first, last = node.named_children
        stdin = streams.stdin
        for part in first:
            inner = Streams(stdin, bytearray(), streams.err)
            await Interpreter(self.machine, self.state.child())._exit_code(part, inner)
            stdin = Input(bytes(inner.out))
        return await self._with_redirects(last, redirects,
                                          Streams(stdin, streams.out, streams.err))

    async def _with_redirects(self, node: Node, redirects: Sequence[Node],
                              streams: Streams) -> int:
        own = await redirect(self, redirects, streams)
        if own is None:
            return 1
        try:
            return await self.statement(node, own)
        finally:
            own.finish(self.machine)

    # --- conditions and loops --------------------------------------------------------------------

    async def _if(self, node: Node, streams: Streams) -> int:
        condition, body, rest = _clauses(node)
        if await self._tolerated(condition, streams) == 0:
            return await self._statements(body, streams)
        for clause in rest:
            if clause.type == "else_clause":
                return await self._statements(clause.named_children, streams)
            test, then, _ = _clauses(clause)
            if await self._tolerated(test, streams) == 0:
                return await self._statements(then, streams)
        return 0

    async def _for(self, node: Node, streams: Streams) -> int:
        name_node, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        assert name_node is not None
        assert body is not None
        name = (name_node.text or b"").decode()
        words = [c for c in node.children_by_field_name("value") if c.is_named]
        values = await self.expander.arguments(words) if any(
            c.type == "in" for c in node.children) else list(self.state.arguments)
        code = 0
        for value in values:
            self.state.variables[name] = value
            code, go_on = await self._turn(body, streams)
            if not go_on:
                break
        return code

    async def _c_for(self, node: Node, streams: Streams) -> int:
        text = (node.text or b"").decode()
        head = text[text.index("((") + 2:text.index("))")].split(";")
        body = node.child_by_field_name("body")
        assert body is not None
        start, test, step = (part.strip() for part in head)
        self._number(start)
        code = 0
        for _ in range(LOOP_LIMIT):
            if test and not self._number(test):
                break
            code, go_on = await self._turn(body, streams)
            if not go_on:
                break
            self._number(step)
        return code

    def _number(self, text: str) -> int:
        from minikube_sim.shell.arithmetic import evaluate

        return evaluate(text, self.state.variables)

    async def _while(self, node: Node, streams: Streams) -> int:
        body = node.child_by_field_name("body")
        assert body is not None
        until = node.children[0].type == "until"
        conditions = [c for c in node.named_children if c != body]
        code = 0
        for _ in range(LOOP_LIMIT):
            if (await self._tolerated(conditions, streams) == 0) == until:
                break
            code, go_on = await self._turn(body, streams)
            if not go_on:
                break
        return code

    async def _turn(self, body: Node, streams: Streams) -> tuple[int, bool]:
        """One turn of a loop: (exit code, whether the loop goes on)."""
        await give_way(self.machine.clock)
        try:
            return await self._statements(body.named_children, streams), True
        except LoopControl as control:
            if control.levels > 1:
                raise LoopControl(control.name, control.levels - 1) from None
            return 0, control.name == "continue"

    async def _case(self, node: Node, streams: Streams) -> int:
        from fnmatch import fnmatchcase

        value_node = node.child_by_field_name("value")
        assert value_node is not None
        value = await self.expander.text(value_node)
        for item in node.named_children:
            if item.type != "case_item":
                continue
            patterns = item.children_by_field_name("value")
            texts = [await self.expander.pattern(p) for p in patterns]
            if any(fnmatchcase(value, text) for text in texts):
                body = [c for c in item.named_children if c not in patterns]
                return await self._statements(body, streams)
        return 0

    async def _test(self, node: Node, streams: Streams) -> int:
        """[ ... ] and [[ ... ]]: read again as words, for the command `test`."""
        from minikube_sim.shell.testing import evaluate

        double = node.children[0].type == "[["
        words = []
        for child in _leaves(node):
            if child.type in ("[", "]", "[[", "]]"):
                continue
            words += ([await self.expander.text(child)] if double or not child.is_named
                      else await self.expander.arguments([child]))
        try:
            return evaluate(words, self.machine, self.state, patterns=double)
        except ValueError as error:
            streams.err += f"{self.state.name}: {error}\n".encode()
            return SYNTAX_ERROR

    async def _function(self, node: Node, streams: Streams) -> int:
        del streams
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        assert name is not None
        assert body is not None
        self.state.functions[(name.text or b"").decode()] = body
        return 0

    async def _call_function(self, body: Node, arguments: Sequence[str], streams: Streams) -> int:
        state = self.state
        kept, state.arguments = state.arguments, tuple(arguments)
        hidden, state.locals = state.locals, {}
        try:
            return await self.statement(body, streams)
        except Return as result:
            return result.code
        finally:
            state.arguments = kept
            for name, value in state.locals.items():
                _restore(state, name, value)
            state.locals = hidden

    # --- commands inside words -------------------------------------------------------------------

    async def _substitute(self, node: Node) -> str:
        child = Interpreter(self.machine, self.state.child())
        streams = Streams()
        try:
            self.state.status = await child._statements(node.named_children, streams)
        except ShellExit as end:
            self.state.status = end.code
        return bytes(streams.out).decode("utf-8", "replace")


_KEYED: Final = re.compile(r"""\[([^]]*)\]=""")
_ENDED_BY_ERRORS: Final = frozenset({
    "command", "pipeline", "subshell", "test_command", "redirected_statement", "compound_statement",
    "variable_assignment"})
"""What `set -e` looks at: the statements that are not made of others, roughly."""
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})

_RUNNERS: Final[dict[str, Runner]] = {
    "command": Interpreter._command,
    "variable_assignment": Interpreter._assignment,
    "variable_assignments": Interpreter._assignments,
    "declaration_command": Interpreter._declaration,
    "unset_command": Interpreter._unset,
    "list": Interpreter._list,
    "pipeline": Interpreter._pipeline,
    "negated_command": Interpreter._negated,
    "subshell": Interpreter._subshell,
    "compound_statement": Interpreter._compound,
    "redirected_statement": Interpreter._redirected,
    "if_statement": Interpreter._if,
    "for_statement": Interpreter._for,
    "c_style_for_statement": Interpreter._c_for,
    "while_statement": Interpreter._while,
    "case_statement": Interpreter._case,
    "test_command": Interpreter._test,
    "function_definition": Interpreter._function,
}


def _name_of(assignment: Node) -> str:
    """The variable's name: of `a=1` and of `a[1]=x`."""
    left = assignment.children[0]
    name = left.child_by_field_name("name") if left.type == "subscript" else left
    return _text(name or left)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _restore(state: State, name: str, value: str | None) -> None:
    """What a function's variable has hidden comes back."""
    state.variables.pop(name, None)
    state.arrays.pop(name, None)
    if value is not None:
        state.variables[name] = value


def _unknown(name: str) -> str:
    return f"{name}: No such file or directory" if "/" in name else f"{name}: command not found"


def _clauses(node: Node) -> tuple[list[Node], list[Node], list[Node]]:
    """(condition, then-part, further clauses) of an if or elif."""
    then = next(i for i, child in enumerate(node.children) if child.type == "then")
    rest = [c for c in node.children if c.type in ("elif_clause", "else_clause")]
    body = [c for c in node.children[then + 1:] if c.is_named and c not in rest]
    return [c for c in node.children[:then] if c.is_named], body, rest


_WHOLE: Final = re.compile(r"string|raw_string|ansi_c_string|concatenation|simple_expansion|"
                           r"expansion|command_substitution|arithmetic_expansion|word|number|"
                           r"test_operator|extglob_pattern|regex")


def _leaves(node: Node) -> list[Node]:
    """The words of a test expression, in order."""
    if _WHOLE.fullmatch(node.type) or not node.children:
        return [node]
    return [leaf for child in node.children for leaf in _leaves(child)]
