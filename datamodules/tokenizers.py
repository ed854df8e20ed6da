"""Tokenizers: read from a folder or the hub, or trained on the corpus itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from datamodules.fingerprint import short_digest
from datamodules.sources import no_hub
from errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


def load_tokenizer(source: str, *, local_files_only: bool) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a local folder or of a hub model. UserError when there is none."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if looks_local(source) and not Path(source).is_dir():
        raise UserError("no such folder", where=f"tokenizer {source}", cure="Give an existing folder or a hub id.")
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source, local_files_only=local_files_only or Path(source).is_dir(), trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        if Path(source).is_dir():
            raise UserError(
                "holds no tokenizer that can be read",
                where=str(source),
                cure="It needs tokenizer.json (or vocab.txt) and tokenizer_config.json.",
            ) from error
        raise no_hub(f"the tokenizer {source}", key="model.pretrained") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise UserError("not a fast tokenizer", where=str(source), cure="Give one that has a tokenizer.json.")
    return tokenizer


def looks_local(source: str) -> bool:
    """Whether a model or tokenizer source can only mean a folder: a path, not `owner/name` or `name`."""
    return source.startswith((".", "/", "~")) or source.count("/") > 1 or Path(source).exists()


def train_tokenizer(
    kind: Literal["wordpiece", "byte_bpe"], texts: Iterable[str], *, vocab_size: int
) -> PreTrainedTokenizerFast:
    """Train on `texts`, deterministically.

    wordpiece: lower-cased, with BERT's special tokens (Wu et al. 2016, arXiv 1609.08144).
    byte_bpe: GPT-2's byte-level BPE (Radford et al. 2019), `<|endoftext|>` its only special token.
    """
    match kind:
        case "wordpiece":
            return _wordpiece(texts, vocab_size)
        case "byte_bpe":
            return _byte_bpe(texts, vocab_size)


def _wordpiece(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import DistilBertTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=vocab_size, special_tokens=special, show_progress=False)
    )
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    return DistilBertTokenizerFast(tokenizer_object=tokenizer)


def _byte_bpe(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2TokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return GPT2TokenizerFast(tokenizer_object=tokenizer, pad_token=END_OF_TEXT)


def tokenizer_digest(tokenizer: PreTrainedTokenizerFast) -> str:
    """32 hex digits that change when any text could be split otherwise."""
    return short_digest(tokenizer.backend_tokenizer.to_str())


def pad_token_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id that fills up a batch: the padding token, or for GPT-2, which has none, the end of text."""
    found = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    assert isinstance(found, int)
    return found
