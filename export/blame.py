"""Why a classifier's variant answers otherwise than FP32: which answers changed, and which nodes carry the error.

Shape legend: N examples, C classes.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from errors import UserError
from export.classification import changes, within_limit
from export.classifier_files import Plan
from export.materials import Materials
from export.options import ScoringSet
from export.quantizing.graph import names_of, products_of
from export.scoring import LoadedVariant, scored_alone
from export.session import OnnxModel
from export.variants import FP32, Variant
from host.progress import OnProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

_MOST_WORK = 6e12  # multiplications that asking for every share may cost: about half a minute on two cores
_SINGLES = 4  # nodes that are tried alone
_COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32)  # of nodes that are tried together
_PRUNED = 8  # so many at most are left out again one by one
_MIB = 2**20


@dataclass(frozen=True)
class ChangedAnswer:
    """index: of the example among those scored. margins: FP32's answer's logit above the next, in FP32 and here."""

    index: int
    label: int
    base: int
    ours: int
    base_margin: float
    margin: float


@dataclass(frozen=True)
class NodeShare:
    """What the variant would be with this node alone in float32.

    error: root of the mean squared difference of its logits from FP32's. share: of the squared error that goes with it;
    below 0 where it grows. changed: answers, of the examples asked. mib: by which the file grows.
    """

    name: str
    error: float
    share: float
    changed: int
    mib: float


@dataclass(frozen=True)
class Scored:
    """The variant with the nodes `float32` left in float32, scored on all examples."""

    float32: tuple[str, ...]
    accuracy: float
    drop_points: float
    changed: int
    lost: int
    won: int
    error: float
    size_mib: float
    meets_gate: bool


@dataclass(frozen=True)
class Blame:
    """examples: scored. asked: of these, those that each node's share was measured on. median_margin: FP32's, of all.

    nodes: the one that carries most first. smallest: the fewest nodes found that meet the gate, `as_it_is` where it
    meets the gate as it is.
    """

    variant: str
    limit_points: float
    examples: int
    asked: int
    median_margin: float
    as_it_is: Scored
    smallest: Scored
    changed: tuple[ChangedAnswer, ...]
    nodes: tuple[NodeShare, ...]


@dataclass(frozen=True)
class Suspect:
    """A variant that can be drawn with any of its nodes in float32. workers: bounded calls at once."""

    variant: Variant
    plan: Plan
    materials: Materials
    scoring: ScoringSet
    max_accuracy_drop: float
    workers: int

    @property
    def labels(self) -> NDArray[np.int64]:
        assert self.scoring.labels is not None
        return self.scoring.labels

    @cached_property
    def nodes(self) -> list[str]:
        """Those that the variant writes in whole numbers."""
        left = self.plan.float32.union(self.materials.float32_nodes)
        return [name for name in names_of(self.materials.graph) if name not in left]

    @cached_property
    def base(self) -> Logits:
        """FP32's logits (N, C)."""
        model = OnnxModel(self.materials.fp32, threads=1)
        return self._scored(LoadedVariant(FP32, model.path, model.logits), range(len(self.labels)))

    @cached_property
    def as_it_is(self) -> bytes:
        """The variant with the nodes in float32 that it has so anyway."""
        return self.drawn(())

    def drawn(self, float32: Collection[str]) -> bytes:
        kept = [*float32, *self.materials.float32_nodes]
        return self.plan.drawn(self.materials.graph, kept=kept).SerializeToString()

    def logits(self, drawn: bytes, rows: Sequence[int]) -> Logits:
        """Of those rows, each asked alone."""
        model = OnnxModel(self.materials.folder / self.variant.name, threads=1, drawn=drawn)
        return self._scored(LoadedVariant(self.variant, model.path, model.logits), rows)

    def _scored(self, loaded: LoadedVariant, rows: Sequence[int]) -> Logits:
        return scored_alone(loaded, [self.scoring.input_ids[row] for row in rows], workers=self.workers)


def blame(suspect: Suspect, on_progress: OnProgress) -> Blame:
    """About a minute for a model of 22 million weights and 872 sentences. The gate is on accuracy below FP32's.

    UserError where the variant writes no node in whole numbers.
    """
    if not suspect.nodes:
        raise UserError(
            f"{suspect.variant.name} writes no node of this model in whole numbers, so it answers as FP32",
            where=f"--explain {suspect.variant.name}",
            cure="There is nothing to explain.",
        )
    everything = range(len(suspect.labels))
    on_progress("scoring the variant as it is", 0, 0)
    drawn = suspect.as_it_is
    logits_NC = suspect.logits(drawn, everything)
    as_it_is = _scored(suspect, (), drawn, logits_NC)
    changed_N = _changed(suspect.base, logits_NC)
    asked = _asked(suspect, np.flatnonzero(changed_N))
    nodes = _shares(suspect, asked, logits_NC, len(drawn), on_progress)
    return Blame(
        variant=suspect.variant.name,
        limit_points=100 * suspect.max_accuracy_drop,
        examples=len(everything),
        asked=len(asked),
        median_margin=float(np.median(_margins(suspect.base, suspect.base))),
        as_it_is=as_it_is,
        smallest=as_it_is
        if as_it_is.meets_gate
        else _smallest(suspect, [node.name for node in nodes], on_progress),
        changed=tuple(_changed_answers(suspect, logits_NC, changed_N)),
        nodes=nodes,
    )


