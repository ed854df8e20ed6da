"""The study of sentiment in a terminal, and which run labels texts where nobody says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.session import named_run, open_existing, outputs
from errors import UserError
from host.markup import literal
from runs.layout import KIND_TAG, RANKED_KINDS
from scoring.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.studies.sentiment import Answer

_MEASURED = f"best/val/{CLASSIFICATION.metric}"
_LABEL, _NUMBER = 10, 8  # letters of a column


def classifier_run(run_id: str | None, root: Path) -> str:
    """The whole ID of the run that is named; none: of the newest finished classifier. UserError where there is none."""
    if run_id is not None:
        return named_run(run_id, root)[2].record.run_id
    reporter = outputs()[1]
    store = open_existing(root, reporter)
    found = [record for kind in RANKED_KINDS for record in store.runs(tags={KIND_TAG: kind})]
    trained = [record for record in found if record.status == "FINISHED" and _MEASURED in record.metrics]
    if trained:
        newest = max(trained, key=lambda record: record.start_ms).run_id
        reporter.say(f"By run {newest[:8]}, the newest classifier; --run names another.", "faint")
        return newest
    raise UserError(
        "no finished run of a classifier",
        where=str(root),
        cure="Train one, or give --run ID or --model FOLDER.",
    )


def print_answers(out: Console, content: Mapping[str, Any]) -> None:
    """A line for each text, in its order."""
    from experiments.studies.sentiment import Answer

    show = printing(out)
    for answer in content["answers"]:
        show(Answer(**answer))


def printing(out: Console) -> Callable[[Answer], None]:
    """Prints each answer that it is told of, below one head."""
    head = [f"[bold]{'label':{_LABEL}} {'prob':>{_NUMBER}} {'margin':>{_NUMBER}}  text[/]"]

    def show(answer: Answer) -> None:
        while head:
            out.print(head.pop(), highlight=False)
        text = " ".join(answer.text.split())
        room = out.width - _LABEL - 2 * _NUMBER - 12
        if out.is_terminal and len(text) > room:
            text = f"{text[: max(room, 20)]}…"
        cut = " [yellow](cut)[/]" if answer.cut else ""
        out.print(
            f"{literal(answer.label):{_LABEL}} {answer.probability:{_NUMBER}.4f} {answer.margin:{_NUMBER}.3f}"
            f"  {literal(text)}{cut}",
            highlight=False,
            soft_wrap=True,
        )

    return show
