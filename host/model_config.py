"""The config.json and the weights of a model folder, checked against each other before a library builds anything.

A config decides which code runs, how large the model is and how it computes. Here it may only say the sizes of a
DistilBERT, a BERT or a GPT-2, which its weights bear out; that it names code is an error, and the rest is left out.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import UserError
from host.boundary import boundary
from host.model_folder import CONFIG, INDEX, WEIGHTS, ModelFolder, private_folder
from host.model_keys import ALSO_OBEYED, CODE, NUMBERS, OBEYED, OWN, SIZES, UNREAD, Family
from host.notices import notice
from host.tokenizer_files import is_known_class

Shape = tuple[int, ...]

_MOST_POSITIONS = 16_384  # each block of a GPT-2 has a mask of as many rows and columns
_MOST_LABELS = 10_000
_FLOATS = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64"}
_BUFFERS = ("attn.bias", "attn.masked_bias", "position_ids")  # old files have these masks and counters


@dataclass(frozen=True)
class _Layout:
    """How a family's sizes show in its weights.

    layers: the config's names for their number, and what the library takes where none is given. sizes: (names,
    default, tensor, axis); a default of none follows from the other sizes.
    """

    prefix: str
    layer: re.Pattern[str]
    layers: tuple[tuple[str, ...], int]
    sizes: tuple[tuple[tuple[str, ...], int | None, str, int], ...]
    tied: bool = False  # the head is the embeddings, unless its config says otherwise


_LAYOUTS: dict[Family, _Layout] = {
    "distilbert": _Layout(
        "distilbert.",
        re.compile(r"(?:^|\.)transformer\.layer\.(\d+)\."),
        (("n_layers", "num_hidden_layers"), 6),
        (
            (("vocab_size",), 30522, "embeddings.word_embeddings.weight", 0),
            (("dim", "hidden_size"), 768, "embeddings.word_embeddings.weight", 1),
            (("max_position_embeddings",), 512, "embeddings.position_embeddings.weight", 0),
            (("hidden_dim",), 3072, "transformer.layer.0.ffn.lin1.weight", 0),
        ),
    ),
    "bert": _Layout(
        "bert.",
        re.compile(r"(?:^|\.)encoder\.layer\.(\d+)\."),
        (("num_hidden_layers",), 12),
        (
            (("vocab_size",), 30522, "embeddings.word_embeddings.weight", 0),
            (("hidden_size",), 768, "embeddings.word_embeddings.weight", 1),
            (("max_position_embeddings",), 512, "embeddings.position_embeddings.weight", 0),
            (("type_vocab_size",), 2, "embeddings.token_type_embeddings.weight", 0),
            (("intermediate_size",), 3072, "encoder.layer.0.intermediate.dense.weight", 0),
        ),
    ),
    "gpt2": _Layout(
        "transformer.",
        re.compile(r"(?:^|\.)h\.(\d+)\."),
        (("n_layer", "num_hidden_layers"), 12),
        (
            (("vocab_size",), 50257, "wte.weight", 0),
            (("n_embd", "hidden_size"), 768, "wte.weight", 1),
            (("n_positions", "max_position_embeddings"), 1024, "wpe.weight", 0),
            (("n_inner",), None, "h.0.mlp.c_fc.weight", 1),
        ),
        tied=True,
    ),
}


@contextmanager
def private_model(folder: Path, family: Family, *, where: str) -> Generator[tuple[Path, dict[str, Shape]]]:
    """A folder of config.json and weights for a library to load, checked, and the shape of each tensor.

    The folder is gone when the block ends.

    Raises UserError for a config that names code, that asks for what Encore does not compute, or whose sizes are not
    those of the weights. What else it says is left out, with a word.
    """
    import json

    found = ModelFolder(folder, where=where)
    found.say_what_is_left_alone()
    config = checked_config(found, family)
    weights = found.weights()
    shapes = _shapes(found, weights)
    _check_sizes(found, config, family, shapes)
    if _LAYOUTS[family].tied and config.get("tie_word_embeddings", True):
        _check_tied(found, weights, shapes)
    files = {CONFIG: json.dumps(config).encode()}
    if WEIGHTS not in weights:
        total = sum(path.stat().st_size for path in weights.values())
        content = {"metadata": {"total_size": total}, "weight_map": found.index()}
        files[INDEX] = json.dumps(content).encode()
    with private_folder(files, weights) as private:
        yield private, shapes


def checked_config(folder: ModelFolder, family: Family) -> dict[str, Any]:
    """What of config.json Encore obeys. UserError for another family and for all that `private_model` refuses."""
    if not folder.has(CONFIG):
        raise folder.refused(f"has no {CONFIG}")
    config = folder.table(CONFIG)
    _check_names_no_code(folder, config)
    if config.get("model_type") != family:
        raise folder.refused(
            f"holds a {config.get('model_type')!r:.40} model, not {family!r}",
            cure=f"Give a {family} folder, or another experiment.",
        )
    obeyed = OBEYED | ALSO_OBEYED.get(family, {})
    for key, value in config.items():
        _check_value(folder, key, value, obeyed)
    named = {"tokenizer_class", "_attn_implementation_autoset"}
    left_out = sorted(config.keys() - named - OWN[family] - obeyed.keys() - UNREAD)
    if left_out:
        notice(f"{folder.where}: {CONFIG} says {', '.join(left_out)[:200]}, which is not taken over")
    return {key: value for key, value in config.items() if key in OWN[family]}


def _check_names_no_code(folder: ModelFolder, config: Mapping[str, Any]) -> None:
    for key, value in config.items():
        # transformers 4.48 to 4.52 wrote whether it had chosen the attention itself.
        chosen_by_itself = key == "_attn_implementation_autoset" and isinstance(value, bool)
        own_tokenizer = key == "tokenizer_class" and (value is None or is_known_class(value))
        if CODE.fullmatch(key) and not chosen_by_itself and not own_tokenizer:
            raise folder.refused(
                f"{CONFIG} sets {key[:60]} to {value!r:.60}, which names code to run or another way to load the model",
                cure="Take the key out if the weights are plain ones, or give another model.",
            )


def _check_value(folder: ModelFolder, key: str, value: object, obeyed: Mapping[str, object]) -> None:
    if key in obeyed and value != obeyed[key]:
        raise folder.refused(
            f"{CONFIG} sets {key} to {value!r:.40}, and Encore computes the model only with {obeyed[key]!r}",
            cure="Give a model without it.",
        )
    if key in SIZES and not _is_size(value) and not (key in {"n_inner", "n_ctx"} and value is None):
        raise folder.refused(f"{CONFIG} sets {key} to {value!r:.40}, which is no size")
    if key in {"n_positions", "max_position_embeddings"} and int(value) > _MOST_POSITIONS:  # type: ignore[call-overload]
        raise folder.refused(f"{CONFIG} sets {key} to {value}, and at most {_MOST_POSITIONS} are read")
    if key in NUMBERS and (
        isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1
    ):
        raise folder.refused(f"{CONFIG} sets {key} to {value!r:.40}, which is no number from 0 to 1")
    if key == "pad_token_id" and value is not None and not _is_id(value):
        raise folder.refused(f"{CONFIG} sets {key} to {value!r:.40}, which is no token's number")
    if key in {"dtype", "torch_dtype"} and value is not None and str(value) not in _FLOATS:
        raise folder.refused(f"{CONFIG} sets {key} to {value!r:.40}", cure="Give weights in float32 or 16.")
    if key in {"num_labels", "id2label", "label2id"} and _count(value) > _MOST_LABELS:
        raise folder.refused(f"{CONFIG} has {_count(value)} labels in {key}")


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_id(value: object) -> bool:
    """-1 stands for none in some."""
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value < 2**31


def _count(value: object) -> int:
    return value if isinstance(value, int) else len(value) if isinstance(value, dict | list) else 0


def _shapes(folder: ModelFolder, weights: Mapping[str, Path]) -> dict[str, Shape]:
    """The shape of every tensor. UserError for a damaged file, and for tensors that are no floating-point numbers."""
    from safetensors import safe_open

    shapes: dict[str, Shape] = {}
    for name, path in weights.items():
        cure = "The file is damaged, or none of safetensors: save the model again, or fetch it again."
        with (
            boundary(f"{name} cannot be read", where=folder.where, cure=cure),
            safe_open(path, "numpy") as opened,
        ):
            kind = (opened.metadata() or {"format": "pt"}).get("format")
            if kind != "pt":
                raise folder.refused(
                    f"{name} is of {kind!r:.40}, not of PyTorch", cure="Save it from PyTorch."
                )
            for key in opened.keys():  # noqa: SIM118 it is no mapping
                tensor: Any = opened.get_slice(key)
                if tensor.get_dtype() not in _FLOATS.values() and not key.endswith(_BUFFERS):
                    raise folder.refused(
                        f"{name} holds {key[:80]} as {tensor.get_dtype()}, and weights are of 16, 32 or 64 bits",
                        cure="Save the model in float32.",
                    )
                shapes[key] = tuple(tensor.get_shape())
    return shapes


def _check_sizes(
    folder: ModelFolder, config: Mapping[str, Any], family: Family, shapes: Mapping[str, Shape]
) -> None:
    """UserError when config.json and weights differ in a size: what is built is no larger than the file then."""
    layout = _LAYOUTS[family]
    there = len({found[1] for name in shapes if (found := layout.layer.search(name))})
    for key, wanted in _given(config, *layout.layers).items():
        if wanted is not None and wanted > there:
            raise _differs(folder, key, wanted, f"{there} layer(s)")
    for keys, default, tensor, axis in layout.sizes:
        shape = shapes.get(layout.prefix + tensor, shapes.get(tensor))
        if shape is None or len(shape) != 2:
            raise folder.refused(
                f"lacks weights, {tensor} among them",
                cure="Give the folder of a complete model of the same kind.",
            )
        for key, wanted in _given(config, keys, default).items():
            if wanted not in (None, shape[axis]):
                raise _differs(folder, key, wanted, f"{shape[axis]} in {tensor}")


def _check_tied(folder: ModelFolder, weights: Mapping[str, Path], shapes: Mapping[str, Shape]) -> None:
    """UserError when the folder has a head of its own although config.json says that it is the embeddings.

    Which of the two the library took would be a matter of their order.
    """
    head, embeddings = "lm_head.weight", next(name for name in shapes if name.endswith("wte.weight"))
    if head not in shapes:
        return
    import torch
    from safetensors import safe_open

    def tensor(name: str) -> torch.Tensor:
        for path in weights.values():
            with safe_open(path, "pt") as opened:
                if name in opened.keys():  # noqa: SIM118 it is no mapping
                    return opened.get_tensor(name)
        raise AssertionError(name)

    if not torch.equal(tensor(head), tensor(embeddings)):
        raise folder.refused(
            f"{CONFIG} says that the head is the embeddings, and {head} is another one",
            cure="Set tie_word_embeddings to false if the model was trained so, or give another model.",
        )


def _given(config: Mapping[str, Any], keys: tuple[str, ...], default: int | None) -> dict[str, int | None]:
    """What the config says of a size, under each of its names; by the first what the library would take."""
    return {key: config[key] for key in keys if key in config} or {keys[0]: default}


def _differs(folder: ModelFolder, key: str, wanted: int, found: str) -> UserError:
    return folder.refused(
        f"{CONFIG} sets {key} to {wanted}, and the weights have {found}",
        cure="One of the two is of another model: fetch or save the folder again.",
    )
