"""Whether tokenizer, context and model fit one another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from lightning_modules.settings import ModelConfig

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from lightning_modules.learner import Learner


def check_same_pieces(model: ModelConfig, data: TokenizedData) -> None:
    """UserError when the tokenizer numbers its pieces otherwise than the one that comes with the weights."""
    from datamodules.tokenizers import folder_has_tokenizer, load_tokenizer

    assert model.pretrained is not None
    if Path(model.pretrained).is_dir() and not folder_has_tokenizer(Path(model.pretrained)):
        return  # a folder of bare weights: only the size can be checked
    own = load_tokenizer(
        model.pretrained, local_files_only=data.context.local_files_only, revision=model.revision
    ).get_vocab()
    given = data.tokenizer.get_vocab()
    strange = next(
        (piece for piece, number in sorted(given.items()) if own.get(piece, number) != number), None
    )
    if strange is not None or len(own.keys() & given.keys()) < len(own) // 2:
        raise UserError(
            f"is not the tokenizer of {model.pretrained}"
            + (f": it numbers {strange!r} {given[strange]}, that one {own[strange]}" if strange else ""),
            where=f"model.tokenizer={model.tokenizer}",
            cure="Leave model.tokenizer out, and the model's own is used.",
        )


def check_vocabulary(learner: Learner, data: TokenizedData) -> None:
    """UserError when the tokenizer has more tokens than the model, or the context more positions."""
    model = learner.text_model
    if len(data.tokenizer) > model.vocabulary:
        raise UserError(
            f"the tokenizer has {len(data.tokenizer)} tokens, the model embeds {model.vocabulary}",
            where="model.tokenizer",
            cure="Give the tokenizer that the model was trained with.",
        )
    if model.positions is not None and data.settings.max_tokens > model.positions:
        raise UserError(
            f"{data.settings.max_tokens} tokens, but the model has {model.positions} positions",
            where="data.max_tokens",
            cure=f"Use at most {model.positions}.",
        )
