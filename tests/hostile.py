"""Model folders as somebody may prepare them: what runs code, writes elsewhere, fills the memory, or never ends.

Each case is planted into a healthy folder, of an encoder or of a GPT-2, or into the `model/` of a finished run. Code
that runs all the same leaves `marker`, outside the folder; the files that a case needs outside lie beside it.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

MIB = 2**20
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *[
        "a",
        "the",
        "film",
        "is",
        "good",
        "bad",
        "not",
        "very",
        "fine",
        "dull",
        "##s",
        ".",
        "!",
        "[",
        "]",
        "sep",
    ],
]
FAMILIES = ("distilbert", "gpt2")


@dataclass(frozen=True)
class Case:
    """plant(folder, marker) returns the files of the folder, by relative path, that it added, changed or removed.

    families: the `model_type`s that it makes sense for.
    """

    name: str
    plant: Callable[[Path, Path], list[str]]
    families: tuple[str, ...] = FAMILIES


def encoder(folder: Path, *, labels: int | None = None) -> Path:
    """A DistilBERT with random weights and its WordPiece tokenizer as save_pretrained writes them.

    labels: the rows of its classifier; none: it has no head, as a pretrained encoder.
    """
    from transformers import (
        BertTokenizerFast,
        DistilBertConfig,
        DistilBertForSequenceClassification,
        DistilBertModel,
    )

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(WORDS),
        "max_position_embeddings": 64,
        "dim": 16,
        "n_layers": 1,
    }
    config = DistilBertConfig(**sizes, n_heads=2, hidden_dim=16, **({"num_labels": labels} if labels else {}))
    model = DistilBertModel(config) if labels is None else DistilBertForSequenceClassification(config)
    model.save_pretrained(folder)
    return folder


def storyteller(folder: Path) -> Path:
    """A GPT-2 with random weights and a byte-level BPE."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from datamodules.tokenizers import train_tokenizer

    tokenizer = train_tokenizer("gpt2_bpe", ["Once upon a time there was a cat."] * 3, vocab_size=280)
    tokenizer.save_pretrained(folder)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def fake_kernels(folder: Path, marker: Path) -> Path:
    """A package `kernels` that leaves `marker` when it is imported; put `folder` first on the path."""
    (folder / "kernels").mkdir(parents=True)
    (folder / "kernels" / "__init__.py").write_text(_code(marker), encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes | str]:
    """Every file under `folder` by its relative path; of what is no ordinary file, only its kind."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else "no file"
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def _code(marker: Path) -> str:
    return f"from pathlib import Path\nPath({str(marker)!r}).write_text('ran')\n"


class _Touch:
    """Unpickled, it leaves the marker."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def edited(folder: Path, file: str, **changes: Any) -> list[str]:
    """A JSON file with `changes`; an empty one where there was none."""
    path = folder / file
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return [file]


def _written(folder: Path, **files: str | bytes) -> list[str]:
    """Files by names in which `__` stands for the slash and the last `_` for the dot."""
    names: list[str] = []
    for key, content in files.items():
        stem, _, extension = key.rpartition("_")
        name = f"{stem.replace('__', '/')}.{extension}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        names.append(name)
    return names


# Code in the folder, and keys that lead to it.


def _custom_generate(folder: Path, marker: Path) -> list[str]:
    code = _code(marker) + "def generate(model, *_, **__):\n    return None\n"
    return _written(folder, custom_generate__generate_py=code)


def _auto_map(folder: Path, marker: Path) -> list[str]:
    code = _code(marker) + "class Evil: pass\n"
    maps = {"AutoConfig": "modeling_evil.Evil", "AutoModelForCausalLM": "modeling_evil.Evil",
            "AutoModelForSequenceClassification": "modeling_evil.Evil"}  # fmt: skip
    return [*_written(folder, modeling_evil_py=code), *edited(folder, "config.json", auto_map=maps)]


def _auto_map_of_tokenizer(folder: Path, marker: Path) -> list[str]:
    code = _code(marker) + "class Evil: pass\n"
    maps = {"AutoTokenizer": ["tokenization_evil.Evil", "tokenization_evil.Evil"]}
    changes = {"auto_map": maps, "tokenizer_class": "Evil"}
    return [*_written(folder, tokenization_evil_py=code), *edited(folder, "tokenizer_config.json", **changes)]


def _trust_remote_code(folder: Path, marker: Path) -> list[str]:
    return [*_auto_map(folder, marker), *edited(folder, "config.json", trust_remote_code=True)]


