"""Models held against one another: from the names of their runs to what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from comparison.answers import Answers, answers_of, windows_alone
from comparison.asked import MARGIN, Named, check_margin, named_models, unfinished_told
from comparison.details import details_of
from comparison.labels import baseline_told
from comparison.looks import looks_at
from comparison.matching import Matched, matched
from comparison.models import JudgedPair, judged_pairs, ranking, scores
from comparison.noise import recorded_noise
from comparison.recipes import differing_settings, recipe_settings, seed_of
from comparison.results import Comparison, Details, Figure, Pair, Selection, Side
from comparison.selection import selection_of_sweep
from comparison.sentences import rows_told, verdict_sentence
from export.variants import ORIGINAL
from scoring.paired import FEWEST_CHANGED
from scoring.verdict import Verdict

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.store import Store


def compare_models(
    store: Store,
    names: Sequence[str],
    *,
    margin: float = MARGIN,
    variant: str | None = None,
    whole: bool = False,
) -> Comparison:
    """The models of runs, or variants of their exports, by their answers to the rows of the official split that all
    of them answered.

    names: of runs, `ID` or `ID@VARIANT`; a sweep stands for its finished trials. margin: what does not matter, in the
    metric's unit. whole: with `Comparison.details`. UserError for what cannot be compared.
    """
    check_margin(margin)
    named = named_models(store, names, variant)
    found = matched(_all_answers(named))
    figures, selection = scores(found), _selection(named)
    order = ranking(found, figures)
    if selection is not None:  # the best on the official split would be one that was chosen by it
        order.sort(key=lambda number: named[number].key != (selection.winner, None))
    return comparison_of(store, named, found, figures, order, margin, selection=selection, whole=whole)


def comparison_of(
    store: Store,
    named: Sequence[Named],
    found: Matched,
    figures: Sequence[Figure],
    order: Sequence[int],
    margin: float,
    *,
    selection: Selection | None = None,
    whole: bool = False,
) -> Comparison:
    """Of models whose answers are matched. order: their numbers, the one first that the others are held against.

    selection: what chose that one; none: the sweep whose trials the models are, if they are of one.
    """
    chosen = _selection(named) if selection is None else selection
    models = _Models(store, named, found, figures, order, judged_pairs(found, order[0], margin), margin)
    return models.comparison(chosen, details_of(found, order) if whole else None)


def _selection(named: Sequence[Named]) -> Selection | None:
    """Of the sweep, where what is compared are the trials of one, as they were trained."""
    sweeps = {None if one.sweep is None else one.sweep.record.run_id for one in named}
    sweep = named[0].sweep
    if sweep is None or len(sweeps) > 1 or any(one.variant is not None for one in named):
        return None
    return selection_of_sweep(sweep)


def _all_answers(named: Sequence[Named]) -> list[Answers]:
    """Of a language model's export the rows are windows of stories, which the original answered beside it."""
    found = [answers_of(one.run, variant=one.variant) for one in named]
    exported = [one for one in found if one.variant is not None]
    if not exported or found[0].task.labelled:
        return found
    if len({one.run_id for one in found}) > 1:
        raise windows_alone(exported[0])
    return [one if one.variant is not None else answers_of(one.run, variant=ORIGINAL.name) for one in found]


@dataclass(frozen=True)
class _Models:
    """What a comparison of models is put together from. order: numbers of the models, best first."""

    store: Store
    named: Sequence[Named]
    matched: Matched
    figures: Sequence[Figure]
    order: Sequence[int]
    pairs: Sequence[JudgedPair]
    margin: float

    @property
    def task(self) -> Task:
        return self.matched.answers[0].task

    @cached_property
    def labels(self) -> list[str]:
        return [answers.label for answers in self.matched.answers]

    def sides(self) -> tuple[Side, ...]:
        """The best first; two stay as they were given."""
        keys = differing_settings([one.run.record for one in self.named])
        numbers = range(len(self.named)) if len(self.named) == 2 else self.order
        return tuple(self._side(number, keys) for number in numbers)

    def _side(self, number: int, keys: Sequence[str]) -> Side:
        named, answers = self.named[number], self.matched.answers[number]
        record, best, seed = named.run.record, self.order[0], seed_of(named.run.record)
        settings = recipe_settings(record)
        against = [one.judgement for one in self.pairs if {one.a, one.b} == {number, best}]
        return Side(
            label=self.labels[number],
            name=record.name,
            runs=(record.run_id,),
            seeds=() if seed is None else (seed,),
            variant=named.variant,
            score=self.figures[number],
            seed_scores=(self.figures[number].value,),
            loss=float(answers.losses_N.mean()) if self.task.labelled else None,
            held_out=record.metrics.get(f"best/{self.task.primary_metric}"),
            left_out=self.matched.left_out[number],
            differs={key: settings.get(key, "none") for key in keys},
            rank=self.order.index(number) + 1,
            tied=not any(judgement.differs for judgement in against),
            p=against[0].p_differs if against else None,
        )

    def pair(self, one: JudgedPair) -> Pair:
        found, (a, b) = one.judgement, (self.labels[one.a], self.labels[one.b])
        return Pair(
            a=a,
            b=b,
            verdict=found.verdict.value,
            sentence=verdict_sentence(
                found, a, b, self.task, f"on these {self.matched.rows:,} {self.task.rows}"
            ),
            difference=Figure(found.difference, found.low, found.high),
            p=one.p,
            p_holm=found.p_differs,
            detectable=found.detectable,
            needed=found.needed,
            unit="rows" if self.task.labelled else "stories",
            paired_by="rows",
            loss=one.loss,
            flips=one.flips,
        )

    def notes(self) -> Iterator[str]:
        sweep = self.named[0].sweep
        if sweep is not None and (unfinished := unfinished_told(sweep)):
            yield f"Left out: {unfinished}"
        yield from rows_told(self.matched.copies, zip(self.labels, self.matched.left_out, strict=True))
        yield from filter(None, [baseline_told(self.matched.answers)])
        for one in self.pairs:
            if one.flips is not None and one.p is None and one.judgement.verdict is Verdict.CANNOT_TELL:
                yield (
                    f"{self.labels[one.a]} and {self.labels[one.b]}: {one.flips.lost + one.flips.won} rows are "
                    f"answered right by one of them alone; with fewer than {FEWEST_CHANGED} there is an interval, "
                    "and none is called better."
                )

    def comparison(self, selection: Selection | None, details: Details | None) -> Comparison:
        first, experiment = self.matched.answers[0], self.named[0].run.record.experiment
        among = self.store.runs(experiment=experiment)
        return Comparison(
            of="models",
            subject=(
                f"{len(self.named)} models by their answers to the same {self.matched.rows:,} {self.task.rows} of the "
                f"official split of {experiment}"
            ),
            experiment=experiment,
            task=self.task.name,
            metric=self.task.metric,
            greater_is_better=self.task.greater_is_better,
            split=first.split,
            rows=self.matched.rows,
            copies=self.matched.copies,
            margin=self.margin,
            sides=self.sides(),
            pairs=tuple(self.pair(one) for one in self.pairs),
            noise=recorded_noise(self.store, experiment),
            looks=looks_at(experiment, among),
            selection=selection,
            notes=tuple(self.notes()),
            details=details,
        )
