"""The words that the bundled reviews are made of; `reviews.py` says how they are put together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lexicon:
    """Words of one polarity. `verbs` are pairs (base form, past form)."""

    adjectives: tuple[str, ...]
    nouns: tuple[str, ...]
    verbs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Domain:
    """What a review can be about. `adjectives` fit only there: one tuple per label.

    `openings` are neutral first sentences, `remedies` end "would have been good ...", `others` end
    "better than ..."; each serves both labels alike, so that none of them gives the label away.
    """

    things: tuple[str, ...]
    aspects: tuple[str, ...]
    adjectives: tuple[tuple[str, ...], tuple[str, ...]]
    openings: tuple[str, ...]
    remedies: tuple[str, ...]
    others: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NEGATIVE = Lexicon(
    adjectives=_words(
        "awful terrible dreadful poor disappointing clumsy bad weak shoddy horrible mediocre sloppy "
        "annoying frustrating"
    ),
    nouns=("disaster", "mess", "failure", "letdown"),
    verbs=(("hate", "hated"), ("dislike", "disliked"), ("resent", "resented"), ("loathe", "loathed")),
)

POSITIVE = Lexicon(
    adjectives=_words(
        "brilliant superb wonderful excellent delightful good great clever lovely impressive splendid "
        "solid satisfying remarkable"
    ),
    nouns=("triumph", "joy", "delight", "success"),
    verbs=(("love", "loved"), ("enjoy", "enjoyed"), ("admire", "admired"), ("adore", "adored")),
)

# Index = label.
LEXICONS = (NEGATIVE, POSITIVE)

FILMS = Domain(
    things=_words(
        "film movie sequel drama comedy thriller documentary remake western musical series cartoon"
    ),
    aspects=(
        *_words(
            "acting plot dialogue pacing soundtrack ending script humour editing cast villain romance "
            "opening finale music casting story direction lighting narration twist"
        ),
        "lead actor",
        "camera work",
        "second half",
        "final scene",
        "middle part",
    ),
    adjectives=(
        ("boring", "dull", "predictable", "wooden", "shallow"),
        ("gripping", "moving", "witty", "thrilling", "memorable"),
    ),
    openings=(
        "I watched it twice",
        "We saw it on a Sunday",
        "My sister picked it",
        "I saw it on a long flight",
        "We rented it last night",
        "I went in knowing nothing",
        "We caught the late show",
    ),
    remedies=(
        "with another director",
        "with a different cast",
        "in other hands",
        "at half the length",
        "without the last twenty minutes",
        "if the studio had changed its mind",
    ),
    others=("the critics said", "the trailer suggested", "my friends had told me", "the poster claimed"),
)

PRODUCTS = Domain(
    things=_words(
        "kettle backpack lamp blender phone camera tent jacket speaker keyboard chair toaster heater "
        "watch drill printer"
    ),
    aspects=(
        *_words(
            "battery screen sound packaging manual hinge app strap motor handle charger cable lid finish "
            "casing software zip display switch stitching"
        ),
        "power button",
        "control panel",
        "build quality",
        "customer service",
    ),
    adjectives=(
        ("flimsy", "unreliable", "fragile", "awkward", "useless"),
        ("sturdy", "reliable", "handy", "practical", "durable"),
    ),
    openings=(
        "I bought it in March",
        "I use it every day",
        "My brother gave it to me",
        "We ordered it in the sales",
        "It arrived on a Monday",
        "I have had it for a month",
        "We took it on holiday",
    ),
    remedies=(
        "with a different motor",
        "from another supplier",
        "in another size",
        "at half the weight",
        "without the latest update",
        "if the makers had kept the old design",
    ),
    others=("the advert said", "the box suggested", "my friends had told me", "the shop claimed"),
)

DOMAINS = (FILMS, PRODUCTS)

# {very} strengthens an adjective; {that} stands between "not" and an adjective and leaves "not" its force.
INTENSIFIERS = ("very", "really", "truly", "quite", "so", "thoroughly", "genuinely", "remarkably")
AFTER_NOT = ("very", "really", "particularly", "especially", "all that", "exactly")