def _custom_pipelines(folder: Path, marker: Path) -> list[str]:
    pipelines = {"text-classification": {"impl": "pipeline_evil.Evil", "pt": ["AutoModel"]}}
    code = _code(marker) + "class Evil: pass\n"
    return [
        *_written(folder, pipeline_evil_py=code),
        *edited(folder, "config.json", custom_pipelines=pipelines),
    ]


def _key(file: str, **changes: Any) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        return edited(folder, file, **changes)

    return plant


# Pickles, adapters, links and what is no file.


def _pickle_beside(folder: Path, marker: Path) -> list[str]:
    return _written(
        folder, pytorch_model_bin=pickle.dumps(_Touch(marker)), training_args_bin=pickle.dumps(_Touch(marker))
    )


def _pickle_instead(folder: Path, marker: Path) -> list[str]:
    (folder / "model.safetensors").unlink()
    return ["model.safetensors", *_pickle_beside(folder, marker)]


def _adapter(folder: Path, marker: Path) -> list[str]:
    adapter = {"peft_type": "LORA", "base_model_name_or_path": str(marker.parent), "task_type": "SEQ_CLS"}
    files = {"adapter_config_json": json.dumps(adapter), "adapter_model_bin": pickle.dumps(_Touch(marker))}
    return _written(folder, **files)


def _index(**map_of: str) -> Callable[[Path, Path], list[str]]:
    """The only weights lie outside and an index leads to them; `{}` stands for the folder outside."""

    def plant(folder: Path, marker: Path) -> list[str]:
        outside = marker.parent / "outside.safetensors"
        (folder / "model.safetensors").rename(outside)
        named = map_of["file"].format(os.path.relpath(marker.parent, folder))
        names = dict.fromkeys(load_file(outside), named)
        index = json.dumps({"metadata": {"total_size": 1}, "weight_map": names})
        (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
        return ["model.safetensors", "model.safetensors.index.json"]

    return plant


def _index_of_pickles(folder: Path, marker: Path) -> list[str]:
    (folder / "pytorch_model-00001.bin").write_bytes(pickle.dumps(_Touch(marker)))
    names = dict.fromkeys(load_file(folder / "model.safetensors"), "pytorch_model-00001.bin")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}), encoding="utf-8")
    return ["model.safetensors", "model.safetensors.index.json", "pytorch_model-00001.bin"]


def _link_out(file: str) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, marker: Path) -> list[str]:
        outside = marker.parent / f"outside-{file}"
        (folder / file).rename(outside)
        (folder / file).symlink_to(outside)
        return [file]

    return plant


def _device(folder: Path, _marker: Path) -> list[str]:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("/dev/zero")
    return ["tokenizer.json"]


def _fifo(file: str) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        (folder / file).unlink(missing_ok=True)
        os.mkfifo(folder / file)
        return [file]

    return plant


def _socket(folder: Path, _marker: Path) -> list[str]:
    (folder / "special_tokens_map.json").unlink()
    before = Path.cwd()
    os.chdir(folder)  # the address of a socket holds 108 characters
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("special_tokens_map.json")
    finally:
        os.chdir(before)
    return ["special_tokens_map.json"]


def _folder_instead(folder: Path, _marker: Path) -> list[str]:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    return ["config.json"]


# Names of chat templates and of other files.


def _chat_template_names(folder: Path, _marker: Path) -> list[str]:
    templates = [{"name": name, "template": "escaped"} for name in ("default", "../../escaped", "../escaped")]
    return edited(folder, "tokenizer_config.json", chat_template=templates)


def _chat_template_files(folder: Path, _marker: Path) -> list[str]:
    template = "{{ messages }}"
    return _written(folder, chat_template_jinja=template, additional_chat_templates__tool_jinja=template)


def _elsewhere(key: str, name: str, content: str) -> Callable[[Path, Path], list[str]]:
    """A key of tokenizer_config.json that names a file outside."""

    def plant(folder: Path, marker: Path) -> list[str]:
        outside = marker.parent / name
        outside.write_text(content, encoding="utf-8")
        return edited(folder, "tokenizer_config.json", **{key: str(outside)})

    return plant


# Sizes.


def _large(file: str) -> Callable[[Path, Path], list[str]]:
    """200 MiB that take no room on the disk."""

    def plant(folder: Path, _marker: Path) -> list[str]:
        with (folder / file).open("wb") as opened:
            opened.truncate(200 * MIB)
        return [file]

    return plant


