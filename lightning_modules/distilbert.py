"""DistilBERT as a classifier (Sanh et al. 2019, arXiv 1910.01108).

Legend: B batch, T tokens, D width, H heads, K width of a head, L labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from errors import UserError
from host.models import ATTENTION
from lightning_modules.classifier import DeepClassifier
from lightning_modules.kernels.dropout import dropout
from lightning_modules.kernels.embedding import RowwiseEmbedding
from lightning_modules.kernels.strict import fused_attention
from lightning_modules.learner import Batch
from lightning_modules.optimisation import Optimisation
from lightning_modules.pretrained import from_scratch, load_pretrained
from lightning_modules.text_model import TextModel
from lightning_modules.transformers_model import TransformersModel

_LAYER = re.compile(r"transformer\.layer\.(\d+)\.")


class DistilBertClassifier(DeepClassifier[DistilBertForSequenceClassification]):
    """Fine-tunes `model`, a DistilBertForSequenceClassification, on labelled texts."""

    def __init__(
        self,
        model: DistilBertForSequenceClassification,
        *,
        optimisation: Optimisation,
        label_smoothing: float,
        frozen_layers: int,
    ) -> None:
        embeddings = model.distilbert.embeddings
        embeddings.word_embeddings = RowwiseEmbedding.around(embeddings.word_embeddings)
        super().__init__(
            model,
            optimisation=optimisation,
            outputs=int(model.config.num_labels),
            label_smoothing=label_smoothing,
            frozen_layers=frozen_layers,
        )

    @property
    def text_model(self) -> TextModel:
        return TransformersModel(self.model, outputs=int(self.model.config.num_labels))

    @property
    def words(self) -> RowwiseEmbedding:
        words = self.model.distilbert.embeddings.word_embeddings
        assert isinstance(words, RowwiseEmbedding)
        return words

    def logits(self, batch: Batch) -> torch.Tensor:
        return first_token_logits(self.model, batch["input_ids"], batch["attention_mask"])

    def depth_of(self, name: str) -> int:
        if "embeddings" in name:
            return 0
        layer = _LAYER.search(name)
        return int(layer[1]) + 1 if layer else self.model.config.n_layers + 1


def first_token_logits(
    model: DistilBertForSequenceClassification, ids_BT: torch.Tensor, mask_BT: torch.Tensor
) -> torch.Tensor:
    """Logits (B, L) of `model`, without computing what the classifier never reads.

    The classifier reads only the first position, so the last block needs its queries, its output
    and its feed-forward for that position alone: about an eighth of a six-block step less. The value
    is that of `model.forward` up to float rounding; a test holds the two together.
    """
    config = model.config
    hidden_BTD = model.distilbert.embeddings(ids_BT)
    # A batch without padding needs no mask; on a GPU, asking would wait for it.
    padded = mask_BT.device.type != "cpu" or not bool(mask_BT.all())
    keep_B11T = mask_BT[:, None, None, :].bool() if padded else None
    blocks = model.distilbert.transformer.layer
    for block in blocks[:-1]:
        hidden_BTD = _block(block, hidden_BTD, hidden_BTD, keep_B11T, config)
    first_B1D = _block(blocks[-1], hidden_BTD[:, :1], hidden_BTD, keep_B11T, config)
    pooled_BD = F.relu(model.pre_classifier(first_B1D[:, 0]))
    return model.classifier(model.dropout(pooled_BD))


def _block(
    block: Any,
    query_BSD: torch.Tensor,
    hidden_BTD: torch.Tensor,
    keep_B11T: torch.Tensor | None,
    config: DistilBertConfig,
) -> torch.Tensor:
    """One transformer block for the S positions in `query_BSD`, attending to all of `hidden_BTD`."""
    attention = block.attention

    def heads(linear: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        return linear(x).unflatten(-1, (config.n_heads, -1)).transpose(1, 2)  # (B, H, T, K)

    mixed_BHSK = _attend(
        heads(attention.q_lin, query_BSD),
        heads(attention.k_lin, hidden_BTD),
        heads(attention.v_lin, hidden_BTD),
        keep_B11T,
        dropout_p=config.attention_dropout if block.training else 0.0,
    )
    attended = block.sa_layer_norm(attention.out_lin(mixed_BHSK.transpose(1, 2).flatten(2)) + query_BSD)
    return block.output_layer_norm(block.ffn(attended) + attended)


def _attend(
    q_BHSK: torch.Tensor,
    k_BHTK: torch.Tensor,
    v_BHTK: torch.Tensor,
    keep_B11T: torch.Tensor | None,
    *,
    dropout_p: float,
) -> torch.Tensor:
    """Scaled dot-product attention; on a CPU with dropout, torch's own has no kernel for it and is slower."""
    if q_BHSK.device.type != "cpu" or dropout_p == 0.0:
        attend = partial(F.scaled_dot_product_attention, attn_mask=keep_B11T, dropout_p=dropout_p)
        return fused_attention(attend, q_BHSK, k_BHTK, v_BHTK)
    scores_BHST = (q_BHSK * q_BHSK.shape[-1] ** -0.5) @ k_BHTK.transpose(-1, -2)
    if keep_B11T is not None:
        scores_BHST = scores_BHST.masked_fill(~keep_B11T, -torch.inf)
    return dropout(scores_BHST.softmax(-1), dropout_p, training=True) @ v_BHTK


