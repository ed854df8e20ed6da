"""The champion of an experiment: the run whose model MLflow's registry has under that alias.

The held-out slice chooses, as it does everywhere: a run that scores higher on it takes the place. The official split
chooses nothing, or its score would be a champion's luck; what the test of `encore compare` says of the two there is
told beside the choice, so that a reader knows whether it is more than noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparison.answers import answers_of
from comparison.asked import check_variant
from comparison.matching import Matched, matched
from comparison.models import judged_pairs, ranking, scores
from comparison.recipes import is_training
from comparison.selection import HELD_OUT
from comparison.sentences import verdict_sentence
from errors import UserError
from export.variants import BY_NAME
from runs.bundling import check_exported
from runs.checks import check_has_model
from runs.files import RunFiles, plain_digest, run_named
from runs.layout import EXPORT_FOLDER, MODEL_FOLDER, REPRODUCES_TAG, REUSES_TAG
from runs.served import log_served
from tracking.registered_models import CHAMPION, Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comparison.results import Figure
    from export.variants import Variant
    from scoring.task import Task
    from tracking.entities import Version

_SHORT = 8


@dataclass(frozen=True)
class Challenge:
    """A run that was held against the champion.

    experiment: which is the registered model's name, too. run, before: IDs; before: the champion's until now, none
    where there was none. moved: whether the run is the champion now. version: of the champion's model. sentence: what
    decided.
    """

    experiment: str
    run: str
    before: str | None
    moved: bool
    version: int
    sentence: str

    def told(self) -> str:
        held = f"now run {self.run[:_SHORT]}" if self.moved else f"still run {(self.before or '')[:_SHORT]}"
        return f"The champion of {self.experiment} is {held} (version {self.version}): {self.sentence}"


def challenge(run: RunFiles, *, by_hand: bool = False, variant: str | None = None) -> Challenge:
    """Hold a finished run against the champion of its experiment; where it scores higher it takes the place.

    by_hand: whatever the comparison says. variant: which form of the run; none: the usual one (`runs.served`). A form
    that is named takes the place of another form of the same run, too. UserError for a run without a model of its own
    or without that form, and where the store or the files of one of the two fail.
    """
    _check(run)
    form = None if variant is None else _form(run, variant)
    registry = Registry(run.store, run.record.experiment)
    with registry.alone():
        before = registry.champion()
        wins, sentence, table = _decided(run, before, form, by_hand=by_hand)
        if before is not None and not wins:
            return _standing(run, before, sentence)
        version = registry.crown(
            run.record.run_id,
            log_served(run, form),
            reason=_description(run, sentence, table),
            about=about_registered(registry.name),
        )
    old = None if before is None else before.run_id
    return Challenge(registry.name, run.record.run_id, old, True, version.number, sentence)


def _form(run: RunFiles, variant: str) -> Variant:
    """UserError for what the run has not."""
    check_variant(variant)
    form = BY_NAME[variant]
    if form.is_exported:
        check_exported(run, variant)
    return form


def _check(run: RunFiles) -> None:
    check_has_model(run)
    if not is_training(run.record):
        tags = run.record.tags
        first = tags.get(REPRODUCES_TAG) or tags.get(REUSES_TAG, "")
        raise UserError(
            f"is run {first[:_SHORT]} once more, which has been trained before it",
            where=run.where,
            cure=f"Name that one: `encore promote {first[:_SHORT]}`.",
        )


def _standing(run: RunFiles, before: Version, sentence: str) -> Challenge:
    return Challenge(run.record.experiment, run.record.run_id, before.run_id, False, before.number, sentence)


def _decided(
    run: RunFiles, before: Version | None, form: Variant | None, *, by_hand: bool
) -> tuple[bool, str, str]:
    """Whether the run takes the place, why, and a table of the two in Markdown."""
    if before is None:
        return True, "it is the first.", ""
    if before.run_id == run.record.run_id:
        return _other_form(run, before, form)
    if not before.active:
        return True, f"run {before.run_id[:_SHORT]}, the champion before, was deleted.", ""
    try:
        wins, sentence, table = _held_against(run_named(run.store, before.run_id), run)
    except UserError as error:
        if not by_hand:
            raise
        wins, sentence, table = False, f"they cannot be compared: {error.where}: {error.what}.", ""
    return wins or by_hand, sentence if wins or not by_hand else f"put there by hand, since {sentence}", table


def _other_form(run: RunFiles, before: Version, form: Variant | None) -> tuple[bool, str, str]:
    """Of a champion whose run is held against itself: a form that is named is registered where another one is."""
    if form is None:
        return False, "it is that run.", ""
    digest = plain_digest(run, form.weights(MODEL_FOLDER, EXPORT_FOLDER))
    if (before.variant, before.weights) == (form.name, digest):
        return False, f"it is {form.name} of that run.", ""
    return (
        True,
        f"{form.name} of it takes the place of its {before.variant or 'model'} (version {before.number}).",
        "",
    )


def _held_against(champion: RunFiles, run: RunFiles) -> tuple[bool, str, str]:
    held_out = matched([answers_of(champion, HELD_OUT), answers_of(run, HELD_OUT)])
    figures = scores(held_out)
    official = matched([answers_of(champion), answers_of(run)])
    task, (a, b) = (
        official.answers[0].task,
        (f"run {each.record.run_id[:_SHORT]}" for each in (champion, run)),
    )
    table = _table(task, (a, b), (held_out, figures), (official, scores(official)))
    wins = ranking(held_out, figures)[0] != 0
    chosen = _chosen(task, b, figures, f"the {held_out.rows:,} held-out {task.rows}", wins=wins)
    [pair] = judged_pairs(official, 0, margin=0.0)
    on = f"on {official.rows:,} {task.rows} of the official split"
    return wins, f"{chosen}; {verdict_sentence(pair.judgement, a, b, task, on)}", table


def _chosen(task: Task, b: str, figures: Sequence[Figure], rows: str, *, wins: bool) -> str:
    """Of equal scores the lower loss decides, and the sentence says so."""
    before, now = (f"{task.shown(figure.value)}{task.unit}" for figure in figures)
    if figures[0].value == figures[1].value:
        return f"{b} scores as it does on {rows} ({now}), with {'a' if wins else 'no'} lower loss there"
    return f"{b} is {'above' if wins else 'not above'} it by {rows} ({now} against {before})"


def _table(task: Task, names: tuple[str, str], *splits: tuple[Matched, list[Figure]]) -> str:
    rows = [f"| {task.metric} on | {names[0]} | {names[1]} |", "| --- | --- | --- |"]
    for (found, figures), split in zip(splits, ("held-out", "official"), strict=True):
        cells = " | ".join(_shown(figure, task) for figure in figures)
        rows.append(f"| {found.rows:,} {split} {task.rows} | {cells} |")
    return "\n".join(rows)


def _shown(figure: Figure, task: Task) -> str:
    value = f"{task.shown(figure.value)}{task.unit}"
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({task.shown(figure.low)} to {task.shown(figure.high)})"


def _description(run: RunFiles, sentence: str, table: str) -> str:
    short = run.record.run_id[:_SHORT]
    parts = [f"Champion: {sentence}", table, f"`encore reproduce {short}` plays it again."]
    return "\n\n".join(filter(None, parts))


def about_registered(name: str) -> str:
    """Markdown, of the registered model of an experiment."""
    return (
        f"The best run of {name} by the held-out slice. The champion before is the challenger; each version says what "
        f"the official split says of the two.\n\n"
        f'```python\nmlflow.pyfunc.load_model("models:/{name}@{CHAMPION}").predict(["…"])\n```'
    )
