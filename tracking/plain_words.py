"""Telling names that people give (to folders, models, runs) from letters that were drawn at random."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"[-_./=]+")
_WORD = re.compile(r"(?P<letters>[A-Za-z]+)\d{0,4}")  # seed0, gpt2, run2024
_SHORT = re.compile(r"\d{1,8}[A-Za-z]{0,2}|[a-z\d]{1,6}")  # 20241105, 33M, 3e, v2, 8x7b, a100
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_UNSPEAKABLE = re.compile(r"[^aeiouy]{6}", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_LONGEST_WORD = 20
_ABBREVIATION = 4  # letters that may go without a vowel: sst, gpt, http
_LETTERS_OF_A_HUMP = 5  # on the average, as DistilBert has; two where letters were drawn


def reads_as_words(text: str) -> bool:
    """Whether `text` is two words or more, with numbers and short marks among them: `sk-distilbert-base-v2`,
    `DistilBertForSequenceClassification`, `ablation-lr3e-05-seed0`.

    Half of its letters and 40 % of all have to be of words that can be spoken. One part that is neither word, number
    nor mark is a no.
    """
    parts = [part for part in _BETWEEN.split(text) if part]
    spoken, words = 0, 0
    for part in parts:
        word = _WORD.fullmatch(part)
        humps = _HUMP.findall(word["letters"]) if word else []
        if humps and _are_words(humps):
            of_words = [hump for hump in humps if len(hump) > 3 and _VOWEL.search(hump)]
            spoken += sum(map(len, of_words))
            words += len(of_words)
        elif _SHORT.fullmatch(part) is None:
            return False
    letters = len(re.findall("[A-Za-z]", text))
    return words > 1 and spoken >= max(letters / 2, 0.4 * sum(map(len, parts)))


def _are_words(humps: list[str]) -> bool:
    if len(humps) > 1 and (
        min(map(len, humps)) < 3 or sum(map(len, humps)) < _LETTERS_OF_A_HUMP * len(humps)
    ):
        return False
    return all(len(hump) <= _ABBREVIATION or _can_be_spoken(hump) for hump in humps)


def _can_be_spoken(word: str) -> bool:
    return len(word) <= _LONGEST_WORD and bool(_VOWEL.search(word)) and not _UNSPEAKABLE.search(word)
