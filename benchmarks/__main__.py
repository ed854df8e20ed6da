"""`python -m benchmarks [PART] [ID]`; alone the parts speed, tracking and size.

Parts that measure a run take its ID: sweep, report, writing_speed, replay, story_perplexity, students, cuts, lstm.
`certificate` writes down what a run came to, for the numbers that name it (docs/numbers-from-runs.md). `store --root
NEW_FOLDER` makes a store with runs of every kind.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    certificate,
    comparison,
    cuts,
    decoding,
    demo,
    demo_stories,
    drift,
    elsewhere,
    endings,
    language_speed,
    looking,
    lstm,
    report,
    reproduce,
    round_trips,
    served,
    size,
    speed,
    store,
    story_quality,
    streaming,
    students,
    sweep,
    tracking_cost,
    values,
    views,
    writing,
)
from benchmarks.gpu import command as gpu
from benchmarks.serving import command as serving
from benchmarks.statistics import command as statistics
from cli.quiet import quiet, quiet_environment
from errors import UserError

PARTS = ("speed", "tracking", "size")
OTHERS = (
    "comparison",
    "decoding",
    "demo",
    "demo_stories",
    "reproduce",
    "drift",
    "elsewhere",
    "story_quality",
    "language_speed",
    "endings",
    "streaming",
    "gpu",
    "values",
    "round_trips",
    "statistics",
    "looking",
    "verbs",
    "served",
    "store",
    "views",
)
OF_A_RUN = (
    "sweep",
    "report",
    "writing_speed",
    "replay",
    "story_perplexity",
    "students",
    "cuts",
    "lstm",
    "certificate",
    "serving",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=[*PARTS, *OTHERS, *OF_A_RUN],
    )
    parser.add_argument("id", nargs="?", help="the run's ID")
    parser.add_argument("--root", type=Path, default=Path("mlruns"))
    parser.add_argument(
        "--real-data",
        type=Path,
        default=Path(os.environ.get("ENCORE_DATA", Path(__file__).resolve().parents[2] / "shared")),
        help="folder with data/sst2, data/tinystories and models/minilm-distilbert; also ENCORE_DATA",
    )
    gpu.add_options(parser)
    serving.add_options(parser)
    arguments = parser.parse_args()
    if arguments.part in OF_A_RUN and arguments.id is None:
        parser.error(f"{arguments.part} needs a run's ID")
    quiet_environment()
    os.environ["HF_HUB_OFFLINE"] = "1"
    quiet()
    try:
        for part in [arguments.part] if arguments.part else PARTS:
            _measure(part, arguments)
    except UserError as error:
        parser.exit(2, f"{error}\n")


def _measure(part: str, arguments: argparse.Namespace) -> None:
    data, root, run = arguments.real_data, arguments.root, arguments.id
    parts: dict[str, Callable[[], object]] = {
        "speed": lambda: speed.measure(data),
        "tracking": tracking_cost.measure,
        "size": lambda: size.measure(data),
        "reproduce": reproduce.measure,
        "drift": drift.measure,
        "elsewhere": elsewhere.measure,
        "story_quality": lambda: story_quality.measure(data),
        "demo": demo.measure,
        "demo_stories": demo_stories.measure,
        "comparison": comparison.measure,
        "decoding": lambda: decoding.measure(data, root, run),
        "language_speed": lambda: language_speed.measure(data),
        "endings": lambda: endings.measure(data),
        "values": values.measure,
        "streaming": lambda: streaming.measure(data),
        "gpu": lambda: gpu.measure(arguments),
        "round_trips": round_trips.measure,
        "statistics": lambda: statistics.measure(data),
        "looking": looking.measure,
        "verbs": lambda: looking.measure_verbs(root),
        "served": served.measure,
        "serving": lambda: serving.measure(Path(run), data, arguments),
        "store": lambda: store.build(root),
        "views": lambda: views.measure(root),
        "writing_speed": lambda: writing.measure_speed(root, run),
        "replay": lambda: writing.measure_replay(root, run),
        "story_perplexity": lambda: story_quality.measure_perplexity(data, root, run),
        "sweep": lambda: sweep.measure(root, run),
        "students": lambda: students.measure(root, run),
        "cuts": lambda: cuts.measure(root, run),
        "lstm": lambda: lstm.measure(root, run),
        "report": lambda: report.measure(root, run),
        "certificate": lambda: print(certificate.write_certificate(root, run)),
    }
    parts[part]()


main()
