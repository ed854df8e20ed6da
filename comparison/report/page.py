"""The page: its sections in their order, each of which may fail by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from comparison.report.answered import hardest_examples, reliability_section
from comparison.report.attempts import Attempts
from comparison.report.curves import learning_curves
from comparison.report.exports import exports_section
from comparison.report.question import differences, held_settings, question
from comparison.report.run_table import run_table
from comparison.report.seeds import seeds_section
from comparison.report.stories import stories_section
from comparison.report.strips import settings_section
from comparison.report.sure import how_sure
from comparison.report.winner import winner
from pages.rendering import page
from pages.sections import Section

if TYPE_CHECKING:
    from comparison.report.subject import Subject

Part = Callable[["Subject"], Section | None]
_PARTS: tuple[tuple[str, Part], ...] = (
    ("the winner", winner),
    ("how sure that is", how_sure),
    ("the question", question),
    ("what differs", differences),
    ("the table of runs", run_table),
    ("the learning curves", learning_curves),
    ("the settings", settings_section),
    ("the exports", exports_section),
    ("its reliability", reliability_section),
    ("the seeds", seeds_section),
    ("the stories", stories_section),
    ("the hardest examples", hardest_examples),
    ("the settings that were held", held_settings),
)


def page_of(subject: Subject, attempts: Attempts, notes: Sequence[str] = ()) -> str:
    """The whole page as HTML; the same store gives the same text. notes: what is said below the heading."""
    found: list[Section | None] = []
    for what, part in _PARTS:
        with attempts(f"{what} cannot be shown"):
            found.append(part(subject))
    command = (
        f"encore reproduce {subject.runs[0].run_id} runs the first of these runs again and says whether it is"
    )
    return page(
        subject.title,
        [section for section in found if section is not None],
        kicker="Encore report",
        lead=_experiment(subject) + (f" · {len(subject.runs)} runs" if subject.parent is not None else ""),
        foot=f"Written by Encore from its records. {command} the same, to the bit.",
        notes=[*notes, *subject.notes, *attempts.notes],
    )


def _experiment(subject: Subject) -> str:
    run = subject.runs[0]
    return run.params.get("description") or run.experiment
