"""How long one call takes, at stated batch sizes, length and thread count."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from export.options import ExportOptions, ScoringSet
from export.scoring import LoadedVariant
from export.tasks import ExportTask

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONG = 2  # budgets
_FEWEST_REPEATS = 5
_SECONDS_PER_FIGURE = 0.7
SHARES = (50, 95, 99)


def measure_latency(
    variants: Sequence[LoadedVariant], scoring: ScoringSet, *, tokens: int, options: ExportOptions
) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics `export/<variant>/latency_b<batch>_p50_ms`, p95 and p99, and how many calls stand behind each.

    All batches are unpadded, `tokens` long, with ids taken from the scoring set.
    """
    metrics: dict[str, float] = {}
    calls: dict[str, str] = {}
    with torch_threads(options.asked.threads):
        for batch in options.latency_batches:
            ids_BL = latency_input(scoring, batch=batch, tokens=tokens)
            for variant in variants:
                times_ms = call_times_ms(
                    lambda variant=variant, ids_BL=ids_BL: variant.logits(ids_BL),
                    most=repeats_for(batch, options.latency_repeats),
                    fewest=_FEWEST_REPEATS,
                    seconds=_SECONDS_PER_FIGURE,
                )
                for share in SHARES:
                    name = f"export/{variant.name}/latency_b{batch}_p{share}_ms"
                    metrics[name] = float(np.percentile(times_ms, share))
                calls[f"export/{variant.name}/latency_b{batch}_calls"] = str(len(times_ms))
    return metrics, calls


def repeats_for(batch: int, repeats_at_one: int) -> int:
    """Timed calls at this batch size: a fifth of those at batch 1, since each takes so much longer.

    Calls that fill 0.7 s end the measurement early, after five of them at the least.
    """
    return repeats_at_one if batch == 1 else max(_FEWEST_REPEATS, repeats_at_one // 5)


def latency_tokens(scoring: ScoringSet, task: ExportTask, options: ExportOptions) -> int:
    """The length of the latency input, in tokens: as asked, or the median of the scoring set."""
    if options.latency_tokens is not None:
        return options.latency_tokens
    median = int(np.median([len(ids) for ids in scoring.input_ids]))
    return median if task.longest_timed is None else min(median, task.longest_timed)


def latency_input(scoring: ScoringSet, *, batch: int, tokens: int) -> NDArray[np.int64]:
    """(batch, tokens) of real token ids, read off the scoring set in its order, around and around."""
    wanted = batch * tokens
    stream: list[int] = []
    for ids in scoring.input_ids:
        stream.extend(ids)
        if len(stream) >= wanted:
            break
    return np.resize(np.asarray(stream, dtype=np.int64), (batch, tokens))


def call_times_ms(call: Callable[[], object], *, most: int, fewest: int, seconds: float) -> list[float]:
    """Of one call after another, until there are `most`, or `fewest` that fill the seconds. The first warms up and does
    not count, unless it alone fills the seconds twice: then it is all there is."""
    first_ms = _milliseconds(call)
    if first_ms > 1000 * _LONG * seconds:
        return [first_ms]
    times_ms: list[float] = []
    while len(times_ms) < most:
        times_ms.append(_milliseconds(call))
        if len(times_ms) >= fewest and sum(times_ms) > 1000 * seconds:
            break
    return times_ms


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


@contextlib.contextmanager
def torch_threads(threads: int) -> Generator[None]:
    """PyTorch with as many threads as the ONNX sessions; the caller's number is put back."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
