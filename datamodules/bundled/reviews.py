"""Short reviews of films and products whose label follows from how the sentence is put together.

A *claim* is one clause about one subject. Its frame either keeps the polarity of the word in it ("could
not be more dull" is as negative as "dull") or turns it round ("anything but dull"). A review joins one
or two claims; in a contrast the two disagree and the position decides: what follows "but", or the main
clause beside "although". Words alone are thus a weak clue, as in the phrases of the Stanford treebank
(Socher et al. 2013, https://aclanthology.org/D13-1170/), while the rule can be learned from scratch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypedDict

from datamodules.bundled.draw import Draw, check_sizes
from datamodules.bundled.review_words import AFTER_NOT, DOMAINS, INTENSIFIERS, LEXICONS, Domain

DEFAULT_SIZES: Mapping[str, int] = MappingProxyType({"train": 6000, "validation": 1000})
MIN_WORDS, MAX_WORDS = 5, 25


class Review(TypedDict):
    """`label`: 0 negative, 1 positive, as in SST-2."""

    sentence: str
    label: int


# Slots: {s} the subject, {thing} what is reviewed, {other} an expectation, {remedy} what might have been
# otherwise, {very} and {that} as in the word list, {adj}, {a_noun}, {verb} and {liked} from the lexicon.
PLAIN = (
    "{s} is {adj}",
    "{s} is {very} {adj}",
    "{s} feels {very} {adj}",
    "I found {s} {very} {adj}",
    "{s} was {adj} from start to finish",
    "{s} turned out to be {adj}",
    "{s} is {a_noun}",
    "I {liked} {s}",
    "we both {liked} {s}",
)
# Here the words of negation negate nothing, or each other.
KEEPING = (
    "{s} could not be more {adj}",
    "nobody can say that {s} is not {adj}",
    "{s} is never anything but {adj}",
    "{s} is every bit as {adj} as {other}",
    "I could not help but {verb} {s}",
    "{s} is nothing short of {adj}",
)
TURNING = (
    "{s} is not {that} {adj}",
    "{s} is not at all {adj}",
    "{s} is anything but {adj}",
    "{s} is far from {adj}",
    "I did not find {s} {adj}",
    "I did not {verb} {s}",
    "{s} would have been {adj} {remedy}",
    "{s} is less {adj} than {other}",
)
# Rare on purpose: a few dozen examples of each, so that no model gets every review right.
RARELY_KEEPING = (
    "there is no denying that {s} is {adj}",
    "it is hard not to {verb} {s}",
    "{s} is nothing if not {adj}",
    "{s} never fails to be {adj}",
    "I have never seen a more {adj} {thing}",
    "{s} is no less {adj} than {other}",
)
RARELY_TURNING = (
    "nobody could call {s} {adj}",
    "there is nothing {adj} about {s}",
    "{s} is barely {adj}",
    "{s} is hardly {a_noun}",
    "those who call {s} {adj} are wrong",
    "{s} is not nearly as {adj} as {other}",
    "it is hard to {verb} {s}",
    "{s} is by no means {a_noun}",
    "{s} might have been {a_noun} {remedy}",
)
# {first} disagrees with the label, {main} decides it.
CONTRASTS = (
    "{first}, but {main}",
    "{first}, but {main}",
    "{first}, yet {main}",
    "although {first}, {main}",
    "even though {first}, {main}",
    "{main}, although {first}",
)
AGREEMENTS = ("{first}, and {main}", "{first}; {main}", "{first}, and on top of that {main}")
# Comparisons that carry their own polarity: (negative, positive).
COMPARISONS = (
    ("{s} is no better than I feared", "{s} is better than I feared"),
    ("{s} is worse than I hoped", "{s} is no worse than I hoped"),
    ("{s} is not as good as I hoped", "{s} is not as bad as I feared"),
)

# Of the claims: what is left is plain.
SHARE_COMPARISON, SHARE_TURNING, SHARE_KEEPING, SHARE_RARE = 0.04, 0.20, 0.07, 0.04
# Of the reviews.
SHARE_CONTRAST, SHARE_AGREEMENT, SHARE_OPENING = 0.20, 0.12, 0.10


def generate_reviews(seed: int = 0, sizes: Mapping[str, int] = DEFAULT_SIZES) -> dict[str, list[Review]]:
    """Write the splits named in `sizes`, in that order; no sentence occurs twice, within or across splits.

    The labels of a split are balanced to within one row. Raises `UserError` for a negative size.
    """
    check_sizes(sizes)
    seen: set[str] = set()
    return {split: _write_split(Draw(f"reviews/{split}", seed), size, seen) for split, size in sizes.items()}


def _write_split(draw: Draw, size: int, seen: set[str]) -> list[Review]:
    rows: list[Review] = []
    label = 0
    for index in range(size):
        # Labels come in pairs of opposites, in drawn order: balanced in every prefix.
        label = draw.below(2) if index % 2 == 0 else 1 - label
        rows.append(Review(sentence=_write_unseen(draw, label, seen), label=label))
    return rows


def _write_unseen(draw: Draw, label: int, seen: set[str]) -> str:
    """A review that was not written before; there are billions, so this ends."""
    while True:
        sentence = write_review(draw, label)
        if sentence not in seen and MIN_WORDS <= len(sentence.split()) <= MAX_WORDS:
            seen.add(sentence)
            return sentence


def write_review(draw: Draw, label: int) -> str:
    """One review of polarity `label`: an opening perhaps, then one claim or two that are joined."""
    domain = draw.pick(DOMAINS)
    thing = draw.pick(domain.things)
    joint, first_label = _draw_joint(draw, label)
    subjects = [f"the {aspect}" for aspect in draw.several(domain.aspects, 2)]
    if draw.chance(0.4):
        whole = draw.pick((f"this {thing}", f"the {thing}", "it"))
        subjects[draw.below(2)] = whole
    first, main = (
        write_claim(draw, polarity, domain, thing, subject)
        for polarity, subject in zip((first_label, label), subjects, strict=True)
    )
    body = joint.format(first=first, main=main)
    opening = f"{draw.pick(domain.openings)}. " if draw.chance(SHARE_OPENING) else ""
    return f"{opening}{body[0].upper()}{body[1:]}."


def _draw_joint(draw: Draw, label: int) -> tuple[str, int]:
    """How the claims are joined, and the polarity of the one that does not decide."""
    share = draw.below(100) / 100
    if share < SHARE_CONTRAST:
        return draw.pick(CONTRASTS), 1 - label
    if share < SHARE_CONTRAST + SHARE_AGREEMENT:
        return draw.pick(AGREEMENTS), label
    return "{main}", label


def write_claim(draw: Draw, label: int, domain: Domain, thing: str, subject: str) -> str:
    """One clause that says `label` of `subject`."""
    share = draw.below(100) / 100
    rare = draw.chance(SHARE_RARE / (SHARE_TURNING + SHARE_KEEPING))
    if share < SHARE_COMPARISON:
        return draw.pick(COMPARISONS)[label].format(s=subject)
    if share < SHARE_COMPARISON + SHARE_TURNING:
        frames, polarity = (RARELY_TURNING if rare else TURNING), 1 - label
    elif share < SHARE_COMPARISON + SHARE_TURNING + SHARE_KEEPING:
        frames, polarity = (RARELY_KEEPING if rare else KEEPING), label
    else:
        frames, polarity = PLAIN, label
    return fill(draw, draw.pick(frames), polarity, domain, thing, subject)


def fill(draw: Draw, frame: str, polarity: int, domain: Domain, thing: str, subject: str) -> str:
    """Put words of `polarity` and neutral ones into the slots of `frame`."""
    lexicon = LEXICONS[polarity]
    verb, liked = draw.pick(lexicon.verbs)
    return frame.format(
        s=subject,
        thing=thing,
        adj=draw.pick((*lexicon.adjectives, *domain.adjectives[polarity])),
        a_noun=f"a {draw.pick(lexicon.nouns)}",
        verb=verb,
        liked=liked,
        very=draw.pick(INTENSIFIERS),
        that=draw.pick(AFTER_NOT),
        remedy=draw.pick(domain.remedies),
        other=draw.pick(domain.others),
    )
