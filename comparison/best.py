"""The best run of an experiment: chosen by the held-out slice, with its claim on the official split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparison.answers import Answers, answers_of
from comparison.asked import MARGIN, Named, check_margin
from comparison.compare_models import comparison_of
from comparison.labels import baseline_told
from comparison.looks import looks_at, scored
from comparison.matching import matched
from comparison.models import scores
from comparison.noise import recorded_noise
from comparison.results import Comparison, Figure, Looks, NoiseFloor, Selection
from comparison.selection import HELD_OUT, selection_by
from errors import UserError
from runs.files import RunFiles
from runs.layout import fingerprint_tag
from runs.trials import ranked, selection_score
from schema.validation import nearest
from scoring.tasks import task_of_metrics

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.entities import RunRecord
    from tracking.store import Store

MOST_COMPARED = 40
"""The winner is held against so many runs, the best by the held-out slice."""


@dataclass(frozen=True)
class Best:
    """The winner of an experiment. `asdict` of it is its JSON.

    run: its ID. name: as the store has it. held_out: the metric that chose it. claim: the metric on the official split.
    selection: how much too good `held_out` looks; comparison: with the other runs on the official split, the winner
    first; both none where it is the only run. runs: trainings that could be chosen, each once. tied: the runs that
    cannot be told from the winner, the winner among them. command: plays it again.
    """

    experiment: str
    task: str
    metric: str
    run: str
    name: str
    held_out: float
    claim: Figure
    runs: int
    tied: tuple[str, ...]
    selection: Selection | None
    comparison: Comparison | None
    noise: NoiseFloor | None
    looks: Looks
    notes: tuple[str, ...]
    command: str


def best_run(store: Store, experiment: str, *, margin: float = MARGIN) -> Best:
    """The finished run of an MLflow experiment with the best held-out metric, and how sure that is.

    A result that was taken over and a run that was played again count once; a run whose answers cannot be compared,
    such as one of an earlier version, is left out and named. UserError for an experiment that there is not, and for
    one without a finished run to choose.
    """
    check_margin(margin)
    among = store.runs(experiment=experiment)
    if not among:
        raise _unknown(store, experiment)
    trained = scored(among)
    if not trained:
        raise _nothing_to_choose("has no finished run with scores", experiment)
    alike, others = _held_out_together(trained)
    task = _task(alike[0])
    order = ranked([record for record in alike if _is_scored(record, task)], task)
    official, held_out, unread = _readable([RunFiles(store, record) for record in order])
    if not official:
        what = "has no finished run with a held-out score whose answers can be compared"
        raise _nothing_to_choose(f"{what}{''.join(f'; {each}' for each in unread[:1])}", experiment)
    selection = None
    if len(official) > 1:
        selection = selection_by(held_out, scores(matched(official[:1]))[0], None)
    notes = (*unread, *filter(None, [baseline_told(official[:1])]), *_notes(len(held_out), others))
    return _found(store, task, official, len(held_out), selection, among, notes, margin)


def _is_scored(record: RunRecord, task: Task) -> bool:
    score = selection_score(record, task)
    return score is not None and math.isfinite(score)


def _readable(runs: Sequence[RunFiles]) -> tuple[list[Answers], list[Answers], list[str]]:
    """In the order of the runs: of the first their answers to the official rows, of all those to the held-out rows,
    and a line for each run that is left out."""
    official, held_out, unread = list[Answers](), list[Answers](), list[str]()
    for run in runs:
        try:
            found = [answers_of(run, HELD_OUT)]
            if len(official) < MOST_COMPARED:
                official.append(answers_of(run))
        except UserError as error:
            unread.append(f"Left out: {error.where} {error.what}.")
        else:
            held_out += found
    return official, held_out, unread


def _found(
    store: Store,
    task: Task,
    official: Sequence[Answers],
    runs: int,
    selection: Selection | None,
    among: Sequence[RunRecord],
    notes: tuple[str, ...],
    margin: float,
) -> Best:
    record = official[0].run.record
    experiment = record.experiment
    compared = None if selection is None else _compared(store, official, margin, selection)
    return Best(
        experiment=experiment,
        task=task.name,
        metric=task.metric,
        run=record.run_id,
        name=record.name,
        held_out=record.metrics[f"best/{task.primary_metric}"],
        claim=scores(matched(official[:1]))[0],
        runs=runs,
        tied=(record.run_id,)
        if compared is None
        else tuple(run for side in compared.tied for run in side.runs),
        selection=selection,
        comparison=compared,
        noise=recorded_noise(store, experiment),
        looks=looks_at(experiment, among),
        notes=notes,
        command=f"encore reproduce {record.run_id[:8]}",
    )


def _compared(store: Store, official: Sequence[Answers], margin: float, selection: Selection) -> Comparison:
    """On the official split, each against the one that the held-out slice chose."""
    found = matched(official)
    named, order = [Named(one.run) for one in official], range(len(official))
    return comparison_of(store, named, found, scores(found), order, margin, selection=selection)


def _task(record: RunRecord) -> Task:
    task = task_of_metrics(record.metrics, "test")
    assert task is not None, "it was scored"
    return task


def _held_out_together(trained: Sequence[RunRecord]) -> tuple[list[RunRecord], int]:
    """The runs that held out the same rows as most did, and how many held out others: those scores do not compare."""
    slices = Counter(record.tags.get(fingerprint_tag(HELD_OUT)) for record in trained)
    most = slices.most_common(1)[0][0]
    alike = [record for record in trained if record.tags.get(fingerprint_tag(HELD_OUT)) == most]
    return alike, len(trained) - len(alike)


def _notes(runs: int, others: int) -> tuple[str, ...]:
    notes: list[str] = []
    if others:
        notes.append(
            f"{others} more runs held out other rows, so their held-out scores do not compare with these; "
            "`encore compare` takes them."
        )
    if runs > MOST_COMPARED:
        notes.append(f"Of {runs} runs the best {MOST_COMPARED} by the held-out slice are compared.")
    return tuple(notes)


def _nothing_to_choose(what: str, experiment: str) -> UserError:
    return UserError(what, where=f"experiment {experiment}", cure="`encore runs` lists the runs.")


def _unknown(store: Store, experiment: str) -> UserError:
    names = sorted({run.experiment for run in store.runs()})
    close = nearest(experiment, names)
    cure = f"Did you mean {close}?" if close else f"There are {', '.join(names[:8])}."
    return UserError("is no experiment with runs", where=experiment, cure=cure)
