"""Tokenizers: read from a folder or the hub, or trained on the corpus itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from datamodules.fingerprint import short_digest
from datamodules.hub import missing
from errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


def load_tokenizer(source: str, *, local_files_only: bool, revision: str = "main") -> PreTrainedTokenizerFast:
    """The fast tokenizer of a local folder or of a hub model. UserError when there is none."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if looks_local(source) and not Path(source).is_dir():
        raise UserError(
            "no such folder", where=f"tokenizer {source}", cure="Give an existing folder or a hub id."
        )
    if Path(source).is_dir():
        _check_folder(Path(source))
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source,
            revision=revision,
            local_files_only=local_files_only or Path(source).is_dir(),
            trust_remote_code=False,
        )
    except (OSError, ValueError) as error:
        if Path(source).is_dir():
            raise _no_tokenizer(source) from error
        raise missing(f"the tokenizer {source}", key="model.pretrained", reason=error) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise UserError("not a fast tokenizer", where=str(source), cure="Give one that has a tokenizer.json.")
    return tokenizer


def has_tokenizer(folder: Path) -> bool:
    """Whether the folder has a file that a tokenizer could be read from."""
    return any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt", "vocab.json"))


def _check_folder(folder: Path) -> None:
    """The library meets a folder without these files, or with a damaged one, with a riddle."""
    if not has_tokenizer(folder):
        raise _no_tokenizer(str(folder))
    try:
        if (folder / "tokenizer.json").is_file():
            json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise _no_tokenizer(str(folder)) from error


def _no_tokenizer(source: str) -> UserError:
    return UserError(
        "holds no tokenizer that can be read",
        where=source,
        cure="It needs an undamaged tokenizer.json (or vocab.txt) and tokenizer_config.json.",
    )


def looks_local(source: str) -> bool:
    """Whether a model or tokenizer source can only mean a folder: a path, not `owner/name` or `name`."""
    return source.startswith((".", "/", "~")) or source.count("/") > 1 or Path(source).exists()


TrainedKind = Literal["bert_bpe", "gpt2_bpe"]
_BERT_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def train_tokenizer(kind: TrainedKind, texts: Iterable[str], *, vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE (Radford et al. 2019) trained on `texts`: the same texts, the same tokenizer.

    bert_bpe: lower-cased, `[CLS]` before and `[SEP]` after a text, as a classifier reads it.
    gpt2_bpe: `<|endoftext|>` its only special token. Both are BPE because the library's WordPiece
    trainer numbers its pieces differently from run to run.
    """
    from tokenizers import normalizers, processors
    from transformers import GPT2TokenizerFast, PreTrainedTokenizerFast

    if kind == "gpt2_bpe":
        tokenizer = _byte_level_bpe(texts, vocab_size, [END_OF_TEXT], normalizer=None)
        return GPT2TokenizerFast(tokenizer_object=tokenizer, pad_token=END_OF_TEXT)
    special = list(_BERT_TOKENS.values())
    tokenizer = _byte_level_bpe(
        texts, vocab_size, special, normalizer=normalizers.BertNormalizer(lowercase=True)
    )
    ends = [(token, special.index(token)) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    inputs = ["input_ids", "attention_mask"]  # and no token types, which DistilBERT does not take
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=inputs, **_BERT_TOKENS)


def _byte_level_bpe(
    texts: Iterable[str], vocab_size: int, special: list[str], *, normalizer: Normalizer | None
) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tokenizer_digest(tokenizer: PreTrainedTokenizerFast) -> str:
    """32 hex digits that change when any text could be split otherwise; which token is the end they do not say."""
    return short_digest(tokenizer.backend_tokenizer.to_str())


def pad_token_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id that fills up a batch: the padding token, or for GPT-2, which has none, the end of text."""
    found = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    if not isinstance(found, int):
        raise UserError(
            "has neither a padding token nor an end-of-text token",
            where=f"tokenizer {tokenizer.name_or_path}",
            cure="Set one in its tokenizer_config.json.",
        )
    return found


def end_token_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id of the end-of-text token. UserError when the tokenizer has none."""
    if not isinstance(tokenizer.eos_token_id, int):
        raise UserError(
            "has no end-of-text token",
            where=f"tokenizer {tokenizer.name_or_path}",
            cure="Give one that has.",
        )
    return tokenizer.eos_token_id
