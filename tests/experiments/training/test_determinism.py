"""An operation without a deterministic version runs, and everything that depends on it says so."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from experiments.reproduction.reproduce import reproduce
from experiments.reproduction.resume import resume
from experiments.training.determinism import nondeterministic_operations, operation_named
from experiments.training.origin import FromScratch
from experiments.training.train import train
from lightning_modules.distilbert import DistilBertClassifier
from lightning_modules.learner import Batch
from runs.files import RunFiles
from tests.killed import killed_at, newest
from tests.tiny import classifier
from tracking.store import Store

Forward = Callable[[DistilBertClassifier, Batch], tuple[torch.Tensor, torch.Tensor]]


def _with_put(forward: Forward) -> Forward:
    def other(self: DistilBertClassifier, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        loss, logits = forward(self, batch)
        return loss + 0 * torch.zeros(2).put_(torch.tensor([0]), torch.ones(1)).sum(), logits

    return other


@pytest.mark.slow
def test_a_run_names_its_operations_and_its_certificate_does(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(root)
    monkeypatch.setattr(
        DistilBertClassifier, "loss_and_logits", _with_put(DistilBertClassifier.loss_and_logits)
    )
    run = store.find(train(classifier(), store).run_id)
    assert run.tags["encore.ran.nondeterministic"] == "put_"
    assert train(classifier(), store, FromScratch(reuse=True)).reused is None
    certificate = reproduce(RunFiles(store, run)).certificate
    assert (certificate["verdict"], certificate["nondeterministic"]) == ("identical", ["put_"])
    page = store.artifact(store.find(certificate["actual"]["run_id"]), "certificate.md").read_text()
    assert r"Without a deterministic version ran: put\_." in page  # as Markdown writes it


@pytest.mark.slow
def test_a_resumed_run_still_names_what_ran_before_it_was_killed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(root)
    with monkeypatch.context() as patch:
        patch.setattr(
            DistilBertClassifier, "loss_and_logits", _with_put(DistilBertClassifier.loss_and_logits)
        )
        with killed_at(20):
            train(classifier(), store)
    assert (
        store.find(resume(RunFiles(store, newest(store))).run_id).tags["encore.ran.nondeterministic"]
        == "put_"
    )


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("kthvalue CUDA does not have a deterministic implementation, but you set", "kthvalue CUDA"),
        ("put_ does not have a deterministic implementation, but you set", "put_"),
        (
            "Memory Efficient attention defaults to a non-deterministic algorithm. To explicitly enable",
            "Memory Efficient attention",
        ),
        (
            "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or\n"
            "something, but this operation is not deterministic because it uses CuBLAS and you have CUDA >= 10.2",
            "CuBLAS",
        ),
        ("The dataloader does not have many workers", None),
    ],
)
def test_torchs_words_are_understood(message: str, name: str | None) -> None:
    assert operation_named(message) == name


def test_other_warnings_pass() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)

    def warned() -> list[str]:
        found: list[str] = []
        with nondeterministic_operations(found.append):
            for _ in range(3):
                torch.zeros(2).put_(torch.tensor([0]), torch.ones(1))
            warnings.warn("something else", UserWarning, stacklevel=1)
        return found

    with pytest.warns(UserWarning, match="something else"):
        assert warned() == ["put_"]
