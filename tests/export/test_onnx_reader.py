"""Exported language models read token by token, against PyTorch, which reads the whole text at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from optimum.exporters.onnx import onnx_export_from_model
from transformers import GPT2LMHeadModel

from errors import UserError
from export.onnx_reader import OnnxDecoder
from export.session import OnnxModel
from lightning_modules.families import GPT2
from tests.export.answers import predicted

if TYPE_CHECKING:
    from conftest import Exported

PROMPTS = [[5, 6, 7], [9, 8, 7, 6, 5, 4], [11]]
ROUNDING = 1e-4  # logits run to about 5


@pytest.fixture
def fp32(exported_language_model: Exported) -> OnnxDecoder:
    return OnnxDecoder(exported_language_model.out_dir / "fp32", threads=1, rows_apart=False)


@pytest.fixture
def int8(exported_language_model: Exported) -> OnnxDecoder:
    return OnnxDecoder(exported_language_model.out_dir / "int8", threads=1, rows_apart=False)


def padded(prompts: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and mask, padded on the left with a token that the model knows."""
    longest = max(map(len, prompts))
    ids_BT = np.array([[3] * (longest - len(ids)) + ids for ids in prompts])
    mask_BT = np.array([[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts])
    return ids_BT, mask_BT


def last_logits(model: GPT2LMHeadModel, texts: list[list[int]]) -> NDArray[np.float32]:
    """PyTorch's logits (B, V) after the last token of each text, read alone and without a cache."""
    with torch.inference_mode():
        return np.stack(
            [model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].numpy() for ids in texts]
        )


def same(ours: NDArray[np.float32], reference: NDArray[np.float32]) -> None:
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, reference, atol=ROUNDING)


@pytest.mark.parametrize("rows_apart", [False, True])
def test_every_step_is_pytorchs_whole_pass(
    rows_apart: bool, exported_language_model: Exported, language_model: GPT2LMHeadModel
) -> None:
    reader = OnnxDecoder(exported_language_model.out_dir / "fp32", threads=1, rows_apart=rows_apart)
    texts = [list(ids) for ids in PROMPTS]
    same(reader.read(*padded(texts)), last_logits(language_model, texts))
    for step in range(10):
        new = [20 + step, 120 + step, 220 + step]
        for ids, token in zip(texts, new, strict=True):
            ids.append(token)
        same(reader.next(np.array(new)), last_logits(language_model, texts))


def test_reading_begins_anew(fp32: OnnxDecoder, language_model: GPT2LMHeadModel) -> None:
    fp32.read(*padded(PROMPTS))
    fp32.next(np.array([1, 2, 3]))
    same(fp32.read(*padded([[8, 9]])), last_logits(language_model, [[8, 9]]))


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_rows_are_kept_in_the_order_asked_for(
    variant: str, request: pytest.FixtureRequest, exported_language_model: Exported
) -> None:
    reader: OnnxDecoder = request.getfixturevalue(variant)
    reader.read(*padded(PROMPTS))
    reader.next(np.array([1, 2, 3]))
    reader.keep(np.array([2, 0, 2]))  # one row ends, one goes on as two
    ours = reader.next(np.array([4, 5, 6]))
    for row, (prompt, first, second) in enumerate([(2, 3, 4), (0, 1, 5), (2, 3, 6)]):
        alone = OnnxDecoder(exported_language_model.out_dir / variant, threads=1, rows_apart=True)
        alone.read(*padded([PROMPTS[prompt]]))
        alone.next(np.array([first]))
        np.testing.assert_allclose(ours[row], alone.next(np.array([second]))[0], atol=ROUNDING)


def test_a_row_goes_on_to_the_models_last_position_after_longer_ones_ended(
    fp32: OnnxDecoder, language_model: GPT2LMHeadModel
) -> None:
    assert fp32.context_tokens == 32
    short = [7, 8]
    fp32.read(*padded([list(range(1, 31)), short]))
    fp32.keep(np.array([1]))
    while len(short) < fp32.context_tokens:
        short.append(len(short))
        logits = fp32.next(np.array(short[-1:]))
    same(logits, last_logits(language_model, [short]))
    with pytest.raises(AssertionError, match="positions"):
        fp32.next(np.array([1]))


def test_an_int8_row_is_the_same_to_the_bit_whatever_stands_beside_it(int8: OnnxDecoder) -> None:
    def answers(prompts: list[list[int]], others: list[int]) -> list[NDArray[np.float32]]:
        """What the first row hears while it reads 40, 41, 42 and its mates read `others`."""
        first = [int8.read(*padded(prompts))[0]]
        return first + [int8.next(np.array([token, *others]))[0] for token in (40, 41, 42)]

    alone = answers([[5, 6, 7]], [])
    for mates, others in (([[9, 8]], [1]), ([[4] * 20, [250]], [7, 7]), ([[5, 6, 7]], [299])):
        for ours, its in zip(answers([[5, 6, 7], *mates], others), alone, strict=True):
            np.testing.assert_array_equal(ours, its)


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_rows_read_together_have_the_bits_of_rows_read_apart(
    variant: str, exported_language_model: Exported
) -> None:
    folder = exported_language_model.out_dir / variant
    apart, together = (OnnxDecoder(folder, threads=1, rows_apart=apart) for apart in (True, False))
    np.testing.assert_array_equal(together.read(*padded(PROMPTS)), apart.read(*padded(PROMPTS)))
    for step in range(10):
        tokens = np.array([20 + step, 120 + step, 220 + step])
        np.testing.assert_array_equal(together.next(tokens), apart.next(tokens))


