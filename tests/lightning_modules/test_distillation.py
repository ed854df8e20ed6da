"""The loss of a student against what its papers define."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from lightning_modules.distillation import distillation_loss
from lightning_modules.lstm import LstmClassifier
from lightning_modules.lstm_network import LstmNetwork, LstmSize
from lightning_modules.optimisation import Optimisation
from lightning_modules.settings import DistillationConfig, OptimConfig
from scoring.task import UNLABELLED

rows = st.lists(st.lists(st.floats(-20, 20), min_size=3, max_size=3), min_size=1, max_size=5)


@given(rows, st.data())
def test_mean_squared_error_is_over_rows_and_labels(student: list[list[float]], data: st.DataObject) -> None:
    teacher = data.draw(
        st.lists(rows.map(lambda some: some[0]), min_size=len(student), max_size=len(student))
    )
    found = distillation_loss(torch.tensor(student), torch.tensor(teacher), DistillationConfig(loss="mse"))
    pairs = [
        (s, t)
        for ours, theirs in zip(student, teacher, strict=True)
        for s, t in zip(ours, theirs, strict=True)
    ]
    assert found.item() == pytest.approx(sum((s - t) ** 2 for s, t in pairs) / len(pairs), rel=1e-5, abs=1e-6)


@given(rows, st.data(), st.floats(0.5, 8))
def test_the_divergence_is_of_softened_answers_times_temperature_squared(
    student: list[list[float]], data: st.DataObject, temperature: float
) -> None:
    teacher = data.draw(
        st.lists(rows.map(lambda some: some[0]), min_size=len(student), max_size=len(student))
    )
    config = DistillationConfig(loss="kl", temperature=temperature)
    found = distillation_loss(torch.tensor(student), torch.tensor(teacher), config)
    wanted = 0.0
    for ours, theirs in zip(student, teacher, strict=True):
        q, p = (log_softmax([logit / temperature for logit in side]) for side in (ours, theirs))
        wanted += sum(math.exp(b) * (b - a) for a, b in zip(q, p, strict=True)) / len(student)
    assert found.item() == pytest.approx(wanted * temperature**2, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("loss", ["mse", "kl"])
def test_equal_answers_cost_nothing_and_gradients_keep_their_size(loss: str) -> None:
    teacher = torch.tensor([[2.0, -1.0], [0.5, 0.1]])
    config = DistillationConfig.model_validate({"loss": loss})
    assert distillation_loss(teacher.bfloat16().float(), teacher.bfloat16(), config).item() == pytest.approx(
        0, abs=1e-6
    )
    sizes = []
    for temperature in (4.0, 8.0):
        student = torch.zeros_like(teacher, requires_grad=True)
        config = DistillationConfig.model_validate({"loss": loss, "temperature": temperature})
        distillation_loss(student, teacher, config).backward()
        assert student.grad is not None
        sizes.append(student.grad.norm().item())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.2)


def test_what_a_row_weighs_does_not_depend_on_the_rows_beside_it() -> None:
    learner = LstmClassifier(
        LstmNetwork(LstmSize(9, 3, 2, 1, 0, 1, ("a", "b"))).eval(),
        optimisation=Optimisation(OptimConfig(learning_rate=1e-3), 1),
        label_smoothing=0,
        frozen_layers=0,
    )
    learner.distillation = DistillationConfig(loss="mse", weight=0.25)
    ids = torch.tensor([[3, 4], [5, 6], [7, 8]])
    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "labels": torch.tensor([1, 0, UNLABELLED]),
        "teacher_logits": torch.tensor([[0.0, 1.0], [2.0, -2.0], [3.0, 0.5]]),
    }
    logits = learner.logits(batch)
    taught_B = (logits - batch["teacher_logits"]).square().mean(1)
    named_B = torch.nn.functional.cross_entropy(
        logits, batch["labels"], reduction="none"
    )  # 0 without a label
    wanted_B = 0.25 * taught_B + 0.75 * named_B
    for rows in ([0, 1, 2], [0, 2], [2, 1], [0, 1], [0], [2]):
        some = {key: value[rows] for key, value in batch.items()}
        assert learner.training_loss(some).item() == pytest.approx(wanted_B[rows].mean().item(), rel=1e-5)
