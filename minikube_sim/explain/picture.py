"""A traced flow as a picture: hosts are columns, hooks are boxes, time runs down.

Plain SVG text, without any library; it has both light and dark colours and follows the reader's.
Whoever points at a rule sees its full text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from minikube_sim.explain.flow import ANSWERED
from minikube_sim.explain.text import brief

if TYPE_CHECKING:
    from minikube_sim.explain.trace import FlowTrace, Passage, Visit
    from netsim.trace import Step

_WIDTH: Final = 372
_GAP: Final = 44
_MARGIN: Final = 28
_LINE: Final = 17
_PAD: Final = 9
_CHARS: Final = 54
_TOP: Final = 104

_LIGHT: Final = {
    "page": "#ffffff", "ink": "#1f2430", "soft": "#667085", "line": "#d0d5dd", "box": "#ffffff",
    "lane": "#f2f4f8", "request": "#2563eb", "reply": "#7c3aed", "nat": "#fff1cc",
    "nat-ink": "#8a5a00", "bad": "#fee4e2", "bad-ink": "#b42318", "good": "#dcfae6",
    "good-ink": "#067647"}
_DARK: Final = {
    "page": "#14171f", "ink": "#e6e9f0", "soft": "#98a2b3", "line": "#3a4150", "box": "#222733",
    "lane": "#1a1e28", "request": "#7aa7ff", "reply": "#b79bff", "nat": "#46370f",
    "nat-ink": "#ffd778", "bad": "#4a1b18", "bad-ink": "#ffb4ab", "good": "#12382a",
    "good-ink": "#7fe0b0"}
_SHAPES: Final = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
.mono { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.bold { font-weight: 600 } .title { font-size: 17px; font-weight: 600 }
.arrow { fill: none; stroke-width: 2 } .number { font-weight: 600; text-anchor: middle }
"""
_COLOURS: Final = (
    ("text", "fill", "ink"), (".page", "fill", "page"), (".soft", "fill", "soft"),
    (".lane", "fill", "lane"), (".head", "fill", "ink"), (".head-text", "fill", "page"),
    (".number", "fill", "page"), (".box", "fill", "box"), (".box", "stroke", "line"),
    (".request", "fill", "request"), (".reply", "fill", "reply"),
    (".arrow.request", "stroke", "request"), (".arrow.reply", "stroke", "reply"),
    (".nat", "fill", "nat"), (".nat-text", "fill", "nat-ink"), (".bad", "fill", "bad"),
    (".bad-text", "fill", "bad-ink"), (".good", "fill", "good"), (".good-text", "fill", "good-ink"))
"""CSS selector, property and the name of its colour. Variables would be shorter; not every viewer
knows them.
"""


