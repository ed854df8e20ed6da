"""GPT-2 on a CPU: each exported precision against `generate` of PyTorch in float32, alone and eight texts at once."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.results import table, write_section
from export.decoding_rows import DecodingModel
from export.gpt2_graph import gpt2_graph

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

    from export.blocks import Bits

PRECISIONS: dict[str, Bits | None] = {"fp32": None, "int8": 8, "int4": 4}
WANTED = {"int8": "at least 4.0 ×", "int4": "at least 5 ×"}
ROUNDS, PROMPT, NEW, STREAMS, SCORED = 7, 16, 64, 8, 300


def measure(data: Path, root: Path, run_id: str | None) -> None:
    """Speed of the 124 M shape with random weights; with a run's ID the loss of its model, too. Writes the section."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from host.cpu import usable_cores

    threads = usable_cores()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as kept:
        model = GPT2LMHeadModel(GPT2Config()).eval()
        rows = _speeds(model, _written(model, Path(kept), threads))
    body = (
        f"GPT-2's 124 M shape, random weights, greedy, {threads} threads, {PROMPT} tokens of prompt, "
        f"{NEW} new ones; {ROUNDS} rounds in turn, medians. Ratios are of one round's figures.\n\n"
        + table(["what", "tokens/s", "ratio", "wanted"], rows)
    )
    if run_id is not None:
        body += "\n\n" + _losses(data, root, run_id)
    command = "python -m benchmarks decoding" + (" ID" if run_id else "")
    write_section("Decoding on a CPU", command, body)


def _written(model: GPT2LMHeadModel, folder: Path, threads: int) -> dict[str, DecodingModel]:
    found: dict[str, DecodingModel] = {}
    for name, bits in PRECISIONS.items():
        (folder / name).mkdir()
        (folder / name / "model.onnx").write_bytes(gpt2_graph(model, bits).SerializeToString())
        model.config.save_pretrained(folder / name)
        found[name] = DecodingModel(folder / name, threads=threads, rows_apart=False)
    return found


def _speeds(model: GPT2LMHeadModel, decoders: dict[str, DecodingModel]) -> list[list[object]]:
    draw = np.random.default_rng(0)
    prompts = [draw.integers(0, model.config.vocab_size, PROMPT + n).tolist() for n in range(STREAMS)]
    sides: dict[str, Callable[[], float]] = {"torch": lambda: _rate(lambda: _generated(model, prompts[0]), 1)}
    for name, decoder in decoders.items():
        sides[name] = lambda decoder=decoder: _rate(lambda: greedy(decoder, prompts[:1]), 1)
        sides[f"{name} × {STREAMS}"] = lambda decoder=decoder: _rate(
            lambda: greedy(decoder, prompts), STREAMS
        )
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS + 1):  # the first only warms
        for name, side in sides.items():
            rate = side()
            if number:
                rates[name].append(rate)
        print(
            f"round {number}/{ROUNDS}", {name: f"{r[-1]:.1f}" for name, r in rates.items() if r}, flush=True
        )
    rows: list[list[object]] = [["`generate` in PyTorch, float32", _median(rates["torch"]), "", ""]]
    for name, decoder in decoders.items():
        alone, many = rates[name], rates[f"{name} × {STREAMS}"]
        rows.append([name, _median(alone), f"{_ratio(alone, rates['torch'])} PyTorch", WANTED.get(name, "")])
        same = sum(
            together == greedy(decoder, [prompt])[0]
            for together, prompt in zip(greedy(decoder, prompts), prompts, strict=True)
        )
        what = f"{name}, {STREAMS} texts at once; {same} of {STREAMS} as written alone"
        rows.append(
            [what, _median(many), f"{_ratio(many, alone)} one text", f"at least 2 ×, {STREAMS} of {STREAMS}"]
        )
    return rows


def greedy(decoder: DecodingModel, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """The `NEW` likeliest tokens after each prompt, all decoded together."""
    rows = decoder.rows(len(prompts))
    texts = [[int(rows.append(prompt).argmax())] for prompt in prompts]
    for _ in range(NEW - 1):
        found = rows.step(np.array([text[-1] for text in texts])).argmax(axis=1)
        for text, token in zip(texts, found.tolist(), strict=True):
            text.append(token)
    return texts


def _generated(model: Any, prompt: Sequence[int]) -> None:
    import torch

    ids = torch.tensor([list(prompt)])
    with torch.inference_mode():
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            min_new_tokens=NEW,
            max_new_tokens=NEW,
            pad_token_id=0,
        )


def _rate(write: Callable[[], object], texts: int) -> float:
    begun = time.perf_counter()
    write()
    return texts * NEW / (time.perf_counter() - begun)


def _median(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):.1f}"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f} ×"


def _losses(data: Path, root: Path, run_id: str) -> str:
    """The table of next-token losses of a run's model, in nats a token."""
    import pandas as pd

    from datamodules.tokenizers import encode, end_token_id, load_tokenizer
    from experiments.stories.generate import trained_writer
    from runs.files import run_named
    from tracking.store import Store

    source = trained_writer(run_named(Store.open(root), run_id), "torch", threads=1)
    tokenizer = load_tokenizer(str(source.model_folder), local_files_only=True)
    texts = pd.read_parquet(data / "data" / "tinystories" / "validation.parquet")["text"][:SCORED].tolist()
    end, model = end_token_id(tokenizer), source.model()
    most = model.config.n_positions
    read = [[end, *ids][:most] for ids in encode(tokenizer, texts)["input_ids"]]
    with tempfile.TemporaryDirectory() as kept:
        decoders = _written(model, Path(kept), 1)
        losses = {name: _loss(decoder, read) for name, decoder in decoders.items()}
        sizes = {name: decoder.path.stat().st_size / 2**20 for name, decoder in decoders.items()}
    wanted = {"int8": "at most +0.01", "int4": "at most +0.05"}
    rows: list[list[object]] = [
        [name, f"{loss:.4f}", f"{loss - losses['fp32']:+.4f}", f"{sizes[name]:.2f}", wanted.get(name, "")]
        for name, loss in losses.items()
    ]
    head = (
        f"A run of tinystories_small; {SCORED} stories of the validation file, each in a context of its own."
    )
    return f"{head}\n\n" + table(["what", "nats a token", "over fp32", "MiB", "wanted"], rows)


def _loss(decoder: DecodingModel, texts: Sequence[Sequence[int]]) -> float:
    from export.language import next_token_losses
    from export.session import OnnxModel

    model = OnnxModel(decoder.path.parent, threads=1)
    losses = [next_token_losses(ids, model.logits(ids)) for ids in (np.array([text]) for text in texts)]
    return float(sum(loss.sum() for loss in losses) / sum(loss.size for loss in losses))
