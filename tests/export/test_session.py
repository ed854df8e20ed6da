"""An exported folder, loaded and asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import UserError
from export.session import OnnxModel
from tests.export.answers import predicted

if TYPE_CHECKING:
    from conftest import Exported


@pytest.mark.parametrize("which", ["exported_classifier", "exported_language_model"])
def test_padding_that_is_masked_changes_no_float32_answer(which: str, request: pytest.FixtureRequest) -> None:
    made: Exported = request.getfixturevalue(which)
    model = OnnxModel(made.out_dir / "fp32", threads=1)
    ids = np.array([[5, 6, 7, 0, 0], [9, 8, 7, 6, 5]])
    mask = (ids != 0).astype(np.int64)
    padded = model.logits(ids, mask)
    alone = model.logits(ids[:1, :3])
    ours = padded[:1] if which == "exported_classifier" else padded[:1, :3]
    np.testing.assert_allclose(ours, alone, atol=1e-4)
    np.testing.assert_allclose(padded[1:], model.logits(ids[1:]), atol=1e-4)


def test_batches_change_no_float32_answer_and_keep_the_order(exported_classifier: Exported) -> None:
    model = OnnxModel(exported_classifier.out_dir / "fp32", threads=1)
    texts = exported_classifier.scoring.input_ids
    alone, batched = predicted(model, texts), predicted(model, texts, batch_size=16)
    np.testing.assert_allclose(np.stack(batched), np.stack(alone), atol=1e-4)
    assert np.stack(alone).std(axis=0).min() > 0.1  # the answers differ, so the order was tested


def test_int8_answers_depend_on_the_company_which_is_why_texts_are_asked_alone(
    exported_classifier: Exported,
) -> None:
    model = OnnxModel(exported_classifier.out_dir / "int8", threads=1)
    texts = exported_classifier.scoring.input_ids
    alone, batched = predicted(model, texts), predicted(model, texts, batch_size=16)
    assert np.abs(np.stack(batched) - np.stack(alone)).max() > 1e-4


def test_a_language_model_answers_at_every_token(exported_language_model: Exported) -> None:
    model = OnnxModel(exported_language_model.out_dir / "int8", threads=1)
    assert [row.shape for row in predicted(model, [[1, 2, 3], [4, 5]])] == [(3, 300), (2, 300)]


def test_a_missing_or_damaged_file_is_a_users_error(exported_classifier: Exported, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="onnxruntime cannot load it"):
        OnnxModel(tmp_path / "nowhere", threads=1)
    shutil.copytree(exported_classifier.out_dir / "fp32", tmp_path / "fp32")
    content = (tmp_path / "fp32" / "model.onnx").read_bytes()
    for damaged in (b"", b"not a model", content[: len(content) // 2]):
        (tmp_path / "fp32" / "model.onnx").write_bytes(damaged)
        with pytest.raises(UserError, match="onnxruntime cannot load it"):
            OnnxModel(tmp_path / "fp32", threads=1)


def test_loading_a_model_leaves_nothing_in_the_users_cache(
    exported_classifier: Exported, tmp_path: Path
) -> None:
    """onnxruntime's telemetry is off: it would keep a device id and a database there."""
    code = "import pathlib, sys; from export.session import OnnxModel as M; M(pathlib.Path(sys.argv[1]), threads=1)"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", code, str(exported_classifier.out_dir / "fp32")]
    subprocess.run(command, env=environment, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []
