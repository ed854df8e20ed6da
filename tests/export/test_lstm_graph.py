"""The graph of an LSTM answers as PyTorch does, for any number of rows and tokens and layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.lstm_graph import lstm_graph
from export.session import new_session
from lightning_modules.lstm_network import LstmNetwork, LstmSize


@pytest.mark.parametrize("layers", [1, 3])
def test_its_logits_are_those_of_the_network(layers: int) -> None:
    torch.manual_seed(layers)
    size = LstmSize(
        vocabulary=30, embedding_dim=5, dim=4, layers=layers, padding=0, unknown=1, labels=("a", "b", "c")
    )
    network = LstmNetwork(size).eval()
    with torch.no_grad():  # so that gates in another order are seen
        for parameter in network.parameters():
            parameter.mul_(3)
    session = new_session(lstm_graph(network).SerializeToString(), threads=1)
    for rows, tokens in ((1, 1), (1, 2), (1, 17), (5, 9)):
        ids = torch.randint(size.vocabulary, (rows, tokens))
        with torch.inference_mode():
            expected = network(ids).numpy()
        [found] = session.run(["logits"], {"input_ids": ids.numpy()})
        assert found.shape == (rows, 3)
        assert np.abs(found - expected).max() < 1e-5
        assert np.abs(expected).max() > 0.1
