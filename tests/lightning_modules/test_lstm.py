"""The LSTM: packed rows answer as they do alone, its folder is read again whole or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, load_model, save_file, save_model

from errors import UserError
from lightning_modules.lstm import LstmClassifier, pretrained_lstm
from lightning_modules.lstm_folder import LstmModel, read_lstm
from lightning_modules.lstm_network import LstmNetwork, LstmSize
from lightning_modules.optimisation import Optimisation
from lightning_modules.settings import OptimConfig

SIZE = LstmSize(
    vocabulary=40, embedding_dim=6, dim=5, layers=2, padding=0, unknown=1, labels=("negative", "positive")
)
OPTIMISATION = Optimisation(OptimConfig(learning_rate=1e-3), 10)


def network(**options: float) -> LstmNetwork:
    torch.manual_seed(0)
    made = LstmNetwork(SIZE, **options)
    with torch.no_grad():  # large enough that a step over padding would be seen
        for parameter in made.parameters():
            parameter.mul_(4)
    return made


def batch(rows: int = 64, longest: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, longest + 1, (rows, 1), generator=generator)
    mask = (torch.arange(longest)[None] < lengths).long()
    return torch.randint(1, SIZE.vocabulary, mask.shape, generator=generator) * mask, mask


def test_a_row_in_a_padded_batch_answers_as_it_does_alone() -> None:
    model = network().eval()
    ids, mask = batch()
    with torch.inference_mode():
        together = model.padded(ids, mask)
        alone = torch.cat([model(row[keep.bool()][None]) for row, keep in zip(ids, mask, strict=True)])
    assert together.std() > 0.1
    assert (together - alone).abs().max() <= 1e-6


def test_weights_that_lie_in_one_stretch_are_written_and_read(tmp_path: Path) -> None:
    """cuDNN lays a layer's weights into one, from the first forward on a GPU on."""
    made, other = network(), network()
    for layer in made.layers:
        flat = torch.cat([weight.detach().reshape(-1) for weight in layer.parameters()])
        for weight, part in zip(
            layer.parameters(), flat.split([weight.numel() for weight in layer.parameters()]), strict=True
        ):
            weight.data = part.view_as(weight)
    save_model(made, str(tmp_path / "weights"))
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    load_model(other, str(tmp_path / "weights"))
    for (name, one), (_, read) in zip(network().named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(one, read), name


def test_the_sums_of_the_head_are_rounded_once() -> None:
    """In float32 they would be rounded otherwise in a batch than alone: on SST-2 by 1.9e-6."""
    torch.manual_seed(0)
    model, seen = LstmNetwork(replace(SIZE, dim=150)).eval(), list[torch.Tensor]()
    model.dropout.register_forward_hook(lambda *call: seen.append(call[2]))
    with torch.inference_mode():
        model.head.weight.mul_(10)
        found = model.padded(*batch())
        expected = seen[-1].double() @ model.head.weight.double().T + model.head.bias.double()
    assert seen[-1].shape == (64, 600)
    assert torch.equal(found, expected.float())


def test_gradients_of_a_padded_batch_are_those_of_its_rows() -> None:
    ids, mask = batch(8)
    together, alone = network(), network()
    together.padded(ids, mask).square().sum().backward()
    for row, keep in zip(ids, mask, strict=True):
        alone(row[keep.bool()][None]).square().sum().backward()
    for (name, one), (_, other) in zip(together.named_parameters(), alone.named_parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-5), name
    assert not bool(together.words.weight.grad[SIZE.padding].any())  # type: ignore[index]


def test_dropped_words_are_read_as_unknown_and_only_while_it_learns() -> None:
    ids, mask = batch()
    model = network(word_dropout=0.5)
    unknown = torch.where(mask.bool(), SIZE.unknown, ids)
    with torch.inference_mode():
        model.word_dropout = 1.0 - 1e-9
        assert torch.equal(model.padded(ids, mask), model.padded(unknown, mask))
        model.word_dropout = 0.5
        assert not torch.equal(model.padded(ids, mask), model.padded(ids, mask))
        assert torch.equal(model.eval().padded(ids, mask), network().eval().padded(ids, mask))


def test_known_words_begin_with_their_vectors_and_the_others_as_widely_spread() -> None:
    torch.manual_seed(0)
    model = LstmNetwork(replace(SIZE, vocabulary=2000, embedding_dim=50))
    vectors, known = torch.randn(2000, 50) * 3, torch.arange(2000) % 2 == 1
    model.begin_with(vectors, known)
    assert torch.equal(model.words.weight[known], vectors[known])
    others = model.words.weight[~known]
    assert float(others.detach().std()) == pytest.approx(3, rel=0.05)
    assert not bool(model.words.weight[SIZE.padding].any())
    assert model.words.weight.requires_grad


@pytest.mark.parametrize(("frozen", "trained"), [(0, {0, 1, 2, 3}), (1, {1, 2, 3}), (3, {3}), (4, set())])
def test_depth_counts_from_the_words_to_the_head(frozen: int, trained: set[int]) -> None:
    learner = LstmClassifier(network(), optimisation=OPTIMISATION, label_smoothing=0, frozen_layers=frozen)
    found = {learner.depth_of(name) for name, weight in learner.named_parameters() if weight.requires_grad}
    assert found == trained


def test_its_folder_is_read_again(tmp_path: Path) -> None:
    model = network().eval()
    LstmModel(model).save(tmp_path)
    again = read_lstm(tmp_path)
    ids = batch(1)[0][:, :5]
    assert torch.equal(again.logits(ids), model(ids))
    assert (again.vocabulary, again.outputs, again.positions) == (40, 2, None)
    assert not again.network.training
    assert json.loads((tmp_path / "config.json").read_text())["id2label"] == {
        "0": "negative",
        "1": "positive",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "distilbert"}, "holds a 'distilbert' model, not 'lstm'"),
        ({"dim": 7}, "the weights are not those that config.json describes"),
        ({"vocab_size": 2**23, "dim": 2**20}, "the weights are not those that config.json describes"),
        ({"layers": "2"}, "config.json sets layers to '2', which is no such number"),
        ({"layers": True}, "config.json sets layers to True"),
        ({"dim": 0}, "config.json sets dim to 0"),
        ({"vocab_size": 2**40}, "config.json sets vocab_size to"),
        ({"unk_token_id": 40}, "config.json has a token beyond its vocab_size"),
        ({"id2label": {"1": "positive"}}, "config.json names no labels"),
        ({"id2label": ["negative", "positive"]}, "config.json names no labels"),
    ],
)
def test_a_config_that_describes_other_weights_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    LstmModel(network()).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match=said):
        read_lstm(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "nan", "lacks", "more", "half"])