def test_a_prompt_read_in_int8_is_answered_as_it_is_scored(
    exported_language_model: Exported, int8: OnnxDecoder
) -> None:
    scored = predicted(OnnxModel(exported_language_model.out_dir / "int8", threads=1), PROMPTS)
    np.testing.assert_array_equal(int8.read(*padded(PROMPTS)), [logits_LV[-1] for logits_LV in scored])


def test_the_greedy_continuation_is_transformers_own(
    fp32: OnnxDecoder, language_model: GPT2LMHeadModel
) -> None:
    for prompt in PROMPTS:
        expected = language_model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            min_new_tokens=20,
            max_new_tokens=20,
            pad_token_id=0,
            eos_token_id=None,
        )
        written = [fp32.read(*padded([prompt])).argmax(axis=1)]
        while len(written) < 20:
            written.append(fp32.next(written[-1]).argmax(axis=1))
        assert np.concatenate(written).tolist() == expected[0, len(prompt) :].tolist()
    assert len(set(np.concatenate(written).tolist())) > 3  # not one token for ever


def test_prompts_that_are_not_padded_on_the_left_are_a_fault(fp32: OnnxDecoder) -> None:
    ids_BT = np.array([[1, 2, 3]])
    for mask in ([1, 1, 0], [1, 0, 1], [0, 0, 0]):
        with pytest.raises(AssertionError, match="left"):
            fp32.read(ids_BT, np.array([mask]))


def test_an_export_of_an_earlier_version_scores_and_is_refused_for_decoding(
    exported_language_model: Exported, tmp_path: Path
) -> None:
    """Those are what optimum writes for the task without a past."""
    model: Any = GPT2.read(exported_language_model.model_dir).network
    model.config.use_cache = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx_export_from_model(model, tmp_path / "fp32", task="text-generation", do_validation=False)
    ours = predicted(OnnxModel(exported_language_model.out_dir / "fp32", threads=1), PROMPTS)
    for mine, its in zip(ours, predicted(OnnxModel(tmp_path / "fp32", threads=1), PROMPTS), strict=True):
        np.testing.assert_allclose(mine, its, atol=ROUNDING)
    with pytest.raises(UserError) as raised:
        OnnxDecoder(tmp_path / "fp32", threads=1, rows_apart=False)
    assert "without a key/value cache that is written in place" in str(raised.value)
    assert str(raised.value).endswith(" Export the run again: `encore export ID`.")


def test_a_config_that_does_not_say_the_positions_is_refused(
    exported_language_model: Exported, tmp_path: Path
) -> None:
    shutil.copytree(exported_language_model.out_dir / "fp32", tmp_path / "fp32")
    for damage in ("{", "[]", '{"model_type": "perceptron"}', '{"n_positions": "many"}', None):
        config = tmp_path / "fp32" / "config.json"
        config.unlink() if damage is None else config.write_text(damage)
        with pytest.raises(UserError, match=r"config\.json.*Export the run again"):
            OnnxDecoder(tmp_path / "fp32", threads=1, rows_apart=False)


def test_the_files_take_and_give_a_cache_and_their_config_says_so(exported_language_model: Exported) -> None:
    parts = [f"{layer}.{part}" for layer in (0, 1) for part in ("key", "value")]
    for name in ("fp32", "int8"):
        folder = exported_language_model.out_dir / name
        graph = onnx.load(folder / "model.onnx").graph
        assert {entry.name for entry in graph.input} == {
            "input_ids",
            "attention_mask",
            "position_ids",
            "num_logits_to_keep",
            *(f"past_key_values.{part}" for part in parts),
        }
        assert [entry.name for entry in graph.output] == ["logits", *(f"present.{part}" for part in parts)]
        assert json.loads((folder / "config.json").read_text())["use_cache"] is True
        assert list(folder.glob("*.onnx*")) == [folder / "model.onnx"]


@pytest.mark.slow
def test_the_bytes_are_the_same_in_every_process(exported_language_model: Exported, tmp_path: Path) -> None:
    """As `encore reproduce` promises of both files."""
    code = (
        "import sys; from pathlib import Path; from lightning_modules.families import GPT2;"
        "from export.materials import Materials; from export.onnx_files import write_fp32;"
        "from export.gpt2_files import write_gpt2_int8; from export.original import Original;"
        "from export.tasks import EXPORT_TASKS;"
        "source, out = map(Path, sys.argv[1:]); task = EXPORT_TASKS[GPT2.task.name]; config = source / 'config.json';"
        "original = Original(GPT2.read(source), task.optimum_name, task.keeps_past, config, source);"
        "made = Materials(out, []); write_fp32(original, made, out / 'fp32');"
        "write_gpt2_int8(original, made, out / 'int8')"
    )
    for seed in ("1", "2"):  # strings hash differently, so sets are walked in another order
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code, str(exported_language_model.model_dir), str(tmp_path / seed)]
        subprocess.run(command, env=environment, check=True, timeout=120)
    for name in ("fp32", "int8"):
        written = [
            (folder / name / "model.onnx").read_bytes()
            for folder in (exported_language_model.out_dir, tmp_path / "1", tmp_path / "2")
        ]
        assert written[0] == written[1] == written[2]
