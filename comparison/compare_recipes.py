"""Recipes held against one another, each by all of its seeds that the store has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

from comparison.answers import answers_of, windows_alone
from comparison.asked import MARGIN, check_margin, check_seed, check_variant, named_run, named_twice
from comparison.looks import looks_at
from comparison.matching import matched
from comparison.noise import noise_of, recorded_noise
from comparison.recipe_scores import JudgedRecipes, SeedScores, judged_recipes, mean_figure
from comparison.recipes import Recipe, differing_settings, name_of, recipe_of, recipe_settings
from comparison.results import Comparison, Figure, NoiseFloor, Pair, Side
from comparison.sentences import rows_told, seeds_sentence
from comparison.windows import WINDOWS
from errors import UserError
from runs.differences import deciding
from runs.files import RunFiles
from runs.layout import FORKED_FROM_TAG, PROVENANCE_FILE
from runs.record_files import ProvenanceFile
from scoring.verdict import Verdict

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.entities import RunRecord
    from tracking.store import Store


def compare_recipes(
    store: Store, names: Sequence[str], *, margin: float = MARGIN, variant: str | None = None
) -> Comparison:
    """The recipes of runs: each run stands for all seeds of its recipe that its experiment has.

    UserError for runs of one recipe, for exports of language models, and for what `compare_models` refuses.
    """
    check_margin(margin)
    check_variant(variant)
    given = [named_run(store, name) for name in names]
    among = {one: store.runs(experiment=one) for one in {run.record.experiment for run in given}}
    recipes = _recipes(given, among)
    found, copies = _seeds(store, recipes, variant)
    return _Recipes(store, recipes, found, copies, margin).comparison(among[given[0].record.experiment])


def _recipes(given: Sequence[RunFiles], among: Mapping[str, Sequence[RunRecord]]) -> list[Recipe]:
    """Of each run that is named. among: the runs of each experiment. UserError where there are not two of them."""
    preferred = [run.record.run_id for run in given]
    recipes: dict[str, Recipe] = {}
    for run in given:
        check_seed(run)
        found = recipe_of(run.record, among[run.record.experiment], preferred)
        if found.key in recipes:
            one = recipes[found.key].given
            if one.run_id == run.record.run_id:
                raise named_twice(run)
            raise UserError(
                f"is of one recipe with {one.run_id[:8]}: they differ by their seed alone",
                where=run.where,
                cure="Leave out --of recipes to compare them as models, or name a run of another recipe.",
            )
        recipes[found.key] = found
    if len(recipes) < 2:
        raise UserError(
            "there is nothing to compare it with",
            where=given[0].where,
            cure="Name a run of another recipe; `encore runs` lists the runs.",
        )
    return list(recipes.values())


def _seeds(store: Store, recipes: Sequence[Recipe], variant: str | None) -> tuple[list[SeedScores], int]:
    """All seeds of all recipes on the rows that each of them answered, and how many of those are copies."""
    answers = [answers_of(RunFiles(store, run), variant=variant) for one in recipes for run in one.runs]
    if answers[0].task is WINDOWS:
        raise windows_alone(answers[0])
    found, start = matched(answers), 0
    sides = list[SeedScores]()
    for recipe in recipes:
        its = slice(start, start + len(recipe.runs))
        sides.append(SeedScores(recipe.seeds, found.answers[its], max(found.left_out[its])))
        start = its.stop
    return sides, found.copies


def _source(store: Store, record: RunRecord) -> str | None:
    """Of a run's code what decides numbers; none where its record does not say."""
    run = RunFiles(store, record)
    if not run.has(PROVENANCE_FILE):
        return None
    code = run.read(ProvenanceFile, PROVENANCE_FILE)["code"]
    files = deciding(code.get("files") or {})
    return json.dumps(files, sort_keys=True) if files else code["tree_digest"]


