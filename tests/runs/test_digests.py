"""Digests of answers: by every value, and without waiting for torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd

from runs.table_digest import table_digest

FRAME = pd.DataFrame({"label": [0, 1, 1], "logit": [0.5, -1.0, 2.0], "text": ["a", "b", "c"]})


def test_one_changed_value_of_any_column_is_another_digest() -> None:
    others = [
        FRAME.assign(label=[0, 1, 0]),
        FRAME.assign(logit=[0.5, np.nextafter(-1.0, 0.0), 2.0]),
        FRAME.assign(text=["a", "b", "d"]),
        FRAME.iloc[::-1],
    ]
    assert len({table_digest(frame) for frame in [FRAME, *others]}) == 5
    assert table_digest(FRAME[["text", "logit", "label"]]) == table_digest(FRAME)  # in the order of the names


def test_a_table_of_answers_is_held_to_its_digest_without_torch() -> None:
    code = "import sys, runs.table_digest, runs.outcome\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
