"""Lessons as data: checks that can fail, commands that are consistent."""

from __future__ import annotations

import re

import pytest

from minikube_sim.lessons import LESSONS
from minikube_sim.lessons.step import contains, equals, evenly, fill, lacks, matches


@pytest.mark.parametrize(("check", "good", "bad"), [
    (equals("a"), "a\n", "ab"),
    (equals("{x}"), "1", "{x}"),
    (contains("IP: {x}"), "IP:     1", "IP: 2"),
    (lacks("{x}"), "2", "12"),
    (matches(r"^a +b$"), "z\na   b\n", "ab"),
    (evenly(kinds=2, each=2), "a\nb\na\nb\n", "a\na\nb\nb\n"),
    (evenly(kinds=2, each=2), "b\na\nb\na\n", "a\nb\na\na\n"),
])
def test_a_check_accepts_what_it_should_and_nothing_else(check, good, bad):
    assert check(good, {"x": "1"}) is None
    assert check(bad, {"x": "1"})


def test_only_captured_names_are_filled():
    assert fill("{vip} {5} {}", {"vip": "10.0.0.1"}) == "10.0.0.1 {5} {}"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_what_a_command_names_was_captured_before(lesson):
    known: set[str] = set()
    for step in lesson.steps:
        assert set(re.findall(r"\{([a-z]+)\}", step.command)) <= known, step.command
        known |= set(step.capture)


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_step_is_told_in_both_languages_and_checked(lesson):
    for step in lesson.steps:
        assert step.checks, step.command
        assert step.say.en
        assert re.search("[а-яё]", step.say.ru), step.say