def _shares(
    suspect: Suspect, asked: list[int], logits_NC: Logits, size: int, on_progress: OnProgress
) -> tuple[NodeShare, ...]:
    """One node after the other in float32, the others as they are."""
    base = suspect.base[asked]
    whole = _error(base, logits_NC[asked])
    found: list[NodeShare] = []
    for done, name in enumerate(suspect.nodes):
        on_progress("leaving one node in float32", done, len(suspect.nodes))
        drawn = suspect.drawn([name])
        logits = suspect.logits(drawn, asked)
        error = _error(base, logits)
        share = 1 - (error / whole) ** 2 if whole else 0.0
        changed = int(_changed(base, logits).sum())
        found.append(NodeShare(name, error, share, changed, (len(drawn) - size) / _MIB))
    return tuple(sorted(found, key=lambda node: node.error))


def _smallest(suspect: Suspect, by_share: Sequence[str], on_progress: OnProgress) -> Scored:
    """The fewest nodes found that meet the gate: single ones first, then the first of all by the error that goes with
    each, and of a few those without which it is met too."""
    tries = itertools.count()

    def scored(names: Sequence[str]) -> Scored:
        on_progress("looking for the fewest nodes to leave in float32", next(tries), 0)
        drawn = suspect.drawn(names)
        return _scored(suspect, tuple(names), drawn, suspect.logits(drawn, range(len(suspect.labels))))

    firsts = [by_share[:count] for count in _COUNTS if count < len(by_share)]
    candidates = [*([name] for name in by_share[:_SINGLES]), *firsts, by_share]
    best = next(found for names in candidates if (found := scored(names)).meets_gate or names is by_share)
    if 1 < len(best.float32) <= _PRUNED:
        for name in reversed(best.float32):
            without = scored([other for other in best.float32 if other != name])
            best = without if without.meets_gate else best
    return best


def _asked(suspect: Suspect, changed: NDArray[np.intp]) -> list[int]:
    """The examples that each node's share is measured on: all, or those that changed and an even part of the rest."""
    lengths_N = np.array([len(ids) for ids in suspect.scoring.input_ids])
    weights = sum(product.weight_KN.size for product in products_of(suspect.materials.graph))
    fitting = int(_MOST_WORK / (weights * lengths_N.mean() * len(suspect.nodes)))
    if fitting >= len(lengths_N):
        return list(range(len(lengths_N)))
    places = np.linspace(0, len(lengths_N) - 1, max(1, fitting)).round().astype(int)
    return sorted({*np.argsort(lengths_N, kind="stable")[places].tolist(), *changed.tolist()})


def _scored(suspect: Suspect, float32: tuple[str, ...], drawn: bytes, logits_NC: Logits) -> Scored:
    base_N, ours_N = (found.argmax(axis=1) == suspect.labels for found in (suspect.base, logits_NC))
    drop = float(base_N.mean() - ours_N.mean())
    lost, won = changes(base_N, ours_N)
    return Scored(
        float32=float32,
        accuracy=float(ours_N.mean()),
        drop_points=100 * drop,
        changed=int(_changed(suspect.base, logits_NC).sum()),
        lost=lost,
        won=won,
        error=_error(suspect.base, logits_NC),
        size_mib=len(drawn) / _MIB,
        meets_gate=within_limit(drop, suspect.max_accuracy_drop),
    )


def _changed_answers(
    suspect: Suspect, logits_NC: Logits, changed_N: NDArray[np.bool_]
) -> list[ChangedAnswer]:
    base_margins_N, margins_N = _margins(suspect.base, suspect.base), _margins(logits_NC, suspect.base)
    return [
        ChangedAnswer(
            index=int(row),
            label=int(suspect.labels[row]),
            base=int(suspect.base[row].argmax()),
            ours=int(logits_NC[row].argmax()),
            base_margin=float(base_margins_N[row]),
            margin=float(margins_N[row]),
        )
        for row in np.flatnonzero(changed_N)
    ]


def _margins(logits_NC: Logits, base_NC: Logits) -> NDArray[np.float32]:
    """(N,): by how much the logit of FP32's answer lies above the highest other one."""
    answers_N1 = base_NC.argmax(axis=1)[:, None]
    others_NC = logits_NC.copy()
    np.put_along_axis(others_NC, answers_N1, -np.inf, axis=1)
    return np.take_along_axis(logits_NC, answers_N1, axis=1)[:, 0] - others_NC.max(axis=1)


def _changed(base_NC: Logits, ours_NC: Logits) -> NDArray[np.bool_]:
    return base_NC.argmax(axis=1) != ours_NC.argmax(axis=1)


def _error(base_NC: Logits, ours_NC: Logits) -> float:
    return float(np.sqrt(((ours_NC - base_NC) ** 2).mean()))