@dataclass(frozen=True)
class Dropouts:
    """Probabilities of dropping: in embeddings and blocks, of attention weights, before the classifier."""

    hidden: float
    attention: float
    classifier: float

    def as_config(self) -> dict[str, float]:
        """By the names of DistilBertConfig."""
        return {
            "dropout": self.hidden,
            "attention_dropout": self.attention,
            "seq_classif_dropout": self.classifier,
        }


def pretrained_distilbert(
    source: str,
    *,
    revision: str,
    local_files_only: bool,
    labels: tuple[str, ...],
    dropouts: Dropouts,
    layers: tuple[int, ...] | None = None,
    keep_head: bool = True,
) -> DistilBertForSequenceClassification:
    """A pretrained encoder; its head is new unless `source` has one for as many labels, and it is to be kept.

    layers: of its blocks only these, by number from 0; none: all.
    """
    model = load_pretrained(
        DistilBertForSequenceClassification,
        source,
        revision=revision,
        local_files_only=local_files_only,
        new_head=("pre_classifier", "classifier"),
        **dropouts.as_config(),
        **_label_maps(labels),
    )
    assert isinstance(model, DistilBertForSequenceClassification)
    if layers is not None:
        _keep_layers(model, layers, source)
    if not keep_head:
        torch.nn.init.normal_(model.classifier.weight, std=model.config.initializer_range)
        torch.nn.init.zeros_(model.classifier.bias)
    return model


def _keep_layers(model: DistilBertForSequenceClassification, layers: tuple[int, ...], source: str) -> None:
    blocks = model.distilbert.transformer.layer
    if layers[-1] >= len(blocks):
        raise UserError(
            f"there is no block {layers[-1]}: {source} has {len(blocks)}, from 0 to {len(blocks) - 1}",
            where="model.pretrained_layers",
            cure="Name some of these.",
        )
    model.distilbert.transformer.layer = torch.nn.ModuleList(blocks[number] for number in layers)
    model.distilbert.transformer.n_layers = model.config.n_layers = len(layers)


@dataclass(frozen=True)
class Size:
    """Of a network: blocks, heads of each, their width together, the width of the feed-forward part."""

    layers: int
    heads: int
    dim: int
    hidden_dim: int


def new_distilbert(
    *,
    vocab_size: int,
    pad_token_id: int,
    max_tokens: int,
    size: Size,
    labels: tuple[str, ...],
    dropouts: Dropouts,
) -> DistilBertForSequenceClassification:
    """Random weights of the stated dimensions."""
    config = DistilBertConfig(
        vocab_size=vocab_size,
        max_position_embeddings=max_tokens,
        n_layers=size.layers,
        n_heads=size.heads,
        dim=size.dim,
        hidden_dim=size.hidden_dim,
        **dropouts.as_config(),
        pad_token_id=pad_token_id,
        attn_implementation=ATTENTION,
        **_label_maps(labels),
    )
    model = from_scratch(DistilBertForSequenceClassification, config)
    assert isinstance(model, DistilBertForSequenceClassification)
    return model


def _label_maps(labels: tuple[str, ...]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}
