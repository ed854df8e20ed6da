"""The graph of a linear classifier answers as PyTorch does, for any number of rows, tokens and n-grams."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.linear_graph import linear_graph
from export.session import new_session
from lightning_modules.linear_network import LinearNetwork, LinearSize
from lightning_modules.ngrams import key_of
from lightning_modules.settings import Features

VOCABULARY = 12


def network(features: Features, longest: int, ngrams: int) -> LinearNetwork:
    """Knows a draw of the n-grams of ids from 2; 0 and 1 are no words."""
    draw = np.random.Generator(np.random.PCG64(longest * 1000 + ngrams))
    ids = np.arange(2, VOCABULARY)
    possible = [
        key_of([each.ravel() for each in np.meshgrid(*[ids] * length)], VOCABULARY)
        for length in range(1, longest + 1)
    ]
    keys = np.sort(draw.permutation(np.concatenate(possible))[:ngrams])
    made = LinearNetwork(LinearSize(VOCABULARY, longest, len(keys), features, ("negative", "positive")))
    made.keys.copy_(torch.from_numpy(keys))
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            if name != "keys":
                tensor.copy_(torch.from_numpy(draw.uniform(0.5, 2, tensor.shape)))
    return made.eval()


@pytest.mark.parametrize("features", ["tfidf", "nb"])
@pytest.mark.parametrize(("longest", "ngrams"), [(1, 1), (1, 10), (2, 64), (2, 65), (3, 1000)])
def test_its_logits_are_those_of_the_network(features: Features, longest: int, ngrams: int) -> None:
    made = network(features, longest, ngrams)
    session = new_session(linear_graph(made).SerializeToString(), threads=1)
    generator = torch.Generator().manual_seed(0)
    spread = []
    for rows, tokens in ((1, 1), (1, 2), (1, 3), (1, 40), (5, 9)):
        ids = torch.randint(VOCABULARY, (rows, tokens), generator=generator)
        with torch.inference_mode():
            expected = made(ids).numpy()
        [found] = session.run(["logits"], {"input_ids": ids.numpy()})
        assert found.shape == (rows, 2)
        assert np.abs(found - expected).max() < 1e-6 * max(1, np.abs(expected).max())
        alone = [session.run(["logits"], {"input_ids": row[None]})[0] for row in ids.numpy()]
        assert np.array_equal(found, np.concatenate(alone))
        spread.append(expected[:, 1])
    assert ngrams == 1 or np.concatenate(spread).std() > 0.1


@pytest.mark.parametrize("features", ["tfidf", "nb"])
def test_a_text_without_a_known_word_has_the_bias_alone(features: Features) -> None:
    made = network(features, 2, 50)
    session = new_session(linear_graph(made).SerializeToString(), threads=1)
    [logits] = session.run(["logits"], {"input_ids": np.array([[0, 1, 0, 1]])})
    bias = float(made.bias.detach())
    assert np.asarray(logits)[0].tolist() == pytest.approx([-bias / 2, bias / 2])
