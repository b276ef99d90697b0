"""`minikube-sim demo`: the lesson, live, with the real kubectl; fails if it does not go as told."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from minikube_sim import demo as player
from minikube_sim.cli.console import USAGE, emit_json, escape, fail, out, plain
from minikube_sim.cli.kubectl import find
from minikube_sim.cli.options import OutputFlag, check_output, number
from minikube_sim.lessons import LESSONS
from minikube_sim.lessons.step import Lesson, Text

_SUMMARY = Text("{passed} of {total} steps went as the lesson says, in {seconds:.1f} s.",
                "Как в уроке прошли {passed} из {total} шагов, за {seconds:.1f} с.")
_STARTING = Text("Starting a fresh cluster ...", "Запускаем новый кластер ...")


def demo(
    lesson: Annotated[str, typer.Argument(help="Which lesson.")] = "services",
    lang: Annotated[str, typer.Option(metavar="en|ru", help="The language.")] = "en",
    pace: Annotated[str, typer.Option(metavar="SECONDS", help="Seconds between steps.")] = "0",
    output: OutputFlag = "text",
) -> None:
    """Play a lesson step by step against a fresh cluster and check every step."""
    as_json, seconds = check_output(output), number("pace", pace, float)
    if lang not in ("en", "ru"):
        fail(f"--lang {lang}: must be en or ru", USAGE)
    if lesson not in LESSONS:
        fail(f"there is no lesson {lesson!r}; there are: {', '.join(LESSONS)}", USAGE)
    try:
        outcomes = _play(LESSONS[lesson], lang, seconds, quiet=as_json)
    except player.DemoError as error:
        fail(str(error))
    if as_json:
        emit_json([{"command": o.command, "output": o.output, "passed": o.passed,
                    "problems": o.problems, "seconds": round(o.seconds, 3)} for o in outcomes])
    else:
        _summarise(outcomes, lang)
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(1)


def _play(lesson: Lesson, lang: str, pace: float, *, quiet: bool) -> list[player.Outcome]:
    outcomes = []
    if not quiet:
        out.print(f"[bold]{escape(lesson.title.in_language(lang))}[/bold]")
        out.print(f"[cyan]*[/cyan] {_STARTING.in_language(lang)}")
    with player.stage([], find()) as stage:
        for outcome in player.play(lesson, stage):
            outcomes.append(outcome)
            if not quiet:
                _show(len(outcomes), outcome, lang)
                time.sleep(pace)
    return outcomes


def _show(number: int, outcome: player.Outcome, lang: str) -> None:
    out.print(f"\n[bold]{number}. {escape(outcome.step.say.in_language(lang))}[/bold]")
    out.print(f"[green]$[/green] {escape(outcome.command)}")
    plain(outcome.output, end="")
    for problem in outcome.problems:
        out.print(f"[red]FAILED:[/red] {escape(problem)}")


def _summarise(outcomes: list[player.Outcome], lang: str) -> None:
    passed = sum(outcome.passed for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    text = _SUMMARY.in_language(lang).format(passed=passed, total=len(outcomes), seconds=seconds)
    colour = "green" if passed == len(outcomes) else "red"
    out.print(f"\n[{colour}]{text}[/{colour}]")
