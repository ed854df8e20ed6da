"""Small healthy model folders, and what tests of hostile ones share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    """An installed package `kernels` that leaves `marker` when a kernel is fetched; put `folder` first on the path."""
    (folder / "kernels").mkdir(parents=True)
    (folder / "kernels" / "__init__.py").write_text(_KERNELS.format(marker=str(marker)), encoding="utf-8")
    (folder / "kernels-0.9.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: kernels\nVersion: 0.9.0\n"
    (folder / "kernels-0.9.0.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
    return folder


_KERNELS = """
from enum import Flag
from pathlib import Path
class Anything:
    def __init__(self, *_, **__): pass
class Mode(Flag):
    FALLBACK, INFERENCE, TRAINING, TORCH_COMPILE = 1, 2, 4, 8
Device = LayerRepository = Anything
register_kernel_mapping = Anything
def replace_kernel_forward_from_hub(cls, *_): pass
def use_kernel_forward_from_hub(name):
    return lambda cls: cls
def get_kernel(*_, **__):
    Path({marker!r}).write_text('ran')
    raise RuntimeError('a kernel was fetched')
"""


def contents(folder: Path) -> dict[str, bytes | str]:
    """Every file under `folder` by its relative path; of what is no ordinary file, only its kind."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else "no file"
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def edited(folder: Path, file: str, **changes: Any) -> list[str]:
    """A JSON file with `changes`; an empty one where there was none."""
    path = folder / file
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return [file]
