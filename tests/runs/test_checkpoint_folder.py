"""Which files of a checkpoint folder a run keeps."""

from __future__ import annotations

from pathlib import Path

import torch

from runs.checkpoint_folder import CheckpointFolder


def test_every_checkpoint_but_halves_strangers_and_damaged_ones(tmp_path: Path) -> None:
    (tmp_path / "a folder.ckpt").mkdir()
    for name in ("last.ckpt", ".partial.ckpt", "notes.txt", "best.safetensors"):
        torch.save({"weights": torch.ones(3)}, tmp_path / name)
    (tmp_path / "step-3.ckpt").symlink_to("last.ckpt")
    folder = CheckpointFolder(tmp_path, "a run")
    whole = ["checkpoints/best.safetensors", "checkpoints/last.ckpt"]
    assert list(folder.kept(went_on=False)) == whole
    (tmp_path / "step-7.ckpt").write_bytes(b"PK")
    assert list(folder.kept(went_on=True)) == whole
    assert list(folder.kept(went_on=False)) == [*whole, "checkpoints/step-7.ckpt"]
