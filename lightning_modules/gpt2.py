"""GPT-2 as a language model (Radford et al. 2019).

Legend: B batch, T tokens of a block, V vocabulary, D width.
"""

from __future__ import annotations

import math
import re

import torch
import torch.nn.functional as F
from torch import nn
from torchmetrics import SumMetric
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.activations import NewGELUActivation

from host.models import ATTENTION
from lightning_modules.gradient_learner import GradientLearner
from lightning_modules.kernels.attention import use_quick_attention
from lightning_modules.kernels.linear_cross_entropy import linear_cross_entropy
from lightning_modules.learner import Batch
from lightning_modules.optimisation import Optimisation
from lightning_modules.pretrained import from_scratch, load_pretrained
from lightning_modules.text_model import TextModel
from lightning_modules.transformers_model import TransformersModel

_LAYER = re.compile(r"transformer\.h\.(\d+)\.")
IGNORED = -100  # target of a padded position


class Gpt2LanguageModel(GradientLearner[GPT2LMHeadModel]):
    """Trains `model`, a GPT2LMHeadModel with tied embeddings, to predict the next token.

    Targets come with the batch, so padding is left out of the loss by position, never by id: the
    padding token is the end-of-text token, whose real occurrences must be learned.
    """

    def __init__(self, model: GPT2LMHeadModel, *, optimisation: Optimisation, frozen_layers: int) -> None:
        super().__init__(model)
        self.optimisation = optimisation
        fuse_gelu(model)
        use_quick_attention(model)
        # A sum that left NaN out, as it does by default, would give a model that diverged the best of all scores.
        self.val_nats, self.val_bytes = (SumMetric(nan_strategy="disable") for _ in range(2))
        self.freeze_below(frozen_layers)

    @property
    def text_model(self) -> TextModel:
        return TransformersModel(self.model, outputs=int(self.model.config.vocab_size))

    def loss_and_logits(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean next-token loss in nats, and logits (B, T, V)."""
        logits_BTV = self.model(**_all_read(batch), use_cache=False).logits
        loss = F.cross_entropy(
            logits_BTV.flatten(0, 1).float(), batch["labels"].flatten(), ignore_index=IGNORED
        )
        return loss, logits_BTV

    def loss(self, batch: Batch) -> torch.Tensor:
        if batch["input_ids"].device.type != "cpu":  # FP16 needs its gradients scaled before they are rounded
            return super().loss(batch)
        hidden_BTD = self.model.transformer(**_all_read(batch), use_cache=False).last_hidden_state
        return linear_cross_entropy(
            hidden_BTD.flatten(0, 1), self.model.lm_head.weight, batch["labels"].flatten(), ignored=IGNORED
        )

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        del batch_idx
        loss = self.loss(batch)
        targets = (batch["labels"] != IGNORED).sum()
        self.val_loss.update(loss, weight=targets)
        self.val_nats.update(loss * targets)
        self.val_bytes.update(batch["bytes"].sum())

    def on_validation_epoch_end(self) -> None:
        bits_per_byte = self.val_nats.compute() / (math.log(2) * self.val_bytes.compute())
        self.val_nats.reset()
        self.val_bytes.reset()
        self.log_dict({"val/loss": self.val_loss, "val/bits_per_byte": bits_per_byte})

    def depth_of(self, name: str) -> int:
        if "wte" in name or "wpe" in name:
            return 0
        layer = _LAYER.search(name)
        return int(layer[1]) + 1 if layer else self.model.config.n_layer + 1


def _all_read(batch: Batch) -> Batch:
    """The ids as if nothing were padding: it is on the right only, where causal attention cannot see from the left.

    Without attention_mask transformers builds one per row and falls back to its slower attention.
    """
    ids_BT = batch["input_ids"]
    return {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}


def fuse_gelu(model: nn.Module) -> None:
    """Put torch's GELU, with the tanh of GPT-2's, in the place of the library's, which is eight operations."""
    for name, child in list(model.named_children()):
        if isinstance(child, NewGELUActivation):
            setattr(model, name, nn.GELU(approximate="tanh"))
        else:
            fuse_gelu(child)


def pretrained_gpt2(
    source: str, *, revision: str, local_files_only: bool, pad_token_id: int, dropout: float
) -> GPT2LMHeadModel:
    """A pretrained language model; GPT-2 has no padding token, so the tokenizer's is set."""
    model = load_pretrained(
        GPT2LMHeadModel,
        source,
        revision=revision,
        local_files_only=local_files_only,
        new_head=(),  # it is tied to the embeddings, or the folder has it
        pad_token_id=pad_token_id,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
    )
    assert isinstance(model, GPT2LMHeadModel)
    return model


def new_gpt2(
    *,
    vocab_size: int,
    end_token_id: int,
    context_tokens: int,
    layers: int,
    heads: int,
    dim: int,
    dropout: float,
) -> GPT2LMHeadModel:
    """Random weights of the stated dimensions."""
    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=context_tokens,
        n_layer=layers,
        n_head=heads,
        n_embd=dim,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        bos_token_id=end_token_id,
        eos_token_id=end_token_id,
        pad_token_id=end_token_id,
        attn_implementation=ATTENTION,
    )
    model = from_scratch(GPT2LMHeadModel, config)
    assert isinstance(model, GPT2LMHeadModel)
    return model
