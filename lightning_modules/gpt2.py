"""GPT-2 as a language model (Radford et al. 2019).

Legend: B batch, T tokens of a block, V vocabulary.
"""

from __future__ import annotations

import math
import re

import torch
import torch.nn.functional as F
from torchmetrics import SumMetric
from transformers import GPT2Config, GPT2LMHeadModel

from lightning_modules.learner import Batch, Learner
from lightning_modules.optimisation import Optimisation
from lightning_modules.sources import from_scratch, load_pretrained

_LAYER = re.compile(r"transformer\.h\.(\d+)\.")
IGNORED = -100  # target of a padded position


class Gpt2LanguageModel(Learner[GPT2LMHeadModel]):
    """Trains `model`, a GPT2LMHeadModel with tied embeddings, to predict the next token.

    Targets come with the batch, so padding is left out of the loss by position, never by id: the
    padding token is the end-of-text token, whose real occurrences must be learned.
    """

    def __init__(self, model: GPT2LMHeadModel, *, optimisation: Optimisation, frozen_layers: int) -> None:
        super().__init__(model, optimisation)
        self.val_nats, self.val_bytes = SumMetric(), SumMetric()
        for name, parameter in self.named_parameters():
            parameter.requires_grad = self.depth_of(name) >= frozen_layers

    def loss_and_logits(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean next-token loss in nats, and logits (B, T, V)."""
        # Blocks are padded on the right only, where causal attention cannot see from the left.
        logits_BTV = self.model(input_ids=batch["input_ids"], use_cache=False).logits
        loss = F.cross_entropy(
            logits_BTV.flatten(0, 1).float(), batch["labels"].flatten(), ignore_index=IGNORED
        )
        return loss, logits_BTV

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        del batch_idx
        loss, _ = self.loss_and_logits(batch)
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


def pretrained_gpt2(
    source: str, *, revision: str, local_files_only: bool, pad_token_id: int, dropout: float
) -> GPT2LMHeadModel:
    """A pretrained language model; GPT-2 has no padding token, so the tokenizer's is set."""
    model = load_pretrained(
        GPT2LMHeadModel,
        source,
        revision=revision,
        local_files_only=local_files_only,
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
    )
    model = from_scratch(GPT2LMHeadModel, config)
    assert isinstance(model, GPT2LMHeadModel)
    return model
