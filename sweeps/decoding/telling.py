"""What a finished decoding sweep says of itself: its name and its description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.naming import sweep_name, trial_name
from runs.layout import SWEEP_SETTINGS_TABLE
from sweeps.decoding.rows import MISSED, OBJECTIVE, SettingRow
from sweeps.telling import NAME_TAG, ROWS, artifact_link, markdown_table

if TYPE_CHECKING:
    from sweeps.config import DecodingSweepConfig
    from tracking.run_log import RunLog

_FIGURES = (OBJECTIVE, "stories/ended", "stories/loops", "stories/copied_13grams")


def tell_settings(
    parent: RunLog,
    sweep: DecodingSweepConfig,
    best: SettingRow,
    official: SettingRow,
    rows: Sequence[SettingRow],
) -> None:
    """Name the sweep's own run after what it found, and have its description open with the winner and the table."""
    coherent = f"{100 * official.metrics[OBJECTIVE]:.0f} % coherent"
    parent.set_tags({NAME_TAG: sweep_name(sweep.name, sweep.seed, {}, coherent)})
    missed = best.metrics[MISSED]
    winner = (
        f"**{trial_name(best.trial, best.values)}** won of {len(rows) - 1} settings: **{coherent}** from official "
        f"beginnings, {100 * best.metrics[OBJECTIVE]:.0f} % from held-out ones"
        + (f"; it misses {missed:.0f} of the limits" if missed else "")
    )
    table = f"[All figures]({artifact_link(parent, SWEEP_SETTINGS_TABLE)}) · run {official.run_id[:8]} has the stories"
    parent.tell("\n\n".join([winner, table, _table(rows)]))


def _table(rows: Sequence[SettingRow]) -> str:
    heads = ["setting", "run", *(name.removeprefix("stories/") for name in _FIGURES)]
    lines = [
        [
            trial_name(row.trial, row.values, row.stage),
            row.run_id[:8],
            *(f"{row.metrics[name]:.3g}" for name in _FIGURES),
        ]
        for row in rows
    ]
    return markdown_table(heads, lines[-ROWS:], more=len(lines) - ROWS)
