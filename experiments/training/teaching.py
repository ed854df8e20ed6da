"""A finished run as a teacher: asked once for its logits to every row that a student learns from.

Legend: N rows that are learned from, B batch, T tokens, L labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datamodules.cut import ids_of
from datamodules.fingerprint import short_digest
from errors import UserError
from experiments.parents import Parent
from export.session import equal_length_batches
from host.boundary import boundary
from runs.files import RunFiles
from runs.layout import TEACHER_FOLDER, TEACHER_LOGITS, TEACHER_PRINTS
from runs.seals import check_listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datamodules.tokenized import SplitName
    from experiments.training.recipe import PreparedRun
    from host.progress import OnProgress
    from tracking.run_log import RunLog

_ROWS_AT_ONCE = 64
_TOKENIZED_AT_ONCE = 4096
_LOGITS_FILE = Path(TEACHER_LOGITS).name


def learn_from_teacher(
    prepared: PreparedRun, log: RunLog, resumed: RunFiles | None, on_progress: OnProgress
) -> None:
    """Give the data the logits of the run's teacher, and keep them with the run.

    A run that goes on has them already, so its bits do not depend on the machine that it goes on on.
    """
    data, teacher = prepared.parts.data, prepared.parts.parents.teacher
    assert teacher is not None
    if resumed is not None and resumed.has(TEACHER_LOGITS):
        check_listed(resumed, TEACHER_LOGITS)
        data.teacher_logits_NL = _read(resumed.path(TEACHER_LOGITS))
        return
    data.teacher_logits_NL = np.concatenate(
        [_answers(prepared, teacher, split, on_progress) for split in data.learned_splits]
    )
    with log.folder(TEACHER_FOLDER) as folder:
        np.save(folder / _LOGITS_FILE, data.teacher_logits_NL, allow_pickle=False)


def _answers(
    prepared: PreparedRun, teacher: Parent, split: SplitName, on_progress: OnProgress
) -> NDArray[np.float32]:
    """The teacher's logits to the rows of a split, as they are in the cache."""

    def write(folder: Path) -> None:
        texts, device = prepared.parts.data.rows[split].texts, prepared.effective["device"]
        logits = _logits(teacher, texts, device, on_progress)
        np.save(folder / _LOGITS_FILE, logits, allow_pickle=False)

    kept = prepared.parts.data.cached("teacher", _key(prepared, teacher, split), write)
    return _read(kept.path / _LOGITS_FILE)


def _read(file: Path) -> NDArray[np.float32]:
    with boundary("cannot be read", where=str(file), cure="The file was altered; restore it."):
        return np.load(file, allow_pickle=False)


def _key(prepared: PreparedRun, teacher: Parent, split: SplitName) -> str:
    """Of all that decides the bits of the logits."""
    import torch

    prints, ran = prepared.fingerprints, prepared.effective
    return short_digest(
        "teacher-1",
        *(f"{name} {prints[name]}" for name in sorted(prints) if name.startswith(TEACHER_PRINTS)),
        teacher.config.data.limit.key,
        prints[split],
        *(ran[name] for name in ("threads", "device", "device_name", "matmul_precision")),
        torch.__version__,
        torch.backends.cpu.get_cpu_capability(),
    )


def _logits(
    teacher: Parent, texts: Sequence[str], device: str, on_progress: OnProgress
) -> NDArray[np.float32]:
    """(N, L), in evaluation mode and float32 (products as `train.matmul_precision` says), of batches of one length:
    no row is padded.

    UserError where one is not finite. The random generators are left as they were.
    """
    import torch

    from lightning_modules.families import FAMILIES

    ids = list(_tokens(teacher, texts))
    with torch.random.fork_rng(), torch.inference_mode():
        model = FAMILIES[teacher.config.model.kind].read(teacher.folder)
        model.network.to(device)
        logits_NL = np.empty((len(ids), model.outputs), dtype=np.float32)
        done = 0
        for rows, ids_BT in equal_length_batches(ids, batch_size=_ROWS_AT_ONCE):
            logits_NL[rows] = model.logits(torch.from_numpy(ids_BT).to(device)).float().cpu().numpy()
            done += len(rows)
            on_progress("asking the teacher", done, len(ids))
    if not np.isfinite(logits_NL).all():
        raise UserError(
            "its logits are not finite",
            where=f"train.teacher={teacher.run_id[:8]}",
            cure="Its training diverged; name another run.",
        )
    return logits_NL


def _tokens(teacher: Parent, texts: Sequence[str]) -> Iterator[Sequence[int]]:
    """The texts as the teacher reads them: its own tokenizer, cut where its own texts were."""
    from datamodules.tokenizers import encode, load_tokenizer

    tokenizer = load_tokenizer(str(teacher.folder), local_files_only=True)
    for begin in range(0, len(texts), _TOKENIZED_AT_ONCE):
        some = list(texts[begin : begin + _TOKENIZED_AT_ONCE])
        yield from ids_of(encode(tokenizer, some, verbose=False), teacher.config.data.limit)
