"""`python -m benchmarks [speed|tracking|size|demo|reproduce|drift|elsewhere|story_quality|sweep ID]`

Alone: speed, tracking and size.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks import demo, drift, elsewhere, reproduce, size, speed, story_quality, sweep, tracking_cost
from cli.quiet import quiet, quiet_environment

PARTS = ("speed", "tracking", "size")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=[*PARTS, "demo", "reproduce", "drift", "elsewhere", "story_quality", "sweep"],
    )
    parser.add_argument("id", nargs="?", help="the sweep's run ID")
    parser.add_argument("--root", type=Path, default=Path("mlruns"))
    parser.add_argument(
        "--real-data",
        type=Path,
        default=Path(os.environ.get("ENCORE_DATA", Path(__file__).resolve().parents[2] / "shared")),
        help="folder with data/sst2, data/tinystories and models/minilm-distilbert; also ENCORE_DATA",
    )
    arguments = parser.parse_args()
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
            case _:
                sweep.measure(arguments.root, arguments.id)


main()
