"""An LSTM that begins with word vectors: what they hold is part of its recipe, where they lie is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.bundled.reviews import generate_reviews
from errors import UserError
from experiments.reproduction.reproduce import check, reproduce
from experiments.training.exporting import export_run
from experiments.training.origin import FromScratch
from experiments.training.train import train
from lightning_modules.families import FAMILIES
from runs.files import RunFiles, run_named
from runs.verify import verify
from tests.tiny import ANY_EXPORT, lstm
from tracking.store import Store

STILL = ["train.max_steps=1", "train.validations=1", "optim.learning_rate=1e-30", "optim.weight_decay=0"]
LACKS = "the"


def write(file: Path, *, scale: float = 1.0) -> Path:
    """Vectors of every other word of the reviews, of one word more, and not of `the`."""
    draw = np.random.Generator(np.random.PCG64(0))
    found = sorted(
        {word.strip(".,").lower() for row in generate_reviews()["train"] for word in row["sentence"].split()}
    )
    words = [*[word for word in found[::2] if word and word != LACKS], "zebra"]
    lines = [f"{word} {' '.join(f'{x:.4f}' for x in scale * draw.normal(size=8))}" for word in words]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("glove") / "glove.txt")


@pytest.fixture(scope="module")
def begun(shared: Store, vectors: Path) -> RunFiles:
    return run_named(shared, train(lstm(f"model.vectors={vectors}", *STILL), shared).run_id)


def test_it_begins_with_them_and_says_how_many_words_they_cover(begun: RunFiles, vectors: Path) -> None:
    model = FAMILIES["lstm"].read(begun.path("model"))
    weight = model.network.words.weight  # type: ignore[union-attr]
    vocabulary = run_vocabulary(begun)
    rows = dict(line.split(" ", 1) for line in vectors.read_text().splitlines())
    for word, numbers in rows.items():
        if word in vocabulary:
            expected = torch.tensor([float(x) for x in numbers.split()])
            assert torch.allclose(weight[vocabulary[word]], expected, atol=1e-6), word
    assert {"zebra", LACKS} <= vocabulary.keys()
    assert [found for found in verify(begun) if not found.holds] == []


def run_vocabulary(run: RunFiles) -> dict[str, int]:
    from datamodules.tokenizers import load_tokenizer

    return load_tokenizer(str(run.path("model")), local_files_only=True).get_vocab()


def test_where_they_lie_does_not_count_and_what_they_hold_does(
    shared: Store, begun: RunFiles, vectors: Path, tmp_path: Path
) -> None:
    moved, other = tmp_path / "glove.txt", write(tmp_path / "other" / "glove.txt", scale=2.0)
    shutil.copy(vectors, moved)
    again = train(lstm(f"model.vectors={moved}", *STILL), shared, FromScratch(reuse=True))
    assert again.run_id == begun.record.run_id
    third = train(lstm(f"model.vectors={other}", *STILL), shared, FromScratch(reuse=True))
    assert third.run_id != begun.record.run_id


def test_other_vectors_in_their_place_are_named(shared: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "glove.txt", scale=3.0)
    run = run_named(shared, train(lstm(f"model.vectors={file}", *STILL), shared).run_id)
    assert check(run) == []
    write(file, scale=0.5)
    assert [(cause.kind, cause.name) for cause in check(run)] == [("data", "vectors")]
    with pytest.raises(UserError, match="the word vectors are not what the run began with") as caught:
        reproduce(run)
    assert str(file) in caught.value.where


def test_a_run_whose_vectors_are_gone_is_exported(shared: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "glove.txt", scale=4.0)
    run = run_named(shared, train(lstm(f"model.vectors={file}", *STILL, *ANY_EXPORT), shared).run_id)
    file.unlink()
    report = export_run(run_named(shared, run.record.run_id))
    assert report.metrics["export/fp32/max_logit_difference"] < 1e-5


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("its vectors have 2 numbers, and model.embedding_dim is 8", "film 1 2\ngood 3 4\n"),
        ("has a vector for none of the words of the train rows", "xyzzy 1 2 3 4 5 6 7 8\n"),
        ("no such file", None),
    ],
)
def test_vectors_that_do_not_fit_are_one_line_before_a_run_begins(
    shared: Store, tmp_path: Path, said: str, text: str | None
) -> None:
    file = tmp_path / "glove.txt"
    if text is not None:
        file.write_text(text)
    before = len(shared.runs())
    with pytest.raises(UserError, match=said) as caught:
        train(lstm(f"model.vectors={file}"), shared)
    assert str(file) in caught.value.where
    assert len(shared.runs()) == before


@pytest.mark.parametrize("key", ["pretrained", "tokenizer"])
def test_vectors_beside_another_vocabulary_are_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"vectors bring their own words, and {key} says others"):
        lstm("model.vectors=vectors.txt", f"model.{key}={tmp_path}")