def _style() -> str:
    light, dark = (" ".join(f"{selector} {{ {what}: {palette[colour]} }}"
                            for selector, what, colour in _COLOURS) for palette in (_LIGHT, _DARK))
    arrows = ".arrow.request, .arrow.reply { fill: none }"
    return (f"{light}\n{_SHAPES}{arrows}\n"
            f"@media (prefers-color-scheme: dark) {{ {dark} {arrows} }}\n")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line in a box."""

    text: str
    style: str = "soft"
    """CSS class: soft, bold, nat, bad, good."""
    hover: str = ""


@dataclass(slots=True)
class _Box:
    """One or more hooks of a host that a packet passed without stopping."""

    host: str
    hooks: list[str]
    packet: str
    lines: list[_Line]

    @property
    def height(self) -> int:
        return 2 * _PAD + _LINE * (2 + len(self.lines))


def draw(flow: FlowTrace) -> str:
    """The whole picture."""
    canvas = _Canvas(flow)
    for passage in flow.passages:
        canvas.passage(passage)
    return canvas.finish(flow)


class _Canvas:
    """What has been drawn so far, and how far down."""

    def __init__(self, flow: FlowTrace) -> None:
        self._hosts = list(dict.fromkeys(v.host for p in flow.passages for v in p.visits))
        self._body: list[str] = []
        self._y = _TOP + 20

    def passage(self, passage: Passage) -> None:
        """One packet's way."""
        way, y = passage.direction, self._y + 16
        boxes = _boxes(passage.visits)
        x = self._x(boxes[0].host) if way == "request" else _MARGIN
        self._body += [
            f'<circle class="{way}" cx="{_MARGIN + 10}" cy="{y - 4}" r="10"/>',
            f'<text class="number" x="{_MARGIN + 10}" y="{y}">{passage.number}</text>',
            _text(max(x, _MARGIN) + 28 if x == _MARGIN else _MARGIN + 28, y,
                  f"{way}: {brief(passage.packet)}", "bold")]
        self._y = y + 14
        before: tuple[str, int, int] | None = None
        for box in boxes:
            before = self._place(box, way, before)
        self._y += 22

    def _place(self, box: _Box, way: str, before: tuple[str, int, int] | None,
               ) -> tuple[str, int, int]:
        """Draw a box below the one before it, with an arrow from there."""
        top = self._y + (16 if before else 0)
        if before is not None:
            self._arrow(before, box.host, top, way)
        self._box(box, top)
        self._y = top + box.height
        return box.host, top, self._y

    def _arrow(self, before: tuple[str, int, int], host: str, top: int, way: str) -> None:
        start, old_top, old_bottom = before
        x = self._x(host) + _WIDTH // 2
        if start == host:
            path = f"M{x} {old_bottom}V{top - 6}"
        else:
            right = self._hosts.index(host) > self._hosts.index(start)
            side = self._x(start) + (_WIDTH if right else 0)
            path = f"M{side} {(old_top + old_bottom) // 2}H{x}V{top - 6}"
        self._body.append(f'<path class="arrow {way}" d="{path}"/>')
        self._body.append(f'<path class="{way}" d="M{x - 5} {top - 8}h10l-5 8z"/>')

    def _box(self, box: _Box, top: int) -> None:
        x = self._x(box.host)
        self._body.append(f'<rect class="box" x="{x}" y="{top}" width="{_WIDTH}" '
                          f'height="{box.height}" rx="7"/>')
        y = top + _PAD + 11
        self._body.append(_text(x + 10, y, " · ".join(box.hooks), "bold"))
        self._body.append(_text(x + 10, y + _LINE, _cut(box.packet), "mono"))
        for number, line in enumerate(box.lines, 2):
            self._line(x, y + number * _LINE, line)

    def _line(self, x: int, y: int, line: _Line) -> None:
        if line.style in ("nat", "bad", "good"):
            self._body.append(f'<rect class="{line.style}" x="{x + 5}" y="{y - 12}" '
                              f'width="{_WIDTH - 10}" height="{_LINE - 1}" rx="4"/>')
        style = f"mono {line.style}-text" if line.style in ("nat", "bad", "good") else (
            f"mono {line.style}")
        self._body.append(_text(x + 10, y, _cut(line.text), style, line.hover or line.text))

    def _x(self, host: str) -> int:
        return _MARGIN + self._hosts.index(host) * (_WIDTH + _GAP)

    def finish(self, flow: FlowTrace) -> str:
        """Head, lanes and conclusion around what was drawn."""
        count = max(1, len(self._hosts))
        width = 2 * _MARGIN + count * _WIDTH + (count - 1) * _GAP
        verdict = "good" if flow.answer.result == ANSWERED else "bad"
        words = _wrap(flow.conclusion, (width - 2 * _MARGIN - 24) // 7)
        bottom = self._y + 8
        box = 18 * len(words) + 16
        height = bottom + box + _MARGIN
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
                 f'height="{height}" viewBox="0 0 {width} {height}">',
                 f"<title>{escape(f'{flow.source} to {flow.target}')}</title>",
                 f"<style>{_style()}</style>",
                 '<rect class="page" width="100%" height="100%"/>',
                 _text(_MARGIN, 34, f"{flow.source} to {flow.target}", "title"),
                 *self._lanes(bottom), *self._body,
                 f'<rect class="{verdict}" x="{_MARGIN}" y="{bottom}" rx="7" '
                 f'width="{width - 2 * _MARGIN}" height="{box}"/>']
        parts += [_text(_MARGIN + 12, bottom + 22 + 18 * i, line, f"{verdict}-text")
                  for i, line in enumerate(words)]
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _lanes(self, bottom: int) -> list[str]:
        lanes = []
        for host in self._hosts:
            x = self._x(host)
            lanes += [f'<rect class="lane" x="{x - 8}" y="62" width="{_WIDTH + 16}" '
                      f'height="{bottom - 72}" rx="10"/>',
                      f'<rect class="head" x="{x}" y="70" width="{_WIDTH}" height="28" rx="7"/>',
                      _text(x + 12, 89, _cut(host), "head-text")]
        return lanes


def _boxes(visits: tuple[Visit, ...]) -> list[_Box]:
    """Boxes for a packet's visits; hooks where nothing happened join the next one's box."""
    boxes: list[_Box] = []
    for visit in visits:
        lines = [line for step in visit.steps for line in _lines(step)]
        packet = brief(visit.packet)
        last = boxes[-1] if boxes else None
        if last and last.host == visit.host and last.packet == packet and not last.lines:
            last.hooks.append(visit.hook)
            last.lines = lines
        else:
            boxes.append(_Box(visit.host, [visit.hook], packet, lines))
    return boxes


def _lines(step: Step) -> list[_Line]:
    """How a step shows in its box; policies that accept do not."""
    if step.kind == "rule":
        bad = step.verdict.upper().startswith(("DROP", "REJECT"))
        return [_Line(f"{step.table} {step.chain} {step.number} → {step.verdict}",
                      "bad" if bad else "soft", step.rule)]
    if step.kind == "policy":
        dropped = step.verdict == "DROP"
        return [_Line(f"{step.table} {step.chain} policy → DROP", "bad")] if dropped else []
    if step.kind == "nat":
        return [_Line(_nat_text(step.text), "nat", step.text)]
    if step.kind == "drop":
        return [_Line(f"✕ {step.text}", "bad")]
    if step.kind == "deliver":
        return [_Line(step.text, "bad" if "nobody" in step.text else "good")]
    return [] if step.text == "local" else [_Line(step.text)]


_NAT: Final = re.compile(r"(source|destination) NAT: \S+ (\S+) > (\S+).* => \S+ (\S+) > (\S+)")


def _nat_text(text: str) -> str:
    """Only the end that changed: 'destination 10.96.0.10:80 → 172.17.0.6:5000'."""
    found = _NAT.match(text)
    if found is None:
        return text
    which, source, destination, new_source, new_destination = found.groups()
    old, new = (source, new_source) if which == "source" else (destination, new_destination)
    return f"{'S' if which == 'source' else 'D'}NAT {old} → {new}"


def _text(x: int, y: int, text: str, style: str, hover: str = "") -> str:
    title = f"<title>{escape(hover)}</title>" if hover else ""
    return f'<text class="{style}" x="{x}" y="{y}">{escape(text)}{title}</text>'


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS else text[: _CHARS - 1] + "…"


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(40, width), max_lines=4) or [""]