def _nested(
    file: str, depth: int, opening: str = "[", closing: str = "]"
) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        text = '{"deep": ' + opening * depth + "1" + closing * depth + "}"
        (folder / file).write_text(text, encoding="utf-8")
        return [file]

    return plant


def _whole(file: str, text: str) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        (folder / file).write_text(text, encoding="utf-8")
        return [file]

    return plant


# Weights.


def _tensors(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    return dict(load_file(folder / "model.safetensors"))


def _huge_header(folder: Path, _marker: Path) -> list[str]:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + data[8:])
    return ["model.safetensors"]


def _overlapping(folder: Path, _marker: Path) -> list[str]:
    data = (folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    entries = [entry for name, entry in header.items() if name != "__metadata__"]
    for entry in entries:
        entry["data_offsets"] = [0, entry["data_offsets"][1] - entry["data_offsets"][0]]
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return ["model.safetensors"]


def _whole_numbers(folder: Path, _marker: Path) -> list[str]:
    tensors = {name: array.astype(np.int64) for name, array in _tensors(folder).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return ["model.safetensors"]


def _of_tensorflow(folder: Path, _marker: Path) -> list[str]:
    save_file(_tensors(folder), folder / "model.safetensors", metadata={"format": "tf"})
    return ["model.safetensors"]


def _cut_short(folder: Path, _marker: Path) -> list[str]:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    return ["model.safetensors"]


def _not_a_number(folder: Path, _marker: Path) -> list[str]:
    tensors = _tensors(folder)
    name = sorted(tensors)[0]
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return ["model.safetensors"]


def _size_key(distilbert: str, gpt2: str, value: object) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        return edited(folder, "config.json", **{distilbert if kind == "distilbert" else gpt2: value})

    return plant


def _unknown_model(folder: Path, _marker: Path) -> list[str]:
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"] = {"type": "TokenMonster", "vocab": {}}
    return _whole("tokenizer.json", json.dumps(content))(folder, _marker)


def _no_merges(folder: Path, _marker: Path) -> list[str]:
    (folder / "tokenizer.json").unlink()
    (folder / "merges.txt").unlink(missing_ok=True)
    files = ["tokenizer.json", "merges.txt", "vocab.json", "tokenizer_config.json"]
    (folder / "vocab.json").write_text('{"a": 0, "<|endoftext|>": 1}', encoding="utf-8")
    edited(folder, "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    return files


def _absurd_ids(folder: Path, _marker: Path) -> list[str]:
    token = {"content": "<far>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False,
             "special": True}  # fmt: skip
    return edited(folder, "tokenizer_config.json", added_tokens_decoder={str(10**9): token, "-5": token})


def _many_labels(folder: Path, _marker: Path) -> list[str]:
    return edited(folder, "config.json", num_labels=10**9)


def _latin_1(folder: Path, _marker: Path) -> list[str]:
    path = folder / "config.json"
    path.write_bytes(path.read_bytes().replace(b"{", '{"name": "Zoë",'.encode("latin-1"), 1))
    return ["config.json"]


KERNEL = "somebody/kernel:attend"
CASES: tuple[Case, ...] = (
    Case("custom-generate", _custom_generate),
    Case("auto-map", _auto_map),
    Case("auto-map-of-tokenizer", _auto_map_of_tokenizer),
    Case("trust-remote-code", _trust_remote_code),
    Case("custom-pipelines", _custom_pipelines),
    Case("attention-internal", _key("config.json", _attn_implementation_internal=KERNEL)),
    Case("attention-underscore", _key("config.json", _attn_implementation=KERNEL)),
    Case("attention", _key("config.json", attn_implementation=KERNEL)),
    Case("flash-attention", _key("config.json", _attn_implementation="flash_attention_2")),
    Case("bitsandbytes", _key("config.json", quantization_config={"quant_method": "bitsandbytes"})),
    Case("tokenizer-class-in-config", _key("config.json", tokenizer_class="BertJapaneseTokenizer")),
    Case("other-weights", _key("config.json", transformers_weights="../outside.safetensors")),
    Case("other-config", _key("config.json", configuration_files=["config.4.0.0.json", "../x.json"])),
    Case("pickle-beside", _pickle_beside),
    Case("pickle-instead", _pickle_instead),
    Case("adapter", _adapter),
    Case("index-out-of-the-folder", _index(file="{}/outside.safetensors")),
    Case("index-absolute", _index(file="/dev/zero")),
    Case("index-of-pickles", _index_of_pickles),
    Case("weights-link-out", _link_out("model.safetensors")),
    Case("config-link-out", _link_out("config.json")),
    Case("tokenizer-device", _device),
    Case("config-fifo", _fifo("config.json")),
    Case("weights-fifo", _fifo("model.safetensors")),
    Case("added-tokens-fifo", _fifo("added_tokens.json")),
    Case("special-tokens-socket", _socket),
    Case("config-folder", _folder_instead),
    Case("chat-template-names", _chat_template_names),
    Case("chat-template-files", _chat_template_files),
    Case("tokenizer-file-elsewhere", _elsewhere("tokenizer_file", "other.json", "{}")),
    Case("vocab-file-elsewhere", _elsewhere("vocab_file", "other.txt", "[PAD]\nsecret\n")),
    Case("merges-file-elsewhere", _elsewhere("merges_file", "other.txt", "#version: 0.2\ns e\n")),
    Case("python-tokenizer", _key("tokenizer_config.json", tokenizer_class="BertJapaneseTokenizer")),
    Case("sentencepiece-tokenizer", _key("tokenizer_config.json", tokenizer_class="T5Tokenizer")),
    Case("config-200-mib", _large("config.json")),
    Case("tokenizer-200-mib", _large("tokenizer.json")),
    Case("vocab-200-mib", _large("vocab.txt"), ("distilbert",)),
    Case("merges-200-mib", _large("merges.txt"), ("gpt2",)),
    Case("config-nested-1500", _nested("config.json", 1_500)),
    Case("config-nested-100000", _nested("config.json", 100_000)),
    Case("tokenizer-nested-10000", _nested("tokenizer.json", 10_000)),
    Case("tokenizer-tables-nested-10000", _nested("tokenizer.json", 10_000, '{"a": ', "}")),
    Case("tokenizer-config-nested-10000", _nested("tokenizer_config.json", 10_000)),
    Case("index-nested-10000", _nested("model.safetensors.index.json", 10_000)),
    Case("config-list", _whole("config.json", "[]")),
    Case("config-number", _whole("config.json", "9" * 5_000)),
    Case("config-latin-1", _latin_1),
    Case("tokenizer-empty", _whole("tokenizer.json", "{}")),
    Case("tokenizer-list", _whole("tokenizer.json", "[]")),
    Case("tokenizer-config-list", _whole("tokenizer_config.json", "[1]")),
    Case("special-tokens-list", _whole("special_tokens_map.json", "[1]")),
    Case("added-tokens-list", _whole("added_tokens.json", "[1]")),
    Case("tokenizer-of-an-unknown-kind", _unknown_model),
    Case("vocabulary-without-merges", _no_merges),
    Case("extra-tokens-list", _key("tokenizer_config.json", extra_special_tokens=["<a>", "<b>"])),
    Case("extra-tokens-number", _key("tokenizer_config.json", extra_special_tokens=7)),
    Case("special-token-number", _key("tokenizer_config.json", pad_token=7)),
    Case("absurd-token-ids", _absurd_ids),
    Case("many-labels", _many_labels),
    Case("vocabulary-of-10-to-the-12", _key("config.json", vocab_size=10**12)),
    Case("width-below-zero", _size_key("dim", "n_embd", -1)),
    Case("a-million-layers", _size_key("n_layers", "n_layer", 10**6)),
    Case("a-million-layers-by-another-name", _key("config.json", num_hidden_layers=10**6)),
    Case("no-heads", _size_key("n_heads", "n_head", 0)),
    Case("a-billion-positions", _size_key("max_position_embeddings", "n_positions", 10**9)),
    Case("inner-width", _size_key("hidden_dim", "n_inner", 10**9)),
    Case("width-in-words", _size_key("dim", "n_embd", "sixteen")),
    Case("activation-unknown", _size_key("activation", "activation_function", "os.system")),
    Case("dtype-odd", _key("config.json", dtype="os.system", torch_dtype="float8_e4m3fn")),
    Case("tuples-instead-of-answers", _key("config.json", return_dict=False, torchscript=True)),
    Case("pruned-heads", _key("config.json", pruned_heads={"0": [0]})),
    Case("generation-config-odd", _whole("generation_config.json", '{"max_length": "x", "auto_map": []}')),
    Case("header-huge", _huge_header),
    Case("weights-overlapping", _overlapping),
    Case("weights-of-whole-numbers", _whole_numbers),
    Case("weights-of-tensorflow", _of_tensorflow),
    Case("weights-cut-short", _cut_short),
    Case("weights-not-a-number", _not_a_number),
)  # fmt: skip
