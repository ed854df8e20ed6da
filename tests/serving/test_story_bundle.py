"""A language model's bundle: what it is, and that each thing that may be wrong with it is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from errors import UserError
from experiments.training.train import train
from export.bundle_file import BUNDLE_FILE
from export.golden import Golden
from runs.bundling import bundle_of
from runs.files import RunFiles, run_named
from serving.bundle import read_bundle
from serving.prompt_proof import open_writer, prove_prompts
from serving.service import service_of
from tests.serving.tampering import (
    OF_ANY,
    altered,
    check_made_again,
    check_named,
    flip_byte,
    flip_byte_and_digest,
    under,
    word_gone,
)
from tests.tiny import ANY_EXPORT, small_writer
from tracking.store import Store


def test_made_twice_it_is_the_same_bytes_in_one_file_each(
    writing_run: RunFiles, story_bundle: Path, tmp_path: Path
) -> None:
    check_made_again(writing_run, story_bundle, tmp_path / "again")


def _turn_bit(folder: Path) -> None:
    flip_byte_and_digest(folder, "wte.scales", byte=2)  # a lower one may be lost in the rounding of a logit


def _in_golden(change: Callable[[dict[str, list[int]]], None]) -> Callable[[Path], None]:
    return altered("golden.json", lambda golden: change(golden["answers"][0]))


def _other_token(answer: dict[str, list[int]], *, of: str, at: int) -> None:
    answer[of][at] = (answer[of][at] + 1) % 200


TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "model byte": (flip_byte, "model.onnx is not the file"),
    "model bit, digest made anew": (_turn_bit, "the model goes on with .* otherwise"),
    "tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("{}") and None,
        "tokenizer.json is not the file",
    ),
    "tokenizer, digest made anew": (altered("tokenizer.json", word_gone), "the tokenizer reads .* otherwise"),
    "end of a text": (
        altered(BUNDLE_FILE, lambda about: about.update(end_of_text="e")),
        "the tokenizer reads",
    ),
    "no end of a text": (
        altered(BUNDLE_FILE, lambda about: about.update(end_of_text="<end>")),
        "no token '<end>'",
    ),
    "golden file": (
        lambda folder: (folder / "golden.json").write_text("{}") and None,
        "golden.json is not the",
    ),
    "golden tokens": (_in_golden(partial(_other_token, of="greedy", at=5)), "the model goes on with"),
    "golden logits": (
        altered("golden.json", lambda golden: golden["answers"][1]["logits"].reverse()),
        "the model goes on with .*a logit lies",
    ),
    "golden digest": (
        altered("golden.json", lambda golden: golden["answers"][1].update(logits_digest="0" * 64)),
        "the model goes on with",
    ),
    "golden ids": (_in_golden(partial(_other_token, of="ids", at=1)), "the tokenizer reads"),
    "another task": (
        altered(BUNDLE_FILE, lambda about: about.update(labels=["a", "b"])),
        "labels|another task",
    ),
    **OF_ANY,
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_tampered_with_is_named_before_it_is_served(
    story_bundle: Path, tmp_path: Path, what: str
) -> None:
    check_named(story_bundle, tmp_path / "bundle", *TAMPERINGS[what])


def test_under_other_conditions_rows_are_read_apart_and_a_far_logit_is_refused(
    story_bundle: Path, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "bundle"
    shutil.copytree(story_bundle, folder)
    under("onnxruntime", "1.2.3")(folder)
    bundle = read_bundle(folder)
    opened = open_writer(bundle, threads=1)
    assert opened.model.rows_apart
    proof = prove_prompts(bundle, opened, "warn")
    assert (proof.bit_equal, len(proof.warnings)) == (True, 1)

    def move(golden: dict[str, list[dict[str, list[float]]]]) -> None:
        golden["answers"][2]["logits"][0] += 100

    altered("golden.json", move)(folder)
    with pytest.raises(UserError, match="a logit lies 100 apart"):
        prove_prompts(read_bundle(folder), opened, "warn")


def test_golden_prompts_are_of_several_lengths(story_bundle: Path) -> None:
    golden = Golden.model_validate_json((story_bundle / "golden.json").read_bytes())
    lengths = [len(answer.ids) for answer in golden.answers]
    assert len(set(lengths)) == 4
    about = json.loads((story_bundle / BUNDLE_FILE).read_text())
    assert about["batch_invariant"]


def test_a_model_with_hardly_a_context_is_served(served_store: Store, tmp_path: Path) -> None:
    run = run_named(
        served_store,
        train(small_writer(*ANY_EXPORT, "data.max_tokens=8", "samples.prompts=[On]"), served_store).run_id,
    )
    bundle_of(run, "int8", tmp_path / "bundle")
    bundle = read_bundle(tmp_path / "bundle")
    assert [answer.text for answer in bundle.golden.answers] == [""]
    service = service_of(bundle, threads=1, mode="strict")
    assert service.proof.bit_equal


def test_its_card_names_all_that_its_file_takes(story_bundle: Path) -> None:
    names = "`input_ids`, `attention_mask`, `position_ids`, `num_logits_to_keep` and `past_key_values.…`"
    assert (
        f"`model.onnx` takes them as {names} (int64, one text a row)"
        in (story_bundle / "README.md").read_text()
    )