@dataclass(frozen=True)
class _Recipes:
    """What a comparison of recipes is put together from."""

    store: Store
    recipes: Sequence[Recipe]
    found: Sequence[SeedScores]
    copies: int
    margin: float

    @property
    def task(self) -> Task:
        return self.found[0].answers[0].task

    @property
    def experiment(self) -> str:
        return self.recipes[0].given.experiment

    @cached_property
    def noise(self) -> NoiseFloor | None:
        """Of the recipe with most seeds here; else what the experiment says."""
        found = [
            noise_of(recipe.key[:8], one.scores, one.answers)
            for recipe, one in zip(self.recipes, self.found, strict=True)
        ]
        known = [one for one in found if one is not None]
        recorded = recorded_noise(self.store, self.experiment)
        return max(known, key=lambda one: one.seeds, default=recorded)

    @cached_property
    def figures(self) -> list[Figure]:
        return [mean_figure(one.scores) for one in self.found]

    @cached_property
    def order(self) -> list[int]:
        """Numbers of the recipes, best first."""
        sign = -1 if self.task.greater_is_better else 1
        return sorted(range(len(self.found)), key=lambda one: (sign * self.figures[one].value, one))

    @cached_property
    def pairs(self) -> list[JudgedRecipes]:
        return judged_recipes(
            self.found,
            greater_is_better=self.task.greater_is_better,
            margin=self.margin,
            deviation=None if self.noise is None else self.noise.deviation,
        )

    def comparison(self, among: Sequence[RunRecord]) -> Comparison:
        first = self.found[0].answers[0]
        seeds = " and ".join(str(len(one.seeds)) for one in self.found)
        return Comparison(
            of="recipes",
            subject=(
                f"{len(self.recipes)} recipes by {seeds} seeds, scored on the same {len(first):,} "
                f"{self.task.rows} of the official split of {self.experiment}"
            ),
            experiment=self.experiment,
            task=self.task.name,
            metric=self.task.metric,
            greater_is_better=self.task.greater_is_better,
            split=first.split,
            rows=len(first),
            copies=self.copies,
            margin=self.margin,
            sides=self._sides(),
            pairs=tuple(self._pair(one) for one in self.pairs),
            noise=self.noise,
            looks=looks_at(self.experiment, among),
            selection=None,
            notes=tuple(self._notes()),
        )

    def _sides(self) -> tuple[Side, ...]:
        keys = differing_settings([recipe.given for recipe in self.recipes])
        numbers = range(len(self.recipes)) if len(self.recipes) == 2 else self.order
        return tuple(self._side(number, keys) for number in numbers)

    def _side(self, number: int, keys: Sequence[str]) -> Side:
        recipe, found, best = self.recipes[number], self.found[number], self.order[0]
        against = [one.judgement for one in self.pairs if {one.a, one.b} == {number, best}]
        settings = recipe_settings(recipe.given)
        losses = [float(one.losses_N.mean()) for one in found.answers]
        return Side(
            label=recipe.given.run_id[:8],
            name=name_of(recipe.given, keys),
            runs=tuple(run.run_id for run in recipe.runs),
            seeds=recipe.seeds,
            variant=found.answers[0].variant,
            score=self.figures[number],
            seed_scores=tuple(found.scores),
            loss=sum(losses) / len(losses) if self.task.labelled else None,
            held_out=None,
            left_out=found.left_out,
            differs={key: settings.get(key, "none") for key in keys},
            rank=self.order.index(number) + 1,
            tied=not any(judgement.differs for judgement in against),
            p=against[0].p_differs if against else None,
        )

    def _pair(self, one: JudgedRecipes) -> Pair:
        found = one.judgement
        a, b = (self.recipes[number].given.run_id[:8] for number in (one.a, one.b))
        return Pair(
            a=a,
            b=b,
            verdict=found.verdict.value,
            sentence=seeds_sentence(found, a, b, self.task, self._counts(one), paired=one.paired),
            difference=Figure(found.difference, found.low, found.high),
            p=one.p,
            p_holm=found.p_differs,
            detectable=found.detectable,
            needed=found.needed,
            unit="seeds",
            paired_by="seeds" if one.paired else "nothing",
            better_share=one.better_share,
            one_more=self._one_more(one) if found.verdict is Verdict.CANNOT_TELL else None,
        )

    def _one_more(self, pair: JudgedRecipes) -> str | None:
        """With a seed of the other side, so that they pair, or else the least that neither has. None for a fork, whose
        settings alone do not make it again."""
        fewer, other = sorted((pair.a, pair.b), key=lambda number: len(self.found[number].seeds))
        run = self.recipes[fewer].given
        if FORKED_FROM_TAG in run.tags:
            return None
        known, others = set(self.found[fewer].seeds), set(self.found[other].seeds)
        seed = min(others - known, default=next(seed for seed in count() if seed not in known))
        return f"encore train {run.run_id[:8]} seed={seed}"

    def _counts(self, one: JudgedRecipes) -> tuple[int, int]:
        return len(self.found[one.a].seeds), len(self.found[one.b].seeds)

    def _notes(self) -> Iterator[str]:
        yield from rows_told(
            self.copies,
            [(f"The {one.label}", its.left_out) for one, its in zip(self.recipes, self.found, strict=True)],
        )
        sources = {
            source for recipe in self.recipes for run in recipe.runs if (source := _source(self.store, run))
        }
        if len(sources) > 1:
            yield (
                f"These runs were trained by {len(sources)} states of the source, which may differ as much as the "
                "recipes; `encore diff` says in what."
            )
        for one in self.pairs:
            if one.unpaired:
                seeds = ", ".join(map(str, one.unpaired))
                a, b = (self.recipes[number].given.run_id[:8] for number in (one.a, one.b))
                yield (
                    f"The seeds of {a} and {b} do not all pair (on one side only: {seeds}): they are compared "
                    "unpaired (Welch); the same seeds on both sides tell more."
                )
