"""What the exported forms of some runs are worth and cost, and which of them nothing beats: the Pareto front.

What is read is each run's report of its export, which has the figures with all their digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from comparison.asked import sweeps_among, trained_runs, unfinished_told
from comparison.forms import (
    SIZE,
    Form,
    conditions_of,
    differing,
    forms_of,
    latency_of,
    placed,
    score_of,
)
from comparison.matching import check_one_task
from comparison.results import Figure
from errors import UserError
from export.variants import DEPLOYED, ORIGINAL
from runs.checks import export_command
from runs.layout import EXPORT_REPORT, fingerprint_tag, is_exported
from runs.record_files import MALFORMED, ReportFile
from runs.seals import check_listed
from schema.numbers import counted
from scoring.intervals import wilson_interval
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

if TYPE_CHECKING:
    from runs.files import RunFiles
    from scoring.task import Task
    from tracking.store import Store

Place = Literal["front", "dominated", "original", "unmeasured"]
_SHORT, _TOLD = 8, 3


@dataclass(frozen=True)
class FormRow:
    """One form of one run. label: names it on a command line. score: accuracy, or nats/token of a language model, with
    the interval where rows are counted.

    changed: answers that are not PyTorch's, of `answers` (of a language model's it is not known of how many); p: of
    the paired test, that it is right as often as FP32. place: `original` is the model as it was trained, which no
    server takes; `unmeasured` lacks a figure. dominated_by: the label of the front's best form that beats it.
    """

    label: str
    run: str
    name: str
    variant: str
    score: Figure
    perplexity: float | None
    changed: int | None
    answers: int | None
    p: float | None
    latency_ms: float | None
    size_mib: float | None
    place: Place
    dominated_by: str | None


@dataclass(frozen=True)
class Pareto:
    """`asdict` of it is its JSON.

    score: the figure that ranks; latency: the figure that `latency_ms` is. over: what the front is of, the score first.
    conditions: what the latencies hold under, where that is the same for all runs; incomparable: the values of a
    condition where it is not, and then no latency decides anything. unexported: commands that export the runs that are
    not. notes: full sentences.
    """

    task: str
    score: str
    greater_is_better: bool
    rows_scored: int | None
    latency: str
    over: tuple[str, ...]
    forms: tuple[FormRow, ...]
    conditions: Mapping[str, str]
    incomparable: Mapping[str, tuple[str, ...]]
    unexported: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Exported:
    """A run, and what it recorded of its export."""

    run: RunFiles
    report: ReportFile
    task: Task

    @property
    def scored_on(self) -> tuple[str | None, ...]:
        """What is the same where two runs were scored on the same rows, in the same unit."""
        tags = self.run.record.tags
        of_tokens = () if self.task.labelled else ("tokenizer", "tokens.test")
        digests = [tags.get(fingerprint_tag(name)) for name in ("test", *of_tokens)]
        return (*digests, self.report.params.get("export/scored_examples"))


def pareto(store: Store, names: Sequence[str]) -> Pareto:
    """The front of all exported forms of the runs that are named, a sweep standing for its finished trials.

    UserError where none is exported, and where they are of different tasks or were scored on different rows.
    """
    runs = trained_runs(store, names)
    unfinished = [
        f"Left out: {told}" for sweep in sweeps_among(store, names) if (told := unfinished_told(sweep))
    ]
    exported = [_exported(run) for run in runs if _has_export(run)]
    without = [run for run in runs if not _has_export(run)]
    if not exported:
        raise _nothing_exported(without)
    _check_alike(exported)
    task = exported[0].task
    forms = [form for one in exported for form in forms_of(one.run.record, one.report.metrics)]
    score = score_of(task, forms)
    forms = [form for form in forms if score in form.figures]
    params = [one.report.params for one in exported]
    latency = latency_of(forms)
    apart = differing(params, latency)
    rows = counted(params[0].get("export/scored_examples", ""))
    figures = [SIZE] if apart else [latency, SIZE]
    return Pareto(
        task=task.name,
        score=score,
        greater_is_better=task.greater_is_better,
        rows_scored=rows,
        latency=latency,
        over=(score, "size") if apart else (score, "latency", "size"),
        forms=tuple(_rows(forms, task, _Figures(score, latency, rows), figures)),
        conditions={
            name: params[0].get(key, "unknown")
            for key, name in conditions_of(latency).items()
            if name not in apart
        },
        incomparable={name: tuple(values) for name, values in apart.items()},
        unexported=tuple(export_command(run, DEPLOYED.name).strip("`") for run in without),
        notes=(*unfinished, *_notes(exported, without, apart)),
    )


def _has_export(run: RunFiles) -> bool:
    return is_exported(run.record) and run.has(EXPORT_REPORT)


def _exported(run: RunFiles) -> _Exported:
    check_listed(run, EXPORT_REPORT)
    report = run.read(ReportFile, EXPORT_REPORT)
    scored = f"export/{ORIGINAL.name}/"
    if f"{scored}{CLASSIFICATION.metric}" in report.metrics:
        return _Exported(run, report, CLASSIFICATION)
    if f"{scored}loss" in report.metrics:
        return _Exported(run, report, LANGUAGE_MODELLING)
    raise UserError(f"{EXPORT_REPORT} has no scores of a task", where=run.where, cure=MALFORMED)


def _nothing_exported(runs: Sequence[RunFiles]) -> UserError:
    commands = ", ".join(export_command(run, DEPLOYED.name) for run in runs[:_TOLD])
    many = f"none of its {len(runs)} runs is exported" if len(runs) > 1 else "is not exported"
    return UserError(many, where=runs[0].where, cure=f"{commands} writes and measures its forms.")


def _check_alike(exported: Sequence[_Exported]) -> None:
    """UserError for runs whose scores do not compare."""
    first = exported[0]
    check_one_task([(one.run.where, one.task) for one in exported])
    for other in exported[1:]:
        if other.scored_on != first.scored_on:
            raise UserError(
                f"its export was scored on other rows than that of {first.run.where}",
                where=other.run.where,
                cure="Ask for each alone, or export both with the same data and export.scored_examples.",
            )


@dataclass(frozen=True)
class _Figures:
    """Names of the score and the latency, and how many rows were scored."""

    score: str
    latency: str
    rows: int | None


def _rows(forms: Sequence[Form], task: Task, of: _Figures, costs: Sequence[str]) -> Iterator[FormRow]:
    """Those of the front first, the smallest of them first; then the others likewise."""
    places = placed(forms, task, of.score, costs)
    order = sorted(range(len(forms)), key=lambda one: (places[one] != (), _by_size(forms[one])))
    for number in order:
        above, form = places[number], forms[number]
        place: Place = "front" if above == () else "dominated"
        if above is None:
            place = "unmeasured" if form.variant.is_exported else "original"
        beats = min(
            (forms[one] for one in above or ()),
            key=lambda one: (_signed(one, task, of.score), _by_size(one)),
            default=None,
        )
        yield _row(form, of, place, None if beats is None else beats.label)


def _by_size(form: Form) -> tuple[float, str]:
    return form.figures.get(SIZE, float("inf")), form.label


def _signed(form: Form, task: Task, score: str) -> float:
    return -form.figures[score] if task.greater_is_better else form.figures[score]


def _row(form: Form, of: _Figures, place: Place, dominated_by: str | None) -> FormRow:
    figures = form.figures
    changed = figures.get("changed_answers")
    return FormRow(
        label=form.label,
        run=form.run.run_id,
        name=form.run.name,
        variant=form.variant.name,
        score=_score(form, of.score, of.rows),
        perplexity=figures.get("perplexity"),
        changed=None if changed is None else int(changed),
        answers=of.rows if of.score == CLASSIFICATION.metric else None,
        p=figures.get("accuracy_drop_p_value"),
        latency_ms=figures.get(of.latency),
        size_mib=figures.get(SIZE),
        place=place,
        dominated_by=dominated_by,
    )


def _score(form: Form, score: str, rows: int | None) -> Figure:
    """An export of an earlier version kept no interval: Wilson's follows from the rows."""
    value = form.figures[score]
    low, high = form.figures.get(f"{score}_low"), form.figures.get(f"{score}_high")
    if low is None and rows and score == CLASSIFICATION.metric:
        low, high = wilson_interval(round(value * rows), rows)
    return Figure(value, low, high)


def _notes(
    exported: Sequence[_Exported], without: Sequence[RunFiles], apart: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    if apart:
        told = "; ".join(f"{name}: {', '.join(values)}" for name, values in apart.items())
        yield (
            f"The latencies were not measured alike ({told}), so they do not compare, and the front is of score and "
            f"size alone: `encore export ID` measures a run again, here."
        )
    if without:
        commands = ", ".join(export_command(run, DEPLOYED.name) for run in without[:_TOLD])
        more = f" and likewise {len(without) - _TOLD} more" if len(without) > _TOLD else ""
        yield f"{len(without)} of {len(without) + len(exported)} runs are not exported: {commands}{more}."
    for one in exported:
        for key, why in sorted(one.report.params.items()):
            if key.startswith("export/") and key.endswith("/skipped"):
                yield f"{one.run.where}: {key.split('/')[1]} was left out of the export: {why}."
