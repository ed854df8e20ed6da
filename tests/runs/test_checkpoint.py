"""A checkpoint says by which schema it is laid out, and one of a later version is not taken for one of this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from errors import UserError
from experiments.training.train import train
from runs.checkpoint import load_checkpoint, read_point
from runs.checkpoint_folder import CheckpointFolder
from runs.files import run_named
from runs.lightning_state import CALLBACK, SCHEMA
from tests.tiny import classifier
from tracking.store import Store


@pytest.fixture
def folder(store: Store) -> CheckpointFolder:
    run_id = train(classifier("train.max_steps=4", "train.validations=2"), store).run_id
    return CheckpointFolder.of_run(run_named(store, run_id))


def rewritten(file: Path, schema: object) -> None:
    """`file` with another number of its schema; none: without one, as the first versions wrote it."""
    content: dict[str, Any] = load_checkpoint(file)
    state = content["callbacks"][CALLBACK]
    assert state.pop("schema") == SCHEMA
    if schema is not None:
        state["schema"] = schema
    file.unlink()  # `last` may be one file with `best`
    torch.save(content, file)


def test_one_without_a_number_is_read_and_one_of_a_later_version_refused(folder: CheckpointFolder) -> None:
    point = folder.latest()
    assert point.step == 4
    rewritten(point.path, None)
    assert read_point(point.path) == point
    rewritten_again = folder.path / "best.ckpt"
    rewritten(rewritten_again, SCHEMA + 1)
    with pytest.raises(
        UserError, match=rf"a checkpoint of schema {SCHEMA + 1}, and this Encore knows {SCHEMA}"
    ):
        read_point(rewritten_again)


def test_the_latest_the_best_and_each_kept_one_are_found_by_name(store: Store) -> None:
    kept = "train.keep_checkpoint_every_steps=2"
    run_id = train(classifier("train.max_steps=4", "train.validations=2", kept), store).run_id
    folder = CheckpointFolder.of_run(run_named(store, run_id))
    assert folder.has_any
    assert folder.find("last").name == "last.ckpt"
    assert folder.find("2").name == "step-2.ckpt"
    assert read_point(folder.find("4")).ended
    with pytest.raises(UserError, match=r"no checkpoint 3. There are 2, 4 .best, last.; more are kept with"):
        folder.find("3")
    names = {Path(path).name for path in folder.kept(went_on=False)}
    assert names == {"last.ckpt", "last.safetensors", "best.ckpt", "best.safetensors", "step-2.ckpt"}
    (folder.path / "last.ckpt").write_bytes(b"torn")
    assert "checkpoints/last.ckpt" not in folder.kept(went_on=True)
    with pytest.raises(UserError, match="the checkpoint last is damaged"):
        folder.find("last")
