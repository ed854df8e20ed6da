"""What a comparison found, as plain values: the one form that the terminal, JSON, tables and pages are made from.

Scores and differences are in the metric's own unit: shares of rows for accuracy (0.012 is 1.2 points), bits per byte
for language models. A difference is B minus A, whatever is better. `dataclasses.asdict` of a `Comparison` is its JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SCHEMA = 1
Of = Literal["models", "recipes"]


@dataclass(frozen=True)
class Figure:
    """A value with its interval (95 %); none where one run or one seed says nothing of how sure it is."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Side:
    """One of what was compared: a model, or a recipe with its seeds.

    label: what names it on a command line. name: the run's; of a recipe, of its experiment and what it varies.
    runs, seeds: one of a model. variant: of its export; none: as it was trained. loss: mean nats of a row, of
    classifiers alone. held_out: the metric on the held-out slice, by which one side may have been selected. left_out:
    rows that it answered and another did not. differs: the settings in which the sides differ. rank: from 1, the best;
    among the trials of a sweep and the runs of an experiment the one that the held-out slice chose comes first.
    tied: cannot be told from the best, which is so itself. p: that it is as good as the best, after Holm; none for the
    best.
    """

    label: str
    name: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    variant: str | None
    score: Figure
    seed_scores: tuple[float, ...]
    loss: float | None
    held_out: float | None
    left_out: int
    differs: dict[str, str]
    rank: int
    tied: bool
    p: float | None


@dataclass(frozen=True)
class LossTest:
    """B's mean loss minus A's, nats a row, by the bootstrap (BCa)."""

    difference: Figure
    p: float


@dataclass(frozen=True)
class Flips:
    """The answers of two models that are not the same. lost: A right and B wrong; won: A wrong and B right; other: both
    wrong, and not alike. churn: share of rows whose answers differ. moved: how far the probability of A's answer moved,
    over all rows: the mean, what 95 % of them stay below, the most."""

    lost: int
    won: int
    other: int
    churn: float
    moved_mean: float
    moved_p95: float
    moved_max: float


@dataclass(frozen=True)
class Pair:
    """B against A.

    verdict: of B. sentence: with its subject. detectable: the least difference that so many rows or seeds find four
    times in five; none where no number tells. needed: about how many rows or seeds would tell, none where it is told
    or none would. p_holm: after Holm over all pairs of the comparison. paired_by: what pairs their scores.
    better_share: of pairs of seeds, those in which B is better, a tie as half (P(B > A)). one_more: the command that
    trains one seed more of the recipe with fewer, where seeds cannot tell.
    """

    a: str
    b: str
    verdict: Literal["better", "worse", "the same", "cannot tell"]
    sentence: str
    difference: Figure
    p: float | None
    p_holm: float | None
    detectable: float | None
    needed: int | None
    unit: Literal["rows", "seeds", "stories"]
    paired_by: Literal["rows", "seeds", "nothing"]
    better_share: float | None = None
    loss: LossTest | None = None
    flips: Flips | None = None
    one_more: str | None = None


@dataclass(frozen=True)
class NoiseFloor:
    """What a new seed alone does to a recipe's score: standard deviation, and the share of answers that two seeds give
    otherwise (none for language models). seeds: how many it is from; low, high: 95 % interval of the deviation."""

    recipe: str
    deviation: float
    low: float | None
    high: float | None
    flip_rate: float | None
    seeds: int


@dataclass(frozen=True)
class Looks:
    """How often the official split of an experiment was looked at: runs scored on it, each training once."""

    experiment: str
    runs: int


@dataclass(frozen=True)
class Selection:
    """The choice of a run by its held-out score, which looks better than the run is, because it was chosen for it.

    by: the sweep that chose (the beginning of its ID); none: the whole experiment. winner: the run's ID. runs: it was
    the best of so many; rows: of the held-out slice. held_out: its score there. bias: by how much that is expected to
    look too good, from 0. claim: its score on the official split, which chose nothing.
    """

    by: str | None
    winner: str
    runs: int
    rows: int
    held_out: float
    bias: float
    claim: Figure


@dataclass(frozen=True)
class Example:
    """A row and what each side answered (its label's number) with which probability of the true label."""

    row: int
    text: str
    label: int
    answers: tuple[int, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Slice:
    """Some of the rows: what A and B score there (Wilson), and how B differs from A (Bonett & Price).

    p: that they do not differ there, after Holm over all slices. stands_out: whether that is more than chance.
    """

    name: str
    rows: int
    a: Figure
    b: Figure
    difference: Figure
    p: float
    stands_out: bool


@dataclass(frozen=True)
class Against:
    """A figure beside what it would be for a perfectly calibrated model on these rows: mean, 95 % range, and how often
    it would be as large."""

    value: float
    null: float
    null_low: float
    null_high: float
    p: float


@dataclass(frozen=True)
class Point:
    """Of a reliability curve. share: that is right at this confidence; low, high: where 90 of 100 curves of a perfectly
    calibrated model lie."""

    confidence: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Whether a side's confidence is the share of its answers that are right (CORP).

    ece: expected calibration error, which says something beside its null alone. brier is miscalibration -
    discrimination + uncertainty.
    """

    side: str
    ece: Against
    brier: float
    miscalibration: Against
    discrimination: float
    uncertainty: float
    curve: tuple[Point, ...]


@dataclass(frozen=True)
class Confusion:
    """counts: rows of each true label, by what was answered."""

    side: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Details:
    """What is long. a, b: of the two that examples and slices are about: those that were named, or the two best.

    only_a, only_b: rows that one of them alone answers right, those first where the probabilities lie furthest apart.
    hardest: rows that most sides answer wrong, the surest of a wrong answer first. label_names: of each label's number.
    """

    a: str
    b: str

    only_a: tuple[Example, ...]
    only_b: tuple[Example, ...]
    hardest: tuple[Example, ...]
    slices: tuple[Slice, ...]
    calibration: tuple[Calibration, ...]
    confusion: tuple[Confusion, ...]
    label_names: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What was compared, on what, and what came out.

    of: models (answers to the same rows) or recipes (scores of several seeds). subject: that in words. rows: that all
    sides answered; copies: how many of them stand there before. pairs: those that were asked for; with more than two
    sides each with each, which Holm corrects for. sides: the best first; where there are two, as they were given.
    """

    of: Of
    subject: str
    experiment: str
    task: str
    metric: str
    greater_is_better: bool
    split: str
    rows: int
    copies: int
    margin: float
    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    noise: NoiseFloor | None
    looks: Looks | None
    selection: Selection | None
    notes: tuple[str, ...]
    details: Details | None = None
    schema: int = field(default=SCHEMA)

    @property
    def best(self) -> Side:
        return min(self.sides, key=lambda side: side.rank)

    @property
    def tied(self) -> tuple[Side, ...]:
        """Those that cannot be told from the best, the best among them."""
        return tuple(side for side in self.sides if side.tied)
