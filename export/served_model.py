"""What MLflow runs of a registered model: texts in, a table of answers out.

This file is copied beside the weights, `config.json` and `tokenizer.json` of a run, and runs in whatever process loads
them, where Encore need not be installed: it imports nothing of Encore, and nothing of Encore imports it. Each text is
read in a call of its own, as the export was scored: dynamic INT8 scales a whole call's activations (onnxruntime#10111).

Shape legend: N new tokens of a text, P positions of its past, H heads, D width of a head, V vocabulary, C classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

_FOLDER = Path(__file__).parent
_ONNX = _FOLDER / "model.onnx"
_PAST, _PRESENT = "past_key_values.", "present."

Logits = NDArray[np.float32]


class OnnxFile:
    """`model.onnx` on the CPU with `threads` intra-op threads, 0 for one a core."""

    def __init__(self, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: it warns of an input that has a default
        self._session = onnxruntime.InferenceSession(_ONNX, options, providers=["CPUExecutionProvider"])
        inputs = self._session.get_inputs()
        self._names = {entry.name for entry in inputs}
        self._nothing = {
            entry.name: np.zeros((1, entry.shape[1], 0, entry.shape[3]), np.float32)
            for entry in inputs
            if entry.name.startswith(_PAST)
        }

    def logits(self, ids: Sequence[int], past: Any = None) -> tuple[Logits, Any]:
        """(1, C) or (1, N, V) of the new tokens, and with them the past: (1, H, P, D) by the name of the input."""
        cache = past or self._nothing
        read = next(iter(cache.values())).shape[2] if cache else 0
        feeds = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, read + len(ids)), np.int64),
            "position_ids": np.arange(read, read + len(ids), dtype=np.int64)[None],
            **cache,
        }
        wanted = {name: array for name, array in feeds.items() if name in self._names}
        outputs = ["logits", *(name.replace(_PAST, _PRESENT) for name in cache)]
        logits, *present = (np.asarray(array) for array in self._session.run(outputs, wanted))
        return logits, dict(zip(cache, present, strict=True))


class TorchFolder:
    """`model.safetensors`, of a run that was not exported, by the class of transformers that its config names."""

    def __init__(self, kind: str) -> None:
        import torch
        import transformers

        self._torch = torch
        self._model: Any = getattr(transformers, kind).from_pretrained(
            _FOLDER, local_files_only=True, use_safetensors=True
        )
        self._model.eval()

    def logits(self, ids: Sequence[int], past: Any = None) -> tuple[Logits, Any]:
        """(1, C) or (1, N, V) of the new tokens, and with them the past as transformers keeps it."""
        cached = {} if past is None else {"past_key_values": past}
        read = 0 if past is None else past.get_seq_length()
        mask = self._torch.ones((1, read + len(ids)), dtype=self._torch.int64)
        with self._torch.inference_mode():
            found = self._model(self._torch.tensor([ids]), attention_mask=mask, **cached)
        return found.logits.numpy(), getattr(found, "past_key_values", None)


class TorchLstm:
    """`model.safetensors`, of an LSTM that was not exported."""

    def __init__(self, layers: int, dim: int) -> None:
        import torch
        from safetensors.torch import load_file

        self._torch = torch
        self._weights = load_file(_FOLDER / "model.safetensors")
        self._layers = [self._layer(f"layers.{number}.", dim) for number in range(layers)]

    def _layer(self, name: str, dim: int) -> Any:
        own = {key.removeprefix(name): value for key, value in self._weights.items() if key.startswith(name)}
        width = own["weight_ih_l0"].shape[1]
        layer = self._torch.nn.LSTM(width, dim, batch_first=True, bidirectional=True)
        layer.load_state_dict(own)
        return layer.eval()

    def logits(self, ids: Sequence[int], past: Any = None) -> tuple[Logits, Any]:
        """(1, C); it has no past."""
        torch, weights = self._torch, self._weights
        with torch.inference_mode():
            states = weights["words.weight"][torch.tensor([ids])]
            for layer in self._layers:
                states, _ = layer(states)
            both = torch.cat([states.amax(1), states.mean(1)], dim=-1)
            head = (weights[f"head.{part}"].double() for part in ("weight", "bias"))
            found = torch.nn.functional.linear(both.double(), *head).float()
        return found.numpy(), past


class LinearWeights:
    """`model.safetensors`, of a linear classifier over n-grams that was not exported."""

    def __init__(self, base: int, longest: int) -> None:
        from safetensors.numpy import load_file

        self._weights, self._base, self._longest = load_file(_FOLDER / "model.safetensors"), base, longest

    def logits(self, ids: Sequence[int], past: Any = None) -> tuple[Logits, Any]:
        """(1, C); it has no past."""
        words, known = np.array(ids, np.int64) + 1, self._weights["keys"]
        keys = [words]
        for place in range(1, min(self._longest, len(ids))):
            keys.append(keys[-1][:-1] * self._base + words[place:])
        found, counts = np.unique(np.concatenate(keys), return_counts=True)
        at = np.searchsorted(known, found).clip(max=len(known) - 1)
        at, counts = at[known[at] == found], counts[known[at] == found]
        scale = self._weights.get("scale")
        values = np.ones(len(at)) if scale is None else (1 + np.log(counts)) * scale[at]
        norm = 1.0 if scale is None or not len(at) else np.linalg.norm(values)
        margin = values @ self._weights["weight"][at].astype(np.float64) / norm + self._weights["bias"][0]
        return np.array([[-margin / 2, margin / 2]], np.float32), past


class _TextModel(PythonModel):
    """The model and the tokenizer beside this file."""

    def load_context(self, context: PythonModelContext) -> None:
        options: Mapping[str, Any] = context.model_config or {}
        self.config: dict[str, Any] = json.loads((_FOLDER / "config.json").read_text(encoding="utf-8"))
        self.model: OnnxFile | TorchFolder | TorchLstm | LinearWeights
        if _ONNX.exists():
            self.model = OnnxFile(options.get("threads", 0))
        elif "architectures" in self.config:  # of transformers' classes alone
            self.model = TorchFolder(self.config["architectures"][0])
        elif "longest_ngram" in self.config:
            self.model = LinearWeights(self.config["vocab_size"] + 1, self.config["longest_ngram"])
        else:
            self.model = TorchLstm(self.config["layers"], self.config["dim"])
        self.tokenizer = Tokenizer.from_file(str(_FOLDER / "tokenizer.json"))
        self.tokenizer.encode_special_tokens = True  # a [SEP] in a text is a text like any other
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.set_up(options)

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride] its hints say what MLflow hands over
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        del context
        return self.answers(_texts(model_input), params or {})

    def set_up(self, options: Mapping[str, Any]) -> None: ...

    def answers(self, texts: Sequence[str], params: Mapping[str, Any]) -> pd.DataFrame:
        raise NotImplementedError


class Classifier(_TextModel):
    """A table of the likeliest label of each text and its probability."""

    def set_up(self, options: Mapping[str, Any]) -> None:
        names = self.config["id2label"]
        self.labels = [names[str(number)] for number in range(len(names))]
        self.limit: tuple[int, str] = (options["max_tokens"], options.get("cut", "head"))

    def answers(self, texts: Sequence[str], params: Mapping[str, Any]) -> pd.DataFrame:
        del params
        read = [self.model.logits(_cut(self.tokenizer.encode(text), *self.limit))[0][0] for text in texts]
        powers = [np.exp(one - one.max()) for one in (logits.astype(np.float64) for logits in read)]
        best = [(self.labels[int(row.argmax())], float(row.max() / row.sum())) for row in powers]
        return pd.DataFrame(best, columns=["label", "probability"])


class StoryWriter(_TextModel):
    """A table of the texts that go on from each prompt, written as `encore generate` writes them."""

    def set_up(self, options: Mapping[str, Any]) -> None:
        self.context_tokens: int = self.config["n_positions"]
        self.end: int = self.tokenizer.token_to_id(options["end_of_text"])

    def answers(self, texts: Sequence[str], params: Mapping[str, Any]) -> pd.DataFrame:
        rows = [self.story(text, number, **params) for number, text in enumerate(texts)]
        return pd.DataFrame(rows, columns=["text", "tokens", "ended"])

    def story(
        self,
        prompt: str,
        number: int,
        *,
        max_length: int = 0,
        temperature: float = 0.8,
        top_p: float = 0.95,
        repetition_penalty: float = 1.0,
        seed: int = 0,
    ) -> tuple[str, int, bool]:
        """The text with its prompt, its tokens, and whether it came to its end by itself.

        max_length: tokens, those of the prompt and the end included; 0: what the model's context holds. temperature: 0
        takes the likeliest token each time. ValueError for a value or a prompt that leaves nothing to draw from.
        """
        if temperature < 0 or not 0 < top_p <= 1 or repetition_penalty < 1 or seed < 0:
            raise ValueError(
                "asks for temperature >= 0, 0 < top_p <= 1, repetition_penalty >= 1 and seed >= 0"
            )
        ids = self.prompt_ids(prompt)
        limit = max_length or self.context_tokens
        if not len(ids) < limit <= self.context_tokens:
            sizes = f"{len(ids)} tokens of prompt, {limit} of text and {self.context_tokens} of context"
            raise ValueError(f"{sizes} do not fit: {prompt[:48]!r}")
        draws = np.random.Generator(np.random.PCG64((seed, number)))
        logits, past = self.model.logits([self.end, *ids])
        while len(ids) < limit:
            weights = _weights(logits[0, -1], ids, temperature, repetition_penalty)
            token = _drawn(weights, draws.random(), top_p)
            if token == self.end:
                return self.tokenizer.decode(ids), len(ids), True
            ids.append(token)
            if len(ids) < limit:
                logits, past = self.model.logits([token], past)
        return self.tokenizer.decode(ids), len(ids), False

    def prompt_ids(self, prompt: str) -> list[int]:
        """ValueError for a prompt of which the vocabulary has no tokens for a part."""
        read = self.tokenizer.encode(prompt, add_special_tokens=False)
        covered = {place for begin, end in read.offsets for place in range(begin, end)}
        lacking = [letter for place, letter in enumerate(prompt) if letter.strip() and place not in covered]
        if lacking or self.end in read.ids:
            raise ValueError(f"the vocabulary has no token for {''.join(lacking[:1])!r} in {prompt[:48]!r}")
        return read.ids


def _texts(table: pd.DataFrame) -> list[str]:
    """The one column, without the white space around its texts. ValueError where a row holds no text."""
    texts = table.iloc[:, 0].tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"row {row} holds no text but {text!r:.40}")
    return [text.strip() for text in texts]


def _cut(text: Encoding, most: int, cut: str) -> list[int]:
    """The special tokens around a text, and of a longer one its first, its last, or a quarter first, the rest last."""
    ids, around = text.ids, text.special_tokens_mask
    if len(ids) <= most:
        return ids
    ahead, room = around.index(0), most - sum(around)
    head = {"head": room, "tail": 0, "head_tail": -(-room // 4)}[cut]
    return [*ids[: ahead + head], *ids[len(ids) - (most - ahead - head) :]]


def _weights(
    logits_V: Logits, seen: Sequence[int], temperature: float, repetition_penalty: float
) -> NDArray[np.float64]:
    """(V,), which sum to 1. The penalty of Keskar et al. 2019 (arXiv 1909.05858) counts the tokens `seen`."""
    scores = logits_V.astype(np.float64)
    known = np.unique(np.array(seen, np.int64))
    scores[known] = np.where(
        scores[known] > 0, scores[known] / repetition_penalty, scores[known] * repetition_penalty
    )
    with np.errstate(over="ignore"):  # of a temperature near 0, which leaves the likeliest token
        powers = np.exp((scores - scores.max()) / max(temperature, np.finfo(np.float64).tiny))
    return powers / powers.sum()


def _drawn(weights_V: NDArray[np.float64], draw: float, top_p: float) -> int:
    """Of the likeliest tokens that together reach `top_p` one by its share (Holtzman et al. 2020, arXiv 1904.09751)."""
    kept = np.arange(len(weights_V))
    if top_p < 1.0:
        likeliest = np.sort(weights_V[weights_V > (1.0 - top_p) / len(weights_V)])[::-1]
        enough = min(int(np.searchsorted(np.cumsum(likeliest), top_p)), len(likeliest) - 1)
        kept = np.flatnonzero(weights_V >= likeliest[enough])
    together = np.cumsum(weights_V[kept])
    return int(kept[min(int(np.searchsorted(together, draw * together[-1], side="right")), len(kept) - 1)])


def _kind() -> type[_TextModel]:
    config = json.loads((_FOLDER / "config.json").read_text(encoding="utf-8"))
    [network] = config.get("architectures", ["ForSequenceClassification"])  # transformers' name theirs
    return Classifier if network.endswith("ForSequenceClassification") else StoryWriter


set_model(_kind()())
