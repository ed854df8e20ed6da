from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stories.words import ends_a_sentence, words_of
from benchmarks.broken_stories import sentences_of

TEXTS = st.text(alphabet="abZ .!?'\"\u201c\u201d\u2019\n-1", max_size=60)


def test_words_are_lower_case_runs_with_apostrophes_inside() -> None:
    text = "Don\u2019t go, \u2018Lily\u2019! It's Tim's well-worn hat_3 \u2014 \u201cOh\u201d, 'no' he said... Zoë"
    assert " ".join(words_of(text)) == "don't go lily it's tim's well worn hat 3 oh no he said zoë"


def test_sentences_keep_their_closing_quotes_and_go_on_behind_a_question() -> None:
    text = '"Why?" asked Tim. "I do not know!"  Mom said. (She did.)\nThey left... and then'
    assert sentences_of(text) == [
        '"Why?" asked Tim.',
        '"I do not know!"',
        "Mom said.",
        "(She did.)",
        "They left... and then",
    ]


@given(TEXTS)
def test_sentences_have_the_words_of_the_text(text: str) -> None:
    assert [word for sentence in sentences_of(text) for word in words_of(sentence)] == words_of(text)


@pytest.mark.parametrize(
    "text", ["He left.", 'He said, "Go!"', "Why?\u201d \n", "(The end.)", "Well\u2026", "*Bye!*", "'No.'"]
)
def test_a_sentence_ends_behind_its_quotes_and_brackets(text: str) -> None:
    assert ends_a_sentence(text)


@pytest.mark.parametrize("text", ["", "He", "He said,", 'He said: "', "The End", "one. two", "a;", '"'])
def test_other_text_does_not_end_a_sentence(text: str) -> None:
    assert not ends_a_sentence(text)
