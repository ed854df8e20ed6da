"""What an export answered of stories: windows of tokens, of which it keeps no bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoring.language import LanguageModelling
from scoring.tasks import task_named

if TYPE_CHECKING:
    from comparison.results import Comparison
    from scoring.task import Task


class WindowsOfStories(LanguageModelling):
    metric = "bits_per_token"
    unit = " bits per token"
    difference_unit = "bits per token"
    rows = "windows of stories"


WINDOWS = WindowsOfStories()


def task_of(comparison: Comparison) -> Task:
    """The task whose metric a comparison is of."""
    return WINDOWS if comparison.metric == WINDOWS.metric else task_named(comparison.task)
