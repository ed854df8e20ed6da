"""Texts as anybody may write them."""

from __future__ import annotations

from hypothesis import strategies as st

_ODD = st.sampled_from([
    "don't", '"', "''", "``", "...", "LLMs", "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}",
    "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}", "e\N{COMBINING ACUTE ACCENT}", "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "漢字かな", "\x07", "\x85", "\u2028", "\u00a0", "\ufeff", "[SEP]", "<|endoftext|>", "  ", "\n", "\t", "<br />",
    "cannot", "gimme", "--", "(x)", "$5.00", "'tis", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "\u0e33",
])  # fmt: skip
TEXTS = st.lists(
    st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), _ODD), max_size=12
).map("".join)
"""Letters of all scripts, emoji, combining marks, controls, quotation marks; no lone surrogates, which UTF-8 lacks."""
