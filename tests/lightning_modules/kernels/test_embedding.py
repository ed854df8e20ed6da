from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn

from lightning_modules.kernels.embedding import RowwiseEmbedding

Rows = list[int]


def twins() -> tuple[nn.Embedding, RowwiseEmbedding]:
    torch.manual_seed(0)
    plain = nn.Embedding(9, 4, padding_idx=0)
    copy = nn.Embedding(9, 4, padding_idx=0)
    copy.load_state_dict(plain.state_dict())
    return plain, RowwiseEmbedding.around(copy)


@hypothesis_settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=6), min_size=1, max_size=3), max_size=4
    ),
    st.booleans(),
)
def test_gradients_are_those_of_the_plain_embedding(steps: list[list[Rows]], forget: bool) -> None:
    """Several steps, several batches in a step; also when somebody drops the gradient in between."""
    plain, ours = twins()
    for batches in steps:
        for rows in batches:
            ids = torch.tensor(rows)[:, None]
            scale = torch.arange(1.0, 1.0 + len(rows))[:, None, None]
            for embedding in (plain, ours):
                (embedding(ids) * scale).square().sum().backward()
        assert ours.weight.grad is not None
        torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
        plain.weight.grad = None
        if forget:
            ours.weight.grad = None
        kept = ours.cleared_gradient()
        assert kept is ours.weight.grad
        assert kept is None or not kept.any()


def test_the_gradient_tensor_is_kept_and_the_weight_is_shared() -> None:
    plain = nn.Embedding(5, 2)
    ours = RowwiseEmbedding.around(plain)
    assert ours.weight is plain.weight
    ours(torch.tensor([1])).sum().backward()
    first = ours.weight.grad
    ours.cleared_gradient()
    ours(torch.tensor([2])).sum().backward()
    assert ours.weight.grad is first


def test_a_frozen_embedding_gets_no_gradient() -> None:
    _, ours = twins()
    ours.weight.requires_grad = False
    assert not ours(torch.tensor([1])).requires_grad
    assert ours.weight.grad is None


def test_a_gradient_that_torch_made_is_not_kept() -> None:
    """As on a GPU, where the rows are looked up by torch."""
    _, ours = twins()
    nn.Embedding.forward(ours, torch.tensor([1])).sum().backward()
    assert ours.weight.grad is not None
    assert ours.cleared_gradient() is None
