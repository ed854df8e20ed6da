"""Which files of a run are kept by digest."""

from __future__ import annotations

from pathlib import Path

import torch

from runs.kept_files import kept_checkpoints


def test_every_checkpoint_but_halves_strangers_and_damaged_ones(tmp_path: Path) -> None:
    (tmp_path / "a folder.ckpt").mkdir()
    for name in ("last.ckpt", ".partial.ckpt", "notes.txt", "best.safetensors"):
        torch.save({"weights": torch.ones(3)}, tmp_path / name)
    (tmp_path / "step-3.ckpt").symlink_to("last.ckpt")
    whole = ["checkpoints/best.safetensors", "checkpoints/last.ckpt"]
    assert list(kept_checkpoints(tmp_path, went_on=False)) == whole
    (tmp_path / "step-7.ckpt").write_bytes(b"PK")
    assert list(kept_checkpoints(tmp_path, went_on=True)) == whole
    assert list(kept_checkpoints(tmp_path, went_on=False)) == [*whole, "checkpoints/step-7.ckpt"]
