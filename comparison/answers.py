"""What a run answered to every row of a split, as columns of numbers.

They are read from the run's parquet files column by column, without pandas, torch or MLflow: a comparison is quick.

Legend: N rows, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from comparison.table_file import ALTERED, Table
from comparison.windows import WINDOWS
from errors import UserError
from export.options import scored_rows
from export.variants import BY_NAME
from host.boundary import boundary
from runs.checks import check_ended, export_command
from runs.files import RunFiles, altered
from runs.layout import EXPORT_PREDICTIONS, ROWS_FOLDER, is_exported, predictions_file
from runs.record_files import MALFORMED
from runs.seals import check_listed
from runs.states import PRUNED, state_of
from scoring.tasks import task_of_answers, task_of_exported

if TYPE_CHECKING:
    from scoring.task import Task

OFFICIAL = "test"
"""The split that is scored once and selects nothing."""
_LOGIT = "logit_"


@dataclass(frozen=True)
class Classes:
    """Of a classifier. labels_N, predictions_N: int64; logits_NC: float64, finite."""

    labels_N: NDArray[np.int64]
    predictions_N: NDArray[np.int64]
    logits_NC: NDArray[np.float64]

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        return self.labels_N == self.predictions_N

    @cached_property
    def log_probabilities(self) -> NDArray[np.float64]:
        shifted_NC = self.logits_NC - self.logits_NC.max(axis=1, keepdims=True)
        return shifted_NC - np.log(np.exp(shifted_NC).sum(axis=1, keepdims=True))

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """Nats of the label's probability."""
        return -self.log_probabilities[np.arange(len(self.labels_N)), self.labels_N]


@dataclass(frozen=True)
class Answers:
    """Of one run, or of one variant of its export, to the rows of a split; what is here is finite.

    variant: of the export; none: what the run itself answered. checksums_N: uint32, of each row with its label.
    losses_N: float64, nats of a row: of its label, or summed over its tokens. sizes_N: float64, what the losses are
    divided by: 1 for a classifier's row, the UTF-8 bytes of a story (tokens in an export, which keeps no bytes).
    classes: of a classifier; none for a language model.
    """

    run: RunFiles
    variant: str | None
    split: str
    task: Task
    checksums_N: NDArray[np.uint32]
    losses_N: NDArray[np.float64]
    sizes_N: NDArray[np.float64]
    classes: Classes | None
    texts_at: NDArray[np.int64]
    """(N,) where in the run's own table the text of each row stands."""

    @property
    def run_id(self) -> str:
        return self.run.record.run_id

    @property
    def label(self) -> str:
        """How it is named on the command line: the beginning of the run's ID, with the variant."""
        return self.run_id[:8] + ("" if self.variant is None else f"@{self.variant}")

    @property
    def where(self) -> str:
        return self.run.where + (
            "" if self.variant is None else f", its {BY_NAME[self.variant].label} export"
        )

    def __len__(self) -> int:
        return len(self.checksums_N)

    def take(self, rows: NDArray[np.int64]) -> Answers:
        """To the rows at these positions, in that order."""
        classes = self.classes and Classes(
            self.classes.labels_N[rows], self.classes.predictions_N[rows], self.classes.logits_NC[rows]
        )
        return replace(
            self,
            checksums_N=self.checksums_N[rows],
            losses_N=self.losses_N[rows],
            sizes_N=self.sizes_N[rows],
            classes=classes,
            texts_at=self.texts_at[rows],
        )

    def texts(self) -> list[str]:
        """The text of each row. UserError for a language model, whose answers keep no texts."""
        column = Table(self.run, predictions_file(self.split)).read(["text"])["text"]
        texts = column.to_pylist()
        return [texts[position] for position in self.texts_at.tolist()]


def answers_of(run: RunFiles, split: str = OFFICIAL, variant: str | None = None) -> Answers:
    """What `run`, or a variant of its export, answered.

    UserError for a run that has not finished (pruned, failed, killed, going on), has no answers or no checksums of its
    rows, whose files are not those that it left, or one of whose answers is no finite number.
    """
    check_finished(run)
    if variant is None:
        return _own(run, split)
    if variant not in BY_NAME:
        raise UserError(
            "is no variant of an export", where=variant, cure=f"Give one of {', '.join(BY_NAME)}."
        )
    if is_exported(run.record) and not any(
        key.startswith(f"export/{variant}/") for key in run.record.metrics
    ):
        raise UserError(
            f"was exported without {variant}",
            where=run.where,
            cure=f"{export_command(run, variant)} writes it.",
        )
    return _exported(run, split, variant)


