"""All tasks. A new one is a class beside these, a line here and a row of `export/tasks.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scoring.classification import Classification
from scoring.language import LanguageModelling
from scoring.task import Task

CLASSIFICATION, LANGUAGE_MODELLING = Classification(), LanguageModelling()
TASKS: tuple[Task, ...] = (CLASSIFICATION, LANGUAGE_MODELLING)


def task_named(name: str) -> Task:
    """The task that a record names; KeyError for none."""
    return {str(task.name): task for task in TASKS}[name]


def task_of_answers(columns: Iterable[str]) -> Task | None:
    """The task that a table of answers is of; none where it has the columns of no task."""
    present = set(columns)
    return next((task for task in TASKS if present.issuperset(task.answer_columns)), None)


def task_of_exported(columns: Iterable[str]) -> Task | None:
    """The task that the table of an export is of; none where it is of none."""
    present = set(columns)
    return next((task for task in TASKS if task.exported_column in present), None)


def task_of_export(metrics: Mapping[str, float], variant: str) -> Task | None:
    """The task whose export `metrics` are of; none where the variant was not measured."""
    return next((task for task in TASKS if f"export/{variant}/{task.export_figure}" in metrics), None)


def task_of_metrics(metrics: Mapping[str, float], prefix: str) -> Task | None:
    """The task whose metric stands among `metrics` under `prefix`; none where no task's does."""
    return next((task for task in TASKS if f"{prefix}/{task.metric}" in metrics), None)
