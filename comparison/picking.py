"""One form chosen from a Pareto front by a rule, and its place in MLflow's registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparison.answers import answers_of
from comparison.champion import about_registered
from comparison.forms import LATENCY_TIE, TIE_TOLD
from comparison.matching import matched
from comparison.models import judged_pairs
from comparison.pareto import FormRow, Pareto
from comparison.rules import EXAMPLES, MOST, Rule
from comparison.sentences import verdict_sentence
from errors import UserError
from export.options import ROUNDING
from export.variants import BY_NAME
from runs.files import run_named
from runs.served import log_served
from scoring.tasks import task_named
from tracking.registered_models import Registry

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.store import Store


@dataclass(frozen=True)
class Picked:
    """reason: full sentences, the first with the rule."""

    rule: str
    within: float
    form: FormRow
    reason: str


@dataclass(frozen=True)
class Registered:
    """model: its name in the registry. version: that has the alias now, and serves the variant."""

    model: str
    alias: str
    version: int


def picked(store: Store, found: Pareto, rule: Rule) -> Picked:
    """The form that the rule takes, and why; see `choice`."""
    winner, fitting = choice(found, rule)
    return Picked(rule.name, rule.within, winner, _reason(store, found, rule, winner, fitting))


def choice(found: Pareto, rule: Rule) -> tuple[FormRow, int]:
    """The form of the front that the rule takes, and among how many forms of all; ties go to the better score, then the
    smaller, the faster form. As fast as the fastest are all that `LATENCY_TIE` holds to be.

    UserError where latencies decide and do not compare, and where no form has what the rule needs.
    """
    task = task_named(found.task)
    if rule.within > MOST[task.labelled]:
        raise UserError(f"no accuracy falls by {rule.within:g} points", where="--pick", cure=EXAMPLES)
    if rule.kind.cost is not None and rule.kind.cost not in found.over:
        told = "; ".join(f"{name}: {', '.join(values)}" for name, values in found.incomparable.items())
        raise UserError(
            f"the latencies were not measured alike ({told})",
            where=f"--pick {rule.name}",
            cure="`encore export ID` measures a run again, here; do that to each.",
        )
    fitting = within(found, rule)
    if not fitting:
        best = min(found.forms, key=lambda row: _signed(row, found))
        raise UserError(
            f"no exported form lies within {_told(rule.within, task)} of the best score, {_shown(best, task)}",
            where=f"--pick {rule.name}",
            cure="Allow more.",
        )
    return min(_foremost(fitting, rule), key=_order(found, rule)), len(fitting)


def within(found: Pareto, rule: Rule) -> list[FormRow]:
    """The forms with every figure that the front is of, not further from the best score of all rows than is allowed.

    Among all rows are the models as they were trained, which are not forms to pick.
    """
    placed = [row for row in found.forms if row.place in ("front", "dominated")]
    if rule.kind.cost is None:
        return placed
    allowed = rule.within / 100 if task_named(found.task).labelled else rule.within
    best = min(_signed(row, found) for row in found.forms)
    return [row for row in placed if _signed(row, found) - best <= allowed + ROUNDING]


def _foremost(fitting: Sequence[FormRow], rule: Rule) -> list[FormRow]:
    """Those of the front, and where the fastest is asked for only what is as fast: the fastest of all is among them, or
    what dominates it."""
    front = [row for row in fitting if row.place == "front"]
    if rule.kind.cost != "latency":
        return front
    fastest = min(_known(row.latency_ms) for row in fitting)
    return [row for row in front if _known(row.latency_ms) <= fastest * (1 + LATENCY_TIE)]


def _signed(row: FormRow, found: Pareto) -> float:
    return -row.score.value if found.greater_is_better else row.score.value


def _order(found: Pareto, rule: Rule) -> Callable[[FormRow], tuple[float | str, ...]]:
    def order(row: FormRow) -> tuple[float | str, ...]:
        costs = {"size": _known(row.size_mib), "latency": _known(row.latency_ms)}
        first = [costs["size"]] if rule.kind.cost == "size" else []
        others = [cost for name, cost in costs.items() if name in found.over]
        return (*first, _signed(row, found), *others, row.label)

    return order


def _known(value: float | None) -> float:
    return math.inf if value is None else value


def _reason(store: Store, found: Pareto, rule: Rule, winner: FormRow, fitting: int) -> str:
    task = task_named(found.task)
    best = min(found.forms, key=lambda row: (_signed(row, found), row is not winner, row.label))
    figure = {
        "size": f" ({_known(winner.size_mib):.2f} MiB)",
        "latency": f" ({_known(winner.latency_ms):.2f} ms; medians {TIE_TOLD} are equal)",
        None: "",
    }[rule.kind.cost]
    among = (
        f"among {_counted(fitting)} within {_told(rule.within, task)} of the best score"
        if rule.kind.cost is not None
        else f"among {_counted(fitting)}"
    )
    scores = f"it scores {_shown(winner, task)}, and the best, {best.label}, {_shown(best, task)}"
    if best is winner:
        scores = f"it scores {_shown(winner, task)}, which is the best"
    sentence = f"{winner.label} is the {rule.kind.word}{figure} {among}: {scores}."
    return " ".join([sentence, *_proved(store, task, winner, best, rule), *_chosen_by(found)])


def _proved(store: Store, task: Task, winner: FormRow, best: FormRow, rule: Rule) -> list[str]:
    """What the paired test says of the two; nothing of a language model's, whose windows are no rows of another run."""
    if winner is best or not task.labelled:
        return []
    pair = matched([answers_of(run_named(store, row.run), variant=row.variant) for row in (best, winner)])
    [judged] = judged_pairs(pair, 0, margin=rule.within / 100)
    on = f"on these {pair.rows:,} {task.rows}"
    return [verdict_sentence(judged.judgement, best.label, winner.label, task, on)]


def _chosen_by(found: Pareto) -> list[str]:
    runs = len({row.run for row in found.forms})
    if runs == 1:
        return []
    return [
        f"Its score is of the official split, which chose among {runs} runs here, so it looks a little too good: "
        f"`encore best` and `encore compare` say what the held-out slice says."
    ]


def _shown(row: FormRow, task: Task) -> str:
    return task.shown(row.score.value) if task.labelled else f"{row.score.value:.4f} nats/token"


def _counted(forms: int) -> str:
    return f"{forms} form{'' if forms == 1 else 's'}"


def _told(amount: float, task: Task) -> str:
    return f"{amount:g} {'points' if task.labelled else 'nats/token'}"


def register(store: Store, chosen: Picked, alias: str) -> Registered:
    """Give the form the alias in the registry; who was the champion becomes the challenger."""
    run = run_named(store, chosen.form.run)
    registry = Registry(store, run.record.experiment)
    with registry.alone():
        version = registry.crown(
            run.record.run_id,
            log_served(run, BY_NAME[chosen.form.variant]),
            reason=f"Picked from the front of exported forms: {chosen.reason}",
            about=about_registered(registry.name),
            alias=alias,
        )
    return Registered(registry.name, alias, version.number)
