"""The files of a tokenizer in a folder of somebody else's, checked: what a library may be given of them.

tokenizer.json is the tokenizer; the other files say which of its tokens are special and how a text is cleaned. What
they say besides (where other files lie, which class of which library to make, chat templates) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from host.model_folder import (
    ADDED_TOKENS,
    CONFIG,
    SPECIAL_TOKENS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    VOCABULARIES,
    ModelFolder,
)
from host.notices import notice

TrainedKind = Literal["bert_bpe", "gpt2_bpe", "words"]
"""The kinds of tokenizer that are trained here, on a corpus."""
Kind = Literal["bert", "distilbert", "gpt2", "roberta", "plain"]
CLASSES: dict[Kind, str] = {
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "gpt2": "GPT2Tokenizer",
    "roberta": "RobertaTokenizer",
    "plain": "PreTrainedTokenizerFast",
}
# By the names that transformers 4 and 5 give them, without the `Fast` at the end.
_KINDS: dict[str, Kind] = {
    **{name.removesuffix("Fast"): kind for kind, name in CLASSES.items()},
    "TokenizersBackend": "plain",
}
_FROM: dict[Kind, tuple[str, ...]] = {
    "bert": ("vocab.txt",),
    "distilbert": ("vocab.txt",),
    "gpt2": ("vocab.json", "merges.txt"),
    "roberta": ("vocab.json", "merges.txt"),
    "plain": (),
}
_MODELS = ("BPE", "WordPiece", "WordLevel", "Unigram", None)
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_MORE_SPECIAL = ("additional_special_tokens", "extra_special_tokens")
_SIDES = ("padding_side", "truncation_side")
_FLAGS = ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "clean_up_tokenization_spaces",
          "add_prefix_space", "trim_offsets", "add_bos_token")  # fmt: skip
_FLAGS_OF_A_TOKEN = ("lstrip", "rstrip", "normalized", "single_word", "special")
_INPUTS = {"input_ids", "token_type_ids", "attention_mask"}
_MOST_TOKENS = 10_000_000
_CODE = ("auto_map", "custom_", "trust_remote_code")
_SAVE = "Save it from transformers 4 as one of a fast tokenizer's own classes, with its tokenizer.json."


@dataclass(frozen=True)
class TokenizerFiles:
    """What a tokenizer of `kind` is made from: the files by their names."""

    kind: Kind
    files: Mapping[str, bytes]


def has_tokenizer(folder: ModelFolder) -> bool:
    """Whether the folder has a file that a tokenizer could be read from."""
    return any(folder.has(name) for name in (TOKENIZER, *VOCABULARIES))


def tokenizer_files(folder: ModelFolder) -> TokenizerFiles:
    """The checked files. UserError for a folder without a tokenizer, for damaged files, and for other kinds."""
    if not has_tokenizer(folder):
        raise folder.refused("holds no tokenizer that can be read", cure=f"It needs {TOKENIZER}.")
    config = folder.table(TOKENIZER_CONFIG) if folder.has(TOKENIZER_CONFIG) else {}
    for key in config:
        if key.startswith(_CODE):
            raise folder.refused(
                f"{TOKENIZER_CONFIG} has the key {key[:60]!r}, which names code to run", cure=_SAVE
            )
    kind = _kind(folder, config)
    files, known = _pieces(folder, kind)
    facts = _facts(folder, config, known) | {"tokenizer_class": CLASSES[kind]}
    files[TOKENIZER_CONFIG] = json.dumps(facts).encode()
    if folder.has(SPECIAL_TOKENS):
        special = _special(folder, SPECIAL_TOKENS, folder.table(SPECIAL_TOKENS), known)
        files[SPECIAL_TOKENS] = json.dumps(special).encode()
    if folder.has(ADDED_TOKENS):
        files[ADDED_TOKENS] = json.dumps(_added(folder)).encode()
    return TokenizerFiles(kind, files)


def is_known_class(name: object) -> bool:
    """Whether a tokenizer's class of this name, of transformers 4 or 5, is one that is read here."""
    return str(name).removesuffix("Fast") in _KINDS


def _kind(folder: ModelFolder, config: Mapping[str, Any]) -> Kind:
    named = config.get("tokenizer_class")
    if named is None and folder.has(CONFIG):
        model = folder.table(CONFIG)
        named = model.get("tokenizer_class")
        if named is None:
            family = str(model.get("model_type"))
            named = CLASSES.get(family, f"tokenizer of a {family} model")  # type: ignore[call-overload]
    kind = "plain" if named is None else _KINDS.get(str(named).removesuffix("Fast"))
    if kind is None:
        raise folder.refused(
            f"its tokenizer is a {named!s:.60}, and Encore reads those of BERT, DistilBERT, GPT-2 and RoBERTa and "
            "PreTrainedTokenizerFast",
            cure=_SAVE,
        )
    return kind


def _pieces(folder: ModelFolder, kind: Kind) -> tuple[dict[str, bytes], set[str] | None]:
    """The files that hold the pieces, and which tokens tokenizer.json has, where there is one."""
    files = {name: folder.content(name) for name in _FROM[kind] if folder.has(name)}
    if folder.has(TOKENIZER):
        table = folder.table(TOKENIZER)
        model = table.get("model")
        if not isinstance(model, dict):
            raise folder.refused(f"{TOKENIZER} describes no tokenizer", cure=_SAVE)
        if model.get("type", "BPE") not in _MODELS:  # early versions wrote none
            raise folder.refused(
                f"{TOKENIZER} is of the kind {model['type']!r:.40}, which the installed tokenizers "
                f"{version('tokenizers')} does not know",
                cure="A newer version wrote it: save it from this one, or give another tokenizer.",
            )
        return {**files, TOKENIZER: folder.content(TOKENIZER)}, _tokens(table, model)
    wanted = _FROM[kind] or (TOKENIZER,)
    lacking = next((name for name in wanted if name not in files), None)
    if lacking is not None:
        raise folder.refused(
            f"holds no tokenizer that can be read: {lacking} is missing",
            cure=f"Give {TOKENIZER}, or all of {' and '.join(wanted)}.",
        )
    return files, None


