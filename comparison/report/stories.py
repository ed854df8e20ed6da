"""What a language model's stories are like: samples, and their measured quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparison.report.values import setting
from pages.sections import Section, Story
from pages.tables import Column, Table, table
from pages.texts import SHORT
from runs.layout import KIND_TAG, STORIES_OF_TAG, RunKind
from runs.samples import read_samples

if TYPE_CHECKING:
    from comparison.report.subject import Subject
    from runs.record_files import SampleRow

_MOST = 4
_QUALITY = "stories/"


def stories_section(subject: Subject) -> Section | None:
    """Of the winner. Nothing for a model that writes none."""
    if not subject.task.writes or subject.winner is None:
        return None
    samples = read_samples(subject.files(subject.winner))
    quality = _quality(subject)
    if not samples and quality is None:
        return None
    last = max((sample.step for sample in samples), default=0)
    shown = [sample for sample in samples if sample.step == last][:_MOST]
    said = f"Written by the winner after step {last:,}, from the same beginnings and seeds as after each validation."
    return Section(
        "stories",
        "Its stories",
        paragraphs=(said,) if shown else (),
        stories=tuple(_story(number, sample) for number, sample in enumerate(shown, 1)),
        tables=() if quality is None else (quality,),
    )


def _story(number: int, sample: SampleRow) -> Story:
    rest = sample.story.removeprefix(sample.prompt)
    return Story(f"Story {number}", sample.story[: len(sample.story) - len(rest)], rest, sample.ended)


def _quality(subject: Subject) -> Table | None:
    """Of each set of stories that was written with the winner and measured."""
    assert subject.winner is not None
    wanted = {KIND_TAG: RunKind.STORIES, STORIES_OF_TAG: subject.winner.run_id}
    runs = [
        run for run in subject.store.runs(tags=wanted) if any(key.startswith(_QUALITY) for key in run.metrics)
    ]
    keys = sorted({key for run in runs for key in run.metrics if key.startswith(_QUALITY)})
    if not runs:
        return None
    rows = [
        (run.run_id[:SHORT], *(setting(str(run.metrics[key])) if key in run.metrics else "" for key in keys))
        for run in runs
    ]
    columns = [
        Column("stories"),
        *(Column(key.removeprefix(_QUALITY).replace("_", " "), "number") for key in keys),
    ]
    return table("quality", "Sets of stories that were written with the winner", columns, rows)
