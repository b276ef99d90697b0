"""Lessons that run: steps with what is said, what is typed and what must come out, as data."""

from minikube_sim.lessons.services import SERVICES
from minikube_sim.lessons.step import Lesson, Step

LESSONS = {lesson.name: lesson for lesson in (SERVICES,)}
"""Every lesson, by name."""

__all__ = ["LESSONS", "Lesson", "Step"]
