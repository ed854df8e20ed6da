"""What stories are worth: the figures of their text, and how likely the model finds them.

Legend: N stories, B windows of a batch, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from analysis.stories.story_quality import JudgedStory, story_figures, story_quality
from analysis.stories.training_text import TrainingText
from datamodules.stories import IGNORED, windows
from datamodules.tokenizers import encode, end_token_id
from datamodules.tokens import TokenTable
from host.progress import OnProgress, silent
from scoring.token_losses import token_losses

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

_TOKENS_AT_ONCE = 4096


def scored(
    stories: Sequence[JudgedStory],
    training: Sequence[str],
    model: GPT2LMHeadModel,
    tokenizer: PreTrainedTokenizerFast,
    *,
    on_progress: OnProgress = silent,
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Figures of each story as columns, and those of the whole sample; docs/story-quality.md defines them.

    training: the train split's stories, which are read once. model: finds the perplexity.
    """
    read = TrainingText.read(training, [story.text for story in stories], on_progress=on_progress)
    each = [story_figures(story, read) for story in stories]
    nats, tokens = nats_of(stories, model, tokenizer)
    columns = {name: [figures[name] for figures in each] for name in each[0] if name != "ended"}
    columns["perplexity"] = np.exp(nats / np.maximum(tokens, 1)).tolist()
    whole = story_quality(stories, read) | {"perplexity": math.exp(nats.sum() / tokens.sum())}
    return columns, whole


def nats_of(
    stories: Sequence[JudgedStory], model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) nats of each story in a context of its own, cut into windows as in training's scores, and its tokens.

    The end counts where the story has come to one.
    """
    end = end_token_id(tokenizer)
    pieces: list[np.ndarray] = []
    owner: list[int] = []
    for number, story in enumerate(stories):
        ids = encode(tokenizer, story.text, add_special_tokens=False)["input_ids"]
        whole = np.array([end, *ids, *([end] if story.ended else [])], dtype=np.int32)  # type: ignore[misc]
        for window in windows(whole, int(model.config.n_positions)):
            pieces.append(window)
            owner.append(number)
    nats, tokens = np.zeros(len(stories)), np.zeros(len(stories))
    table = TokenTable.of(pieces)
    order = np.argsort(-table.lengths, kind="stable")
    rows_at_once = max(1, _TOKENS_AT_ONCE // int(table.lengths.max()))
    for begin in range(0, len(order), rows_at_once):
        rows = order[begin : begin + rows_at_once]
        losses, counts = _losses(table, rows.tolist(), model, pad=end)
        np.add.at(nats, [owner[row] for row in rows], losses)
        np.add.at(tokens, [owner[row] for row in rows], counts)
    return nats, tokens


def _losses(
    table: TokenTable, rows: Sequence[int], model: GPT2LMHeadModel, *, pad: int
) -> tuple[np.ndarray, np.ndarray]:
    """(B,) summed nats and counted targets of windows."""
    ids_BT, mask_BT = (torch.from_numpy(array).to(model.device) for array in table.padded(rows, pad=pad))
    labels_BT = ids_BT[:, 1:].masked_fill(mask_BT[:, 1:] == 0, IGNORED)
    with torch.inference_mode():
        logits_BTV = model(input_ids=ids_BT[:, :-1], use_cache=False).logits
        found = token_losses(logits_BTV, labels_BT)
    return found["nll"].to_numpy(), found["tokens"].to_numpy()
