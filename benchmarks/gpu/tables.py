"""What was found, as tables, and a summary of each step."""

from __future__ import annotations

import statistics
from collections import defaultdict

from benchmarks.gpu.results import Entry, Results
from benchmarks.results import table

_WHAT = (
    "train", "reproduce", "kill, resume", "verify the resumed run", "verify", "export", "verify the exported run"
)  # fmt: skip


def runs_table(results: Results) -> str:
    """One row a case: what became of each step."""
    cases = list(dict.fromkeys(entry["case"] for what in _WHAT for entry in results.of(what)))
    rows = [
        [case, *(_told(next((e for e in results.of(what) if e["case"] == case), None)) for what in _WHAT)]
        for case in cases
    ]
    return table(["case", *_WHAT], rows)


def _told(entry: Entry | None) -> str:
    if entry is None:
        return "not begun"
    if entry["state"] == "skipped":
        return "no time left"
    if entry["state"] != "done":
        return f"failed: {entry['why']}"
    match entry["step"]:
        case "train":
            ran = entry["nondeterministic"] or "none"
            return f"{entry['seconds']:.0f} s; without a deterministic version: {ran}"
        case "reproduce":
            return str(entry["verdict"])
        case "kill, resume":
            how = (
                f"killed, went on after step {entry['goes_on_after_step']}"
                if entry["killed"]
                else "it had ended: not killed"
            )
            return f"{entry['verdict']} ({how}; scaler {entry['scaler'].partition(':')[0]})"
        case "export":
            return f"{entry['seconds']:.0f} s"
        case _:
            return f"holds, {entry['checks']} checks" if entry["holds"] else f"{len(entry['broken'])} broken"


def speeds(results: Results) -> list[Entry]:
    """Of each side of each case the median over its rounds, and (a)'s median ratio to it over the rounds of both."""
    rounds: dict[str, dict[str, dict[int, Entry]]] = defaultdict(lambda: defaultdict(dict))
    for entry in results.of("speed"):
        if entry["state"] == "done":
            rounds[entry["case"]][entry["side"]][entry["round"]] = entry
    found: list[Entry] = []
    for case, sides in rounds.items():
        ours = sides.get("(a) Encore", {})
        for side, entries in sorted(sides.items()):
            ratios = [
                ours[number]["examples_per_s"] / entry["examples_per_s"]
                for number, entry in entries.items()
                if number in ours
            ]
            last = list(entries.values())[-1]
            found.append(
                {
                    "case": case,
                    "side": side,
                    "rounds": len(entries),
                    **{
                        key: statistics.median(e[key] for e in entries.values())
                        for key in ("examples_per_s", "tokens_per_s", "warm_up_examples_per_s")
                    },
                    "encore_over_it": statistics.median(ratios) if ratios else None,
                    "mfu": statistics.median(e["mfu"] for e in entries.values()) if "mfu" in last else None,
                    "peak": last.get("peak"),
                    "peak_memory_mib": last["peak_memory_mib"],
                }
            )
    return found


def speed_table(found: list[Entry]) -> str:
    def shown(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    headings = ["case", "side", "rounds", "examples/s", "tokens/s", "(a) over it", "MFU", "peak memory, MiB"]
    headings += ["examples/s of the warm-up"]
    rows = [
        [
            entry["case"],
            entry["side"],
            entry["rounds"],
            f"{entry['examples_per_s']:,.1f}",
            f"{entry['tokens_per_s']:,.0f}",
            shown(entry["encore_over_it"], ".2f"),
            shown(entry["mfu"], ".1%"),
            shown(entry["peak_memory_mib"], ",.0f"),
            f"{entry['warm_up_examples_per_s']:,.1f}",
        ]
        for entry in found
    ]
    peaks = "\n".join(sorted({f"MFU against {entry['peak']}." for entry in found if entry["peak"]}))
    return "\n\n".join(filter(None, [table(headings, rows), peaks]))
