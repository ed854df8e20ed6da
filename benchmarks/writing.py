"""Stories of a trained run: written in batches against `model.generate` per prompt; written again by their number."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.results import table, write_section
from runs.files import run_named

ROUNDS = 5
PROMPTS = ["Once upon a time", "One day, a little girl", "Tom and his dog"] * 8
LIMIT = 300
BATCH = 8
REPLAYED = 100
BEGINNINGS = ("Once upon a time", "Lily", "One day", "The cat", "Tom")


def measure_speed(root: Path, run_id: str) -> None:
    """`generate` against the library called plainly; writes the section."""
    from experiments.stories.generate import trained_writer
    from host.cpu import usable_cores
    from tracking.store import Store

    store = Store.open(root)
    source = trained_writer(run_named(store, run_id), "torch", threads=usable_cores())
    writer, model = source.writer(batch_size=BATCH), source.model()
    rates: dict[str, list[float]] = {"encore": [], "plain": []}
    for number in range(ROUNDS):
        rates["encore"].append(_ours(writer))
        rates["plain"].append(_plainly(model, writer.tokenizer))
        shown = {name: f"{found[-1]:,.0f}" for name, found in rates.items()}
        print(f"round {number + 1}/{ROUNDS}", shown, flush=True)
    ratio = statistics.median(a / b for a, b in zip(rates["encore"], rates["plain"], strict=True))
    encore, plainly = (f"{statistics.median(found):,.0f}" for found in rates.values())
    body = (
        f"A run of tinystories_small, {len(PROMPTS)} prompts, at most {LIMIT} tokens, temperature 0.8, top-p 0.95, "
        f"{ROUNDS} rounds in turn, {usable_cores()} threads; medians of new tokens/s.\n\n"
        + table(
            ["side", "tokens/s", "ratio", "wanted"],
            [
                [f"Encore, batches of {BATCH}", encore, f"{ratio:.1f} ×", "at least 3 ×"],
                ["`model.generate`, one prompt at a time", plainly, "", ""],
            ],
        )
    )
    write_section("Speed of writing", "python -m benchmarks writing_speed ID", body)


def _ours(writer: Any) -> float:
    from generation.options import DecodingConfig

    begun = time.perf_counter()
    stories = writer.write(PROMPTS, DecodingConfig(max_length=LIMIT, temperature=0.8, top_p=0.95))
    new = sum(story.tokens + story.ended for story in stories) - _given(writer.tokenizer, PROMPTS)
    return new / (time.perf_counter() - begun)


def _plainly(model: Any, tokenizer: Any) -> float:
    import torch

    torch.manual_seed(0)
    begun, new = time.perf_counter(), 0
    for prompt in PROMPTS:
        ids = tokenizer(f"<|endoftext|>{prompt}", return_tensors="pt")
        options = {"max_length": LIMIT, "temperature": 0.8, "top_p": 0.95, "top_k": 0, "pad_token_id": 0}
        found = model.generate(**ids, do_sample=True, **options)
        new += found.shape[1] - ids["input_ids"].shape[1]
    return new / (time.perf_counter() - begun)


def _given(tokenizer: Any, prompts: list[str]) -> int:
    return sum(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)


def measure_replay(root: Path, run_id: str) -> None:
    """`encore generate`, then `encore story` for each story in a process of its own; writes the section."""
    command = [sys.executable, "-m", "cli"]
    made: dict[str, list[str]] = {}
    for variant, count in (("torch", REPLAYED), ("int8", REPLAYED // 5)):
        prompts = [word for name in BEGINNINGS for word in ("--prompt", name)]
        options = ["--n", str(count // 5), "--max-length", "200", "--seed", "11", "--variant", variant]
        process = subprocess.run(
            [*command, "generate", run_id, *prompts, *options, "--root", str(root), "--json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        stories = json.loads(process.stdout)["run_id"]
        made[variant] = [f"{stories}#{number}" for number in range(count)]
    rows: list[list[object]] = []
    for variant, names in made.items():
        same = 0
        for name in names:
            code = subprocess.run(
                [*command, "story", name, "--root", str(root)], capture_output=True, check=False
            ).returncode
            same += code == 0
            print(f"{variant} {name[-6:]}: {code}", flush=True)
        what = f"stories of the {variant} model written again, each in a fresh process"
        rows.append([what, f"{same} of {len(names)}", "all"])
    head = "A run of tinystories_small, five prompts, sampled, at most 200 tokens."
    body = f"{head}\n\n{table(['what', 'identical', 'wanted'], rows)}"
    write_section("Stories written again", "python -m benchmarks replay ID", body)
