"""Pieces of a text: whole characters, and nothing of a stop string, however the text is split."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from datamodules.tokenizers import train_tokenizer
from serving.story import Stops, Unfolding

TOKENIZER = train_tokenizer("gpt2_bpe", ["Once upon a time Tom ran to a big tree."], vocab_size=300)
TEXTS = st.text(st.sampled_from("ab é€🐸\ufffd\u0301"), max_size=12)
SHORT = st.text("abc", max_size=12)


def decoded(ids: list[int]) -> str:
    return TOKENIZER.backend_tokenizer.decode(ids, skip_special_tokens=False)


@given(TEXTS, TEXTS)
def test_pieces_joined_are_the_text_though_its_characters_lie_across_tokens(prompt: str, text: str) -> None:
    before, after = (TOKENIZER(part, add_special_tokens=False)["input_ids"] for part in (prompt, text))
    unfolding = Unfolding(decoded, before)  # type: ignore[arg-type]
    pieces = [unfolding.take(token) for token in after]  # type: ignore[arg-type]
    assert "".join(pieces) + unfolding.rest() == text
    assert all(piece.encode() for piece in pieces if piece)
    if "\ufffd" not in text:
        assert "\ufffd" not in "".join(pieces)


@given(TEXTS, st.lists(st.integers(0, 299), max_size=40))
def test_bytes_that_are_no_text_are_what_they_are_in_the_whole(prompt: str, ids: list[int]) -> None:
    before: list[int] = TOKENIZER(prompt, add_special_tokens=False)["input_ids"]  # type: ignore[assignment]
    unfolding = Unfolding(decoded, before)
    joined = "".join([unfolding.take(token) for token in ids]) + unfolding.rest()
    assert joined == decoded(before + ids)[len(prompt) :]


def _until_stop(text: str, stops: list[str]) -> tuple[str, bool]:
    """Letter by letter: until the first string is whole, of two at once the longer."""
    for end in range(1, len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            return text[: end - max(map(len, ending))], True
    return text, False


@given(SHORT, st.lists(st.text("abc", min_size=1, max_size=4), max_size=4), st.lists(st.integers(0, 12)))
def test_a_text_stops_where_it_stops_however_it_comes(text: str, stops: list[str], cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    found, said, stopped = Stops(stops), "", False
    for begin, end in pairwise(places):
        piece, stopped = found.take(text[begin:end])
        said += piece
        if stopped:
            break
        assert said + found.held == text[:end]
        assert not found.held or any(stop.startswith(found.held) and stop != found.held for stop in stops), (
            "more is held back than may begin a stop string"
        )
    assert (said + ("" if stopped else found.held), stopped) == _until_stop(text, stops)