def check_finished(run: RunFiles) -> None:
    """UserError, with what it is, for a run that has not finished."""
    check_ended(run)
    if run.record.status == "FINISHED":
        return
    state = state_of(run.record)
    raise UserError(
        "was pruned: its training was cut short" if state == PRUNED else f"has not finished; it is {state}",
        where=run.where,
        cure="Compare runs that have finished; `encore runs` lists them.",
    )


def windows_alone(exported: Answers) -> UserError:
    """Of a language model's export, whose windows have numbers: those of another run's are other stories."""
    return UserError(
        "a language model's export keeps no bytes of its stories, so it compares with its own run alone",
        where=exported.where,
        cure=f"`encore compare {exported.run_id[:8]} --variant {exported.variant}` does that.",
    )


def _own(run: RunFiles, split: str) -> Answers:
    file = predictions_file(split)
    table = Table(run, file)
    task = task_of_answers(table.names)
    if task is None:
        raise UserError(f"{file} has the answers of no task", where=run.where, cure=MALFORMED)
    logits = table.beginning(_LOGIT) if task.labelled else []
    sizes = [] if task.labelled else ["bytes"]
    found = table.numbers(["row", *task.answer_columns, *sizes, *logits])
    checksums, rows = _row_checksums(run, split), found["row"]
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(checksums)):
        raise altered(run, file)
    order = np.arange(len(rows))
    if not task.labelled:
        return Answers(
            run, None, split, task, checksums[rows], found["nll"], found["bytes"].astype(float), None, order
        )
    classes = _classes(run, file, found, task.answer_columns, logits)
    return Answers(run, None, split, task, checksums[rows], found["loss"], np.ones(len(rows)), classes, order)


def _exported(run: RunFiles, split: str, variant: str) -> Answers:
    """The rows of an export are a seeded draw of the official ones."""
    if split != OFFICIAL:
        raise UserError(
            "an export is scored on the official split", where=run.where, cure="Leave --variant out."
        )
    if not run.has(EXPORT_PREDICTIONS):
        raise UserError(
            "has no export", where=run.where, cure=f"`encore export {run.record.run_id[:8]}` writes it."
        )
    table = Table(run, EXPORT_PREDICTIONS)
    task = task_of_exported(table.names)
    if task is None:
        raise UserError(f"{EXPORT_PREDICTIONS} has the answers of no task", where=run.where, cure=MALFORMED)
    checksums = _row_checksums(run, split)
    if not task.labelled:
        return _exported_stories(run, table, variant)
    logits = table.beginning(f"{variant}_{_LOGIT}")
    columns = ("label", f"{variant}_prediction")
    found = table.numbers([*columns, *logits])
    rows = scored_rows(len(checksums), len(found["label"]))
    classes = _classes(run, EXPORT_PREDICTIONS, found, columns, logits)
    return Answers(
        run, variant, split, task, checksums[rows], classes.losses, np.ones(len(rows)), classes, rows
    )


def _exported_stories(run: RunFiles, table: Table, variant: str) -> Answers:
    """To windows of stories, which have a number and no checksum: they are those of the same run's other variants."""
    loss = f"{variant}_loss"
    found = table.numbers([WINDOWS.exported_column, loss])
    tokens = found[WINDOWS.exported_column].astype(float)
    numbers = np.arange(len(tokens))
    return Answers(
        run,
        variant,
        OFFICIAL,
        WINDOWS,
        numbers.astype(np.uint32),
        found[loss] * tokens,
        tokens,
        None,
        numbers,
    )


def _classes(
    run: RunFiles, file: str, found: dict[str, NDArray[Any]], columns: Sequence[str], logits: Sequence[str]
) -> Classes:
    """columns: those of the label and of the prediction come first."""
    labels, predictions = (found[name].astype(np.int64) for name in columns[:2])
    if not logits or not ((labels >= 0) & (labels < len(logits))).all():
        raise altered(run, file)
    return Classes(labels, predictions, np.stack([found[name] for name in logits], axis=1).astype(float))


def _row_checksums(run: RunFiles, split: str) -> NDArray[np.uint32]:
    """(N,) of every row of a split, in its order. UserError where the run keeps none."""
    file = f"{ROWS_FOLDER}/{split}.npy"
    if not run.has(file):
        raise UserError(
            f"keeps no checksums of its rows ({file}), so they cannot be matched with another run's",
            where=run.where,
            cure=f"`encore reproduce {run.record.run_id[:8]}` makes a run that does.",
        )
    check_listed(run, file)
    with boundary(f"{file} cannot be read", where=run.where, cure=ALTERED):
        found = np.load(run.path(file), mmap_mode="r", allow_pickle=False)
    if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype.kind not in "iu":
        raise UserError(f"{file} holds no checksums", where=run.where, cure=MALFORMED)
    return np.asarray(found, dtype=np.uint32)
