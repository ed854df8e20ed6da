from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from lightning_modules.gpt2 import IGNORED, Gpt2LanguageModel, new_gpt2
from lightning_modules.kernels.attention import _LONGEST_WRITTEN_OUT
from lightning_modules.optimisation import Optimisation
from lightning_modules.settings import OptimConfig

OPTIMISATION = Optimisation(
    OptimConfig(learning_rate=1e-3, weight_decay=0.1, beta2=0.95, schedule="cosine", warmup_ratio=0),
    10,
)


@pytest.fixture(params=["highest", "medium"])
def products(request: pytest.FixtureRequest) -> Iterator[str]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


def batch(tokens: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    ids = torch.randint(60, (3, tokens + 1))
    labels = ids[:, 1:].clone()
    labels[2, tokens // 2 :] = IGNORED
    return {"input_ids": ids[:, :-1], "labels": labels}


@pytest.mark.parametrize("tokens", [20, _LONGEST_WRITTEN_OUT + 1])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_quick_step_is_the_librarys(products: str, tokens: int, dropout: float) -> None:
    def made() -> torch.nn.Module:
        torch.manual_seed(0)
        size = {"context_tokens": 400, "layers": 2, "heads": 2, "dim": 32}
        return new_gpt2(vocab_size=60, end_token_id=0, dropout=dropout, **size)

    learner = Gpt2LanguageModel(made(), optimisation=OPTIMISATION, frozen_layers=0).eval()  # type: ignore[arg-type]
    plain = made().eval()
    given = batch(tokens)
    ours = learner.loss(given)
    logits = plain(input_ids=given["input_ids"], use_cache=False).logits
    theirs = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), given["labels"].flatten(), ignore_index=IGNORED
    )
    ours.backward()
    theirs.backward()
    near = {"rtol": 1e-4, "atol": 1e-6} if products == "highest" else {"rtol": 0.05, "atol": 2e-3}
    torch.testing.assert_close(ours, theirs, **near)
    torch.testing.assert_close(ours, learner.loss_and_logits(given)[0], **near)
    gradients = dict(learner.model.named_parameters())
    for name, parameter in plain.named_parameters():
        torch.testing.assert_close(gradients[name].grad, parameter.grad, **near)


def test_what_is_saved_says_nothing_of_how_it_was_trained(tmp_path) -> None:
    model = new_gpt2(vocab_size=60, end_token_id=0, context_tokens=40, layers=1, heads=2, dim=16, dropout=0.0)
    Gpt2LanguageModel(model, optimisation=OPTIMISATION, frozen_layers=0).text_model.save(tmp_path)
    text = (tmp_path / "config.json").read_text()
    assert '"activation_function": "gelu_new"' in text
    assert "encore" not in text


def test_embeddings_and_head_are_one_matrix_that_decays_once() -> None:
    model = new_gpt2(vocab_size=60, end_token_id=0, context_tokens=40, layers=1, heads=2, dim=16, dropout=0.0)
    learner = Gpt2LanguageModel(model, optimisation=OPTIMISATION, frozen_layers=0)
    assert model.lm_head.weight is model.transformer.wte.weight
    groups = learner.configure_optimizers()["optimizer"].param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert len(decays) == sum(len(group["params"]) for group in groups)
    for name, parameter in learner.named_parameters():
        assert decays[id(parameter)] == (0.0 if name.endswith("bias") or ".ln_" in name else 0.1)


@pytest.mark.parametrize("broken", [1, 2])
def test_a_model_that_diverged_has_no_bits_per_byte(broken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = new_gpt2(vocab_size=60, end_token_id=0, context_tokens=40, layers=1, heads=2, dim=16, dropout=0.0)
    learner = Gpt2LanguageModel(model, optimisation=OPTIMISATION, frozen_layers=0).eval()
    given = {**batch(20), "bytes": torch.tensor([30, 0, 50])}
    logged: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(learner, "log_dict", logged.update)
    for number in range(2):
        if number == 2 - broken:  # in all batches, or in the last one only
            torch.nn.init.constant_(model.transformer.ln_f.weight, torch.nan)
        learner.validation_step(given, number)
    learner.on_validation_epoch_end()
    assert logged["val/bits_per_byte"].isnan()
