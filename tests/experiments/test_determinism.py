"""An operation without a deterministic version runs, and everything that depends on it says so."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from experiments.determinism import nondeterministic_operations
from experiments.reproduce import reproduce
from experiments.train import train
from lightning_modules.distilbert import DistilBertClassifier
from lightning_modules.learner import Batch
from tests.experiments.runs import classifier
from tracking.store import Store


def test_a_run_names_its_operations_and_its_certificate_does(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = DistilBertClassifier.loss_and_logits

    def other(self: DistilBertClassifier, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        loss, logits = forward(self, batch)
        return loss + 0 * torch.zeros(2).put_(torch.tensor([0]), torch.ones(1)).sum(), logits

    store = Store.open(root)
    assert "encore.ran.nondeterministic" not in store.find(train(classifier(), store).run_id).tags
    monkeypatch.setattr(DistilBertClassifier, "loss_and_logits", other)
    run = store.find(train(classifier(), store).run_id)
    assert run.tags["encore.ran.nondeterministic"] == "put_"
    assert train(classifier(), store, reuse=True).reused != run.run_id
    certificate = reproduce(store, run).certificate
    assert (certificate["verdict"], certificate["nondeterministic"]) == ("identical", ["put_"])
    page = store.artifact(store.find(certificate["actual"]["run_id"]), "certificate.md").read_text()
    assert "Without a deterministic version ran: put_." in page


def test_other_warnings_pass() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)

    def warned() -> set[str]:
        with nondeterministic_operations() as found:
            for _ in range(3):
                torch.zeros(2).put_(torch.tensor([0]), torch.ones(1))
            warnings.warn("something else", UserWarning, stacklevel=1)
        return found

    with pytest.warns(UserWarning, match="something else"):
        assert warned() == {"put_"}
