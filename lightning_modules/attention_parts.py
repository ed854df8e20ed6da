"""The networks of transformers' classes in parts, as `attention.py` runs them.

Legend: B batch, T tokens, D width, E width of the word embeddings, H heads, K width of a head.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from lightning_modules.attention import Attending, Layer

if TYPE_CHECKING:
    from torch import Tensor

Heads = tuple["Tensor", "Tensor", "Tensor"]


def distilbert_parts(network: Any) -> Attending:
    """Of a DistilBertForSequenceClassification."""
    heads, body = int(network.config.n_heads), network.distilbert

    def onwards(block: Any, hidden_BTD: Tensor, mixed_BTD: Tensor) -> Tensor:
        attended = block.sa_layer_norm(block.attention.out_lin(mixed_BTD) + hidden_BTD)
        return block.output_layer_norm(block.ffn(attended) + attended)

    def layer(block: Any) -> Layer:
        attention = block.attention
        parts = (attention.q_lin, attention.k_lin, attention.v_lin)
        return Layer(
            partial(_by_three, parts, heads), partial(onwards, block), _out(attention.out_lin.weight.T, heads)
        )

    return Attending(
        words=body.embeddings.word_embeddings,
        begun=lambda words_BTE: body.embeddings(None, input_embeds=words_BTE),
        layers=tuple(layer(block) for block in body.transformer.layer),
        outputs=lambda hidden_BTD: network.classifier(F.relu(network.pre_classifier(hidden_BTD[:, 0]))),
        heads=heads,
        causal=False,
    )


def bert_parts(network: Any) -> Attending:
    """Of a BertForSequenceClassification, every token of the first type."""
    heads, body = int(network.config.num_attention_heads), network.bert

    def onwards(block: Any, hidden_BTD: Tensor, mixed_BTD: Tensor) -> Tensor:
        attended = block.attention.output(mixed_BTD, hidden_BTD)
        return block.output(block.intermediate(attended), attended)

    def layer(block: Any) -> Layer:
        attention = block.attention.self
        parts = (attention.query, attention.key, attention.value)
        out = block.attention.output.dense.weight.T
        return Layer(partial(_by_three, parts, heads), partial(onwards, block), _out(out, heads))

    return Attending(
        words=body.embeddings.word_embeddings,
        begun=lambda words_BTE: body.embeddings(inputs_embeds=words_BTE),
        layers=tuple(layer(block) for block in body.encoder.layer),
        outputs=lambda hidden_BTD: network.classifier(body.pooler(hidden_BTD)),
        heads=heads,
        causal=False,
    )


def gpt2_parts(network: Any) -> Attending:
    """Of a GPT2LMHeadModel."""
    heads, body = int(network.config.n_head), network.transformer

    def projected(block: Any, hidden_BTD: Tensor) -> Heads:
        query, key, value = block.attn.c_attn(block.ln_1(hidden_BTD)).chunk(3, dim=-1)
        return _split(query, heads), _split(key, heads), _split(value, heads)

    def onwards(block: Any, hidden_BTD: Tensor, mixed_BTD: Tensor) -> Tensor:
        attended = hidden_BTD + block.attn.c_proj(mixed_BTD)
        return attended + block.mlp(block.ln_2(attended))

    return Attending(
        words=body.wte,
        begun=lambda words_BTE: words_BTE + body.wpe(torch.arange(words_BTE.shape[1])),
        layers=tuple(
            Layer(partial(projected, block), partial(onwards, block), _out(block.attn.c_proj.weight, heads))
            for block in body.h
        ),
        outputs=lambda hidden_BTD: network.lm_head(body.ln_f(hidden_BTD)),
        heads=heads,
        causal=True,
    )


def _by_three(parts: tuple[Any, Any, Any], heads: int, hidden_BTD: Tensor) -> Heads:
    query, key, value = (_split(part(hidden_BTD), heads) for part in parts)
    return query, key, value


def _split(x_BTD: Tensor, heads: int) -> Tensor:
    return x_BTD.unflatten(-1, (heads, -1)).transpose(1, 2)


def _out(weight_HKxD: Tensor, heads: int) -> Tensor:
    return weight_HKxD.detach().unflatten(0, (heads, -1))
