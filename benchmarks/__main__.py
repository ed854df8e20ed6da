"""`python -m benchmarks [PART] [ID]`; alone the parts speed, tracking and size.

Parts that measure a run take its ID: sweep, writing_speed, replay, story_perplexity.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks import (
    demo,
    drift,
    elsewhere,
    endings,
    language_speed,
    reproduce,
    size,
    speed,
    story_quality,
    streaming,
    sweep,
    tracking_cost,
    writing,
)
from cli.quiet import quiet, quiet_environment

PARTS = ("speed", "tracking", "size")
OTHERS = (
    "demo",
    "reproduce",
    "drift",
    "elsewhere",
    "story_quality",
    "language_speed",
    "endings",
    "streaming",
)
OF_A_RUN = ("sweep", "writing_speed", "replay", "story_perplexity")


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
    arguments = parser.parse_args()
    if arguments.part in OF_A_RUN and arguments.id is None:
        parser.error(f"{arguments.part} needs a run's ID")
    quiet_environment()
    os.environ["HF_HUB_OFFLINE"] = "1"
    quiet()
    for part in [arguments.part] if arguments.part else PARTS:
        match part:
            case "speed":
                speed.measure(arguments.real_data)
            case "tracking":
                tracking_cost.measure()
            case "size":
                size.measure(arguments.real_data)
            case "reproduce":
                reproduce.measure()
            case "drift":
                drift.measure()
            case "elsewhere":
                elsewhere.measure()
            case "story_quality":
                story_quality.measure(arguments.real_data)
            case "demo":
                demo.measure()
            case "language_speed":
                language_speed.measure(arguments.real_data)
            case "endings":
                endings.measure(arguments.real_data)
            case "streaming":
                streaming.measure(arguments.real_data)
            case "writing_speed":
                writing.measure_speed(arguments.root, arguments.id)
            case "story_perplexity":
                story_quality.measure_perplexity(arguments.real_data, arguments.root, arguments.id)
            case "replay":
                writing.measure_replay(arguments.root, arguments.id)
            case _:
                sweep.measure(arguments.root, arguments.id)


main()
