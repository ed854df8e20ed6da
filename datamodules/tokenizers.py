"""Tokenizers: read from a folder or the hub, or trained on the corpus itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.cut import TextLimit
from datamodules.fingerprint import short_digest
from datamodules.hub import missing
from datamodules.word_tokenizer import train_word_tokenizer
from errors import UserError
from host.boundary import boundary
from host.model_folder import (
    ADDED_TOKENS,
    CONFIG,
    SPECIAL_TOKENS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    VOCABULARIES,
    ModelFolder,
    hub_folder,
    private_folder,
)
from host.notices import notice
from host.tokenizer_files import Kind, TrainedKind, has_tokenizer, tokenizer_files

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer
    from transformers import BatchEncoding, PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


def load_tokenizer(source: str, *, local_files_only: bool, revision: str = "main") -> PreTrainedTokenizerFast:
    """The fast tokenizer of a local folder or of a hub model, of checked files alone and without chat templates.

    UserError when there is none, and for one of a kind that is not read.
    """
    if looks_local(source) and not Path(source).is_dir():
        raise UserError(
            "no such folder", where=f"tokenizer {source}", cure="Give an existing folder or a hub id."
        )
    folder = _folder(source, revision=revision, local_files_only=local_files_only)
    found = tokenizer_files(folder)
    with (
        private_folder(found.files, {}) as private,
        boundary("holds no tokenizer that can be read", where=folder.where, cure=_CURE),
    ):
        tokenizer = _class_of(found.kind).from_pretrained(private, local_files_only=True)
    tokenizer.name_or_path = source
    if isinstance(
        vars(tokenizer).get("vocab_file"), str
    ):  # it is saved again only while it knows where it was
        tokenizer.vocab_file = str(folder.path / VOCABULARIES[0])
    return tokenizer


_CURE = (
    "It needs an undamaged tokenizer.json, of a kind that the tokenizers library here knows, "
    "and a tokenizer_config.json."
)


def _class_of(kind: Kind) -> type[PreTrainedTokenizerFast]:
    from transformers import (
        BertTokenizerFast,
        DistilBertTokenizerFast,
        GPT2TokenizerFast,
        PreTrainedTokenizerFast,
        RobertaTokenizerFast,
    )

    match kind:
        case "bert":
            return BertTokenizerFast
        case "distilbert":
            return DistilBertTokenizerFast
        case "gpt2":
            return GPT2TokenizerFast
        case "roberta":
            return RobertaTokenizerFast
        case "plain":
            return PreTrainedTokenizerFast


def _folder(source: str, *, revision: str, local_files_only: bool) -> ModelFolder:
    if Path(source).is_dir():
        return ModelFolder(Path(source), where=f"tokenizer {source}")
    names = (CONFIG, TOKENIZER, TOKENIZER_CONFIG, SPECIAL_TOKENS, ADDED_TOKENS, *VOCABULARIES)
    try:
        found = hub_folder(source, revision=revision, local_files_only=local_files_only, files=names)
    except Exception as error:  # the hub's library, its client and the disk have types of their own
        raise missing(f"the tokenizer {source}", key="model.pretrained", reason=error) from error
    return ModelFolder(found, where=f"tokenizer {source}")


def folder_has_tokenizer(folder: Path) -> bool:
    """Whether a local folder has a file that a tokenizer could be read from."""
    return has_tokenizer(ModelFolder(folder, where=str(folder)))


def looks_local(source: str) -> bool:
    """Whether a model or tokenizer source can only mean a folder: a path, not `owner/name` or `name`."""
    return source.startswith((".", "/", "~")) or source.count("/") > 1 or Path(source).exists()


_BERT_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def train_tokenizer(
    kind: TrainedKind, texts: Iterable[str], *, vocab_size: int, known: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """A tokenizer trained on `texts`: the same texts, the same tokenizer.

    words: whole ones, lower-cased, and the `known` ones beside those of the texts. The others are a byte-level BPE
    (Radford et al. 2019). bert_bpe: lower-cased, `[CLS]` before and `[SEP]` after a text, as a classifier reads it.
    gpt2_bpe: `<|endoftext|>` its only special token. These two are BPE because the library's WordPiece trainer numbers
    its pieces differently from run to run.
    """
    from tokenizers import normalizers, processors
    from transformers import GPT2TokenizerFast, PreTrainedTokenizerFast

    if kind == "words":
        return train_word_tokenizer(texts, vocab_size=vocab_size, known=known)
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
    tokenizer.train_from_iterator((part for text in texts for part in bounded_words(text)), trainer)
    return tokenizer


LONGEST_WORD = 1_000  # characters; the longest in IMDB, SST-2 and TinyStories has 91


def bounded_words(text: str) -> Iterator[str]:
    """The text in parts, so that no run of white space or of anything else is over LONGEST_WORD long.

    The library's trainer merges the pieces of a word in a time that grows with the square of its length: one
    line of 200,000 letters, a picture in base64 or a table without spaces, takes minutes.
    """
    start = 0
    if len(text) > LONGEST_WORD:
        for run in _LONG_RUN.finditer(text):
            for end in range(run.start() + LONGEST_WORD, run.end() + 1, LONGEST_WORD):
                yield text[start:end]
                start = end
    yield text[start:]


# Looked for from where a run begins alone: from each of its characters, a text of words of 999 takes 500 times as long.
_LONG_RUN = re.compile(rf"(?<!\S)\S{{{LONGEST_WORD},}}+|(?<!\s)\s{{{LONGEST_WORD},}}+")


def encode(tokenizer: PreTrainedTokenizerFast, texts: str | Sequence[str], **options: Any) -> BatchEncoding:
    """What the tokenizer makes of texts, in which the name of a special token is a text like any other.

    By itself the library takes a `[SEP]` that somebody wrote for the end of the text. UserError where it cannot do
    what its files ask for: some of that is found out over the first text.
    """
    where = f"tokenizer {tokenizer.name_or_path}"
    with boundary("cannot split a text", where=where, cure=_CURE):
        found: Any = tokenizer(texts, split_special_tokens=True, **options)  # type: ignore[arg-type]
    return found


def holding_special(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[str]:
    """The texts in which the name of a special token is written.

    UserError for one that becomes that token all the same, as a word of the vocabulary.
    """
    names = tokenizer.all_special_tokens
    holding = [text for text in texts if any(name in text for name in names)]
    ids = {number for number in tokenizer.all_special_ids if number != tokenizer.unk_token_id}
    for text in holding:
        read: Any = encode(tokenizer, text, add_special_tokens=False)["input_ids"]
        found = ids.intersection(read)
        if found:
            token = tokenizer.convert_ids_to_tokens(found.pop())
            raise UserError(
                f"the text that begins with {text[:60]!r} holds {token!r}, which the tokenizer takes for its own mark",
                where=f"tokenizer {tokenizer.name_or_path}",
                cure="Take it out of the text, or give another tokenizer.",
            )
    return holding


def tell_special(tokenizer: PreTrainedTokenizerFast, which: str) -> None:
    """Say that texts, `which` of them, hold the name of a special token."""
    names = ", ".join(dict.fromkeys(tokenizer.all_special_tokens))
    notice(
        f"{which} hold the name of a special token ({names}); it is read as text",
        of_folder=False,  # counted when texts are tokenized, and not when the cache has them
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path, limit: TextLimit | None) -> None:
    """Into `folder`. limit: how texts are cut that it has read; none: they were not."""
    if limit is not None:
        limit.declare(tokenizer.backend_tokenizer)
    tokenizer.save_pretrained(folder)


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


def unknown_token_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id of a word that the vocabulary lacks; of a tokenizer that lacks none, that which fills up a batch."""
    found = tokenizer.unk_token_id
    return found if isinstance(found, int) else pad_token_id(tokenizer)