def test_weights_that_are_not_its_own_are_refused(tmp_path: Path, damage: str) -> None:
    LstmModel(network()).save(tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-8])
        case "nan":
            weights["head.bias"][0] = torch.nan
        case "lacks":
            del weights["head.bias"]
        case "more":
            weights["other"] = torch.zeros(1)
        case _:
            weights["head.bias"] = weights["head.bias"].half()
    if damage != "cut":
        save_file(weights, file)
    with pytest.raises(UserError) as caught:
        read_lstm(tmp_path)
    assert "head.bias" in caught.value.what or damage in ("cut", "more")


def test_it_begins_with_another_ones_weights_and_a_new_head_where_the_labels_differ(tmp_path: Path) -> None:
    first = network()
    LstmModel(first).save(tmp_path)
    same = pretrained_lstm(str(tmp_path), labels=SIZE.labels, dropout=0.1, word_dropout=0.2)
    assert all(torch.equal(first.state_dict()[name], weight) for name, weight in same.state_dict().items())
    assert same.training
    assert (same.dropout.p, same.word_dropout) == (0.1, 0.2)
    other = pretrained_lstm(str(tmp_path), labels=("a", "b", "c"), dropout=0, word_dropout=0)
    assert torch.equal(other.words.weight, first.words.weight)
    assert other.head.weight.shape[0] == 3
    assert other.size == replace(SIZE, labels=("a", "b", "c"))
    with pytest.raises(UserError, match="an LSTM begins with a folder alone"):
        pretrained_lstm("owner/name", labels=SIZE.labels, dropout=0, word_dropout=0)
