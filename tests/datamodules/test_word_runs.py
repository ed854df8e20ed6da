from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datamodules.word_runs import inside_one_text, run_hashes, text_ends, word_codes

TEXTS = st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=6)


@given(TEXTS, st.integers(1, 9))
def test_runs_within_one_text_are_equal_where_their_hashes_are(texts: list[list[int]], size: int) -> None:
    codes = word_codes(np.array([word for text in texts for word in text], dtype=np.int64))
    ends = text_ends(np.array([len(text) for text in texts], dtype=np.int64))
    hashes = run_hashes(codes, size)[inside_one_text(ends, size)].tolist()
    runs = [tuple(text[at : at + size]) for text in texts for at in range(len(text) - size + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(hashes, runs, strict=True))) == len(set(hashes)) == len(set(runs))