def _tokens(table: Mapping[str, Any], model: Mapping[str, Any]) -> set[str]:
    added, pieces = table.get("added_tokens"), model.get("vocab")
    found = {str(token.get("content")) for token in added or () if isinstance(token, dict)}
    return found | (set(pieces) if isinstance(pieces, dict) else set())


def _facts(folder: ModelFolder, config: Mapping[str, Any], known: set[str] | None) -> dict[str, Any]:
    """What of tokenizer_config.json is taken over. UserError for a value of the wrong type."""
    facts = _special(folder, TOKENIZER_CONFIG, config, known)
    for key in _FLAGS:
        if key in config:
            facts[key] = _checked(folder, key, config[key], isinstance(config[key], bool | None))
    for key in _SIDES:
        if key in config:
            facts[key] = _checked(folder, key, config[key], config[key] in ("left", "right"))
    if "errors" in config:
        facts["errors"] = _checked(folder, "errors", config["errors"], config["errors"] in _DECODING)
    if (length := config.get("model_max_length")) is not None:
        good = isinstance(length, int | float) and not isinstance(length, bool) and length > 0
        facts["model_max_length"] = _checked(folder, "model_max_length", length, good)
    if (inputs := config.get("model_input_names")) is not None:
        good = isinstance(inputs, list) and all(isinstance(name, str) and name in _INPUTS for name in inputs)
        facts["model_input_names"] = _checked(folder, "model_input_names", inputs, good)
    if (decoder := config.get("added_tokens_decoder")) is not None:
        facts["added_tokens_decoder"] = _decoder(folder, decoder)
    if config.get("chat_template") is not None:
        notice(f"{folder.where}: its chat templates are left out")
    return facts


_DECODING = ("replace", "strict", "ignore")  # what becomes of bytes that are no UTF-8


def _checked(folder: ModelFolder, key: str, value: Any, good: bool) -> Any:
    if not good:
        raise folder.refused(f"{TOKENIZER_CONFIG} sets {key} to {value!r:.60}", cure=_SAVE)
    return value


def _special(
    folder: ModelFolder, file: str, config: Mapping[str, Any], known: set[str] | None
) -> dict[str, Any]:
    """The special tokens that a file names.

    transformers 5 lists further ones as `extra_special_tokens`, 4 as `additional_special_tokens`. 5 writes all of
    them into tokenizer.json as well; one that is not there would get an id that the model does not have.
    """
    found = {key: _token(folder, file, key, config[key]) for key in _SPECIAL if key in config}
    more: list[Any] = []
    for key in _MORE_SPECIAL:
        named = config.get(key) or []
        listed = list(named.values()) if isinstance(named, dict) else named
        if not isinstance(listed, list):
            raise folder.refused(
                f"{file} sets {key} to {named!r:.60}, which is no list of tokens", cure=_SAVE
            )
        tokens = [_token(folder, file, key, token) for token in listed]
        strange = [
            t for t in tokens if key == "extra_special_tokens" and known is not None and _text(t) not in known
        ]
        if strange:
            names = ", ".join(_text(token) for token in strange)
            notice(f"{folder.where}: {TOKENIZER} does not have the {key} {names[:200]}; they are left out")
        more += [token for token in tokens if token not in strange and token not in more]
    return found | ({"additional_special_tokens": more} if more else {})


def _token(folder: ModelFolder, file: str, key: str, token: object) -> Any:
    """A token as text, or as a table of its text and flags. UserError where it is neither."""
    if token is None or (isinstance(token, str) and token):
        return token
    if isinstance(token, dict) and isinstance(token.get("content"), str) and token["content"]:
        flags = {flag: bool(token[flag]) for flag in _FLAGS_OF_A_TOKEN if flag in token}
        kind = {"__type": "AddedToken"} if file == TOKENIZER_CONFIG and key != "added_tokens_decoder" else {}
        return {**kind, "content": token["content"], **flags}
    raise folder.refused(f"{file} sets {key} to {token!r:.60}, which is no token", cure=_SAVE)


def _text(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _decoder(folder: ModelFolder, decoder: object) -> dict[str, Any]:
    if not isinstance(decoder, dict):
        raise folder.refused(f"{TOKENIZER_CONFIG} has no table as added_tokens_decoder", cure=_SAVE)
    for number in decoder:
        if not (number.isascii() and number.isdigit() and int(number[:12]) < _MOST_TOKENS):
            raise folder.refused(f"{TOKENIZER_CONFIG} gives a token the id {number[:20]}", cure=_SAVE)
    tokens = {n: _token(folder, TOKENIZER_CONFIG, "added_tokens_decoder", decoder[n]) for n in decoder}
    if any(not isinstance(token, dict) for token in tokens.values()):
        raise folder.refused(f"{TOKENIZER_CONFIG} has texts for tokens in added_tokens_decoder", cure=_SAVE)
    return tokens


def _added(folder: ModelFolder) -> dict[str, int]:
    found = folder.table(ADDED_TOKENS)
    for token, number in found.items():
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < _MOST_TOKENS:
            raise folder.refused(f"{ADDED_TOKENS} gives {token!r:.40} the id {number!r:.20}", cure=_SAVE)
    return found
