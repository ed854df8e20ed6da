"""A study of attention: one text by a classifier or a language model, a corpus, what is made again, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, DistilBertForSequenceClassification

from errors import UserError
from experiments.studies.attention import KIND, AttentionRequest
from experiments.studies.attention_model import AttentionModel
from experiments.studies.kinds import prepared
from experiments.studies.models import model_of_folder
from experiments.studies.replay import replay
from experiments.studies.study import Studied, study
from host.progress import SILENT
from runs.layout import STUDY_PAGE, STUDY_PICTURES, STUDY_WEIGHTS
from runs.verify import verify
from schema.validation import parse
from tests.processes import inside
from tests.strange_folders import WORDS, encoder, storyteller
from tracking.store import Store

TEXT = "the films, not <b>good</b>!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    return encoder(tmp_path_factory.mktemp("models") / "encoder", labels=2)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    return storyteller(tmp_path_factory.mktemp("models") / "storyteller")


def studied(store: Store, model: Path, **given: Any) -> Studied:
    request = AttentionRequest(model=str(model), **given)
    found = prepared(KIND, request, root=store.root, reporter=SILENT)
    return study(found, store, again=False, reporter=SILENT)


def by_method(content: Any) -> dict[str, list[float]]:
    return {one["method"]: one["words"] for one in content["importance"]}


def test_a_text_is_studied_recorded_and_made_again(store: Store, folder: Path) -> None:
    found = studied(store, folder, text=TEXT)
    content = found.content
    names = [token["text"] for token in content["tokens"]]
    assert names[:4] == ["[CLS]", "the", "film", "##s"]
    assert content["words"][:3] == ["[CLS]", "the", "films"]
    assert [content["tokens"][at]["word"] for at in (2, 3)] == [2, 2]
    weights = np.load(found.run.path(STUDY_WEIGHTS))
    assert weights.shape == (1, 2, len(names), len(names))
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    network = DistilBertForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.tensor([[token["id"] for token in content["tokens"]]])
    with torch.no_grad():
        theirs = network(ids, output_attentions=True)
    assert np.allclose(weights[0], theirs.attentions[0][0].numpy(), atol=1e-6)
    likeliest = theirs.logits[0].softmax(-1).max().item()
    assert content["answer"]["probability"] == pytest.approx(likeliest, abs=1e-5)
    assert by_method(content)["attention"][2] == pytest.approx(weights[0, :, 0, 2:4].sum() / 2, abs=1e-5)
    link, at = content["links"][0], [token["word"] for token in content["tokens"]]
    places = [[place for place, word in enumerate(at) if word == link[end]] for end in ("from", "to")]
    assert link["weight"] == pytest.approx(
        weights[link["layer"], link["head"]][np.ix_(*places)].sum(1).mean(), abs=1e-5
    )
    assert link["weight"] >= weights[0, :, 1, 4:-1].max() - 1e-6  # from one word of one piece to others
    assert {0, at[-1]}.isdisjoint((link["from"], link["to"]))
    assert link["from"] != link["to"]
    assert content["gradients"]["reached"] == pytest.approx(content["gradients"]["difference"], rel=0.02)
    page = found.run.path(STUDY_PAGE).read_text()
    assert "<b>good" not in page
    assert found.run.path(f"{STUDY_PICTURES}/heads.png").read_bytes().startswith(b"\x89PNG")
    assert all(check.holds for check in verify(found.run))
    assert replay(found.run).same
    assert studied(store, folder, text=TEXT).reused


def test_a_language_models_text_is_opened_by_its_end_and_read_at_its_last_token(
    store: Store, writer: Path
) -> None:
    content = studied(store, writer, text="Once upon a time").content
    assert content["tokens"][0]["special"]
    assert content["words"][1:] == ["Once", "upon", "a", "time"]
    assert (content["causal"], content["answer"]["kind"]) == (True, "next token")
    spread = np.bincount([token["word"] for token in content["tokens"]], content["rollout"][-1])
    assert by_method(content)["rollout"] == pytest.approx(spread, abs=1e-5)
    assert sum(by_method(content)["attention x norm"]) == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def bert(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    other = tmp_path_factory.mktemp("models") / "bert"
    shutil.copytree(folder, other)
    sizes = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = BertConfig(**sizes, intermediate_size=16, max_position_embeddings=16)
    BertForSequenceClassification(config).save_pretrained(other)
    return other


def test_a_berts_folder_is_read_too(store: Store, bert: Path) -> None:
    content = studied(store, bert, text="the film is " * 9).content
    assert (content["layers"], content["heads"], len(content["tokens"])) == (2, 4, 16)
    assert content["left_out"] == 27 - 14


@pytest.mark.parametrize(
    ("key", "value"),
    [("is_decoder", True), ("position_embedding_type", "relative_key"), ("intermediate_size", 32)],
)
def test_a_bert_that_computes_otherwise_than_its_weights_is_refused(
    bert: Path, tmp_path: Path, key: str, value: object
) -> None:
    other = tmp_path / "other"
    shutil.copytree(bert, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(UserError, match=key):
        model_of_folder(other, max_tokens=16)


def test_a_network_whose_attention_is_another_is_told(folder: Path) -> None:
    model = AttentionModel(model_of_folder(folder, max_tokens=32), max_tokens=32)
    ids = model.read("the film").ids
    model.attended(ids)
    with torch.no_grad():
        model.studied.model.network.classifier.bias.add_(1e-3)
        written_out = model.network.outputs
        object.__setattr__(model.network, "outputs", lambda hidden: written_out(hidden) - 1e-3)
    with pytest.raises(UserError, match="differ by"):
        model.attended(ids)


@pytest.mark.slow
def test_a_corpus_is_scored_with_less_attention_and_made_again(store: Store, folder: Path) -> None:
    corpus = {"kind": "demo_reviews", "split": "official"}
    found = studied(store, folder, corpus=corpus, rows=30, sentences=8)
    content = found.content
    assert (content["texts"], content["sentences"], content["metric"]) == (30, 8, "accuracy")
    methods = [row["method"] for row in content["faithfulness"]]
    assert methods[0] == "integrated gradients"
    assert methods[-1] == "random"
    for row in content["faithfulness"]:
        for measure in ("comprehensiveness", "sufficiency"):
            assert row[measure]["low"] <= row[measure]["mean"] <= row[measure]["high"]
    assert len(content["windows"]) == 8
    assert [(row["layer"], row["head"]) for row in content["heads_off"]] == [(0, 0), (0, 1)]
    page = found.run.path(STUDY_PAGE).read_text()
    assert "of 30 texts, and what it looks at in the 8 of them that have words removed" in page
    for row in [*content["windows"], *content["heads_off"]]:
        assert row["difference"] == pytest.approx(row["score"] - content["whole"]["score"], abs=1e-6)
    assert replay(found.run).same


@pytest.mark.slow
def test_a_language_model_is_scored_by_its_loss(store: Store, writer: Path) -> None:
    corpus = {"kind": "demo_stories", "split": "official"}
    content = studied(store, writer, corpus=corpus, rows=6, sentences=2, max_tokens=32).content
    assert content["metric"] == "loss"
    assert content["cut"] == 6
    assert content["whole"]["score"] == pytest.approx(np.log(280), abs=0.3)  # it has learned nothing


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "one text or of one corpus"),
        ({"text": "a", "corpus": {"kind": "sst2"}}, "one text or of one corpus"),
        ({"text": " \n"}, "all spaces"),
        ({"text": "a", "run": "abc"}, "run's model, or of a folder's"),
    ],
)
def test_what_cannot_be_studied_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse(AttentionRequest, {"model": "./model", **given}, where="here")


def test_the_command_shows_a_head_or_what_words_count(root: Path, folder: Path) -> None:
    done = inside("study", "attention", "the film is good", "--model", folder, "--root", root)
    assert done.returncode == 0, done.stderr
    assert "probability" in done.stdout
    head = inside(
        "study", "attention", "the film is good", "--model", folder, "--root", root, "--layer", 0, "--head", 1
    )
    assert "Layer 0, head 1" in head.stdout
    assert "before" in head.stderr
    told = inside(
        "study",
        "attention",
        "the film is good",
        "--model",
        folder,
        "--root",
        root,
        "--layer",
        0,
        "--head",
        1,
        "--json",
    )
    found = json.loads(told.stdout)
    assert np.array(found["weights"]).sum(1) == pytest.approx(np.ones(6), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["  "], "all spaces"),
        (["the film", "--layer", "1", "--head", "0"], "from 0 to 0"),
        (["the film", "--layer", "0", "--head", "2"], "from 0 to 1"),
        (["the film", "--layer", "0"], "--head"),
        (["the film", "--rows", "9"], "--rows"),
        (["--data", "tinystories", "--layer", "0", "--head", "0"], "--layer"),
        (["\u200b\u200d"], "nothing of it is left"),
        (["a\udce9b"], "UTF-8"),
    ],
)
def test_a_wrong_question_is_one_line(root: Path, folder: Path, arguments: list[str], told: str) -> None:
    done = inside("study", "attention", *arguments, "--model", folder, "--root", root)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]


def test_a_text_of_emoji_is_read(folder: Path) -> None:
    read = AttentionModel(model_of_folder(folder, max_tokens=32), max_tokens=32).read("\N{THUMBS UP SIGN}")
    assert read.texts == ("[CLS]", "[UNK]", "[SEP]")
    assert read.word_texts == ["[CLS]", "\N{THUMBS UP SIGN}", "[SEP]"]


@pytest.mark.slow
def test_a_megabyte_is_read_as_far_as_the_model_reads(root: Path, folder: Path) -> None:
    done = inside("study", "attention", "the film " * 120_000, "--model", folder, "--root", root)
    assert done.returncode == 0, done.stderr
    assert "239,938 tokens of the text are cut" in done.stderr


def test_a_folder_without_offsets_or_of_another_family_is_one_line(
    root: Path, folder: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    (bare / "tokenizer.json").unlink()
    done = inside("study", "attention", "a", "--model", bare, "--root", root)
    assert done.returncode == 2
    assert "where in a text" in done.stderr
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / "config.json").write_text(json.dumps({"model_type": "t5"}))
    done = inside("study", "attention", "a", "--model", other, "--root", root)
    assert done.returncode == 2
    assert "'t5'" in done.stderr
