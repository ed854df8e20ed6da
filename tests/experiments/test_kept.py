"""Which files of a run are kept by digest."""

from __future__ import annotations

from pathlib import Path

import torch

from experiments.kept import kept_files


def test_every_file_of_the_model_and_every_checkpoint_but_halves_strangers_and_damaged_ones(
    tmp_path: Path,
) -> None:
    checkpoints, model = tmp_path / "checkpoints", tmp_path / "model"
    (checkpoints / "a folder").mkdir(parents=True)
    for name in ("last.ckpt", ".partial.ckpt", "notes.txt", "best.safetensors"):
        torch.save({"weights": torch.ones(3)}, checkpoints / name)
    (model / "additional_chat_templates").mkdir(parents=True)
    (model / "additional_chat_templates" / "tool_use.jinja").write_text("{{ messages }}")
    (model / "config.json").write_text("{}")
    of_model = ["model/additional_chat_templates/tool_use.jinja", "model/config.json"]
    kept = kept_files(checkpoints, model, went_on=False)
    assert list(kept) == ["checkpoints/best.safetensors", "checkpoints/last.ckpt", *of_model]
    assert list(kept_files(checkpoints, None, went_on=True)) == list(kept)[:2]
    (checkpoints / "step-7.ckpt").write_bytes(b"PK")
    assert kept_files(checkpoints, model, went_on=True) == kept
    torch.save({"weights": torch.zeros(3)}, checkpoints / "last.ckpt")
    other = kept_files(checkpoints, model, went_on=True)
    assert [name for name in kept if kept[name] != other[name]] == ["checkpoints/last.ckpt"]
