"""The bundled corpora: the same everywhere, sound in themselves, and as hard as they claim to be."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stories.names import names_in_both_halves
from analysis.stories.story_quality import JudgedStory, story_quality
from analysis.stories.training_text import TrainingText
from datamodules.bundled.draw import Draw
from datamodules.bundled.review_words import DOMAINS, LEXICONS
from datamodules.bundled.reviews import Review, generate_reviews
from datamodules.bundled.stories import PLOTS, generate_stories
from datamodules.bundled.story_words import FRIENDS, HEROES, SHE
from errors import UserError

SMALL = {"train": 120, "validation": 40}
seeds = st.integers(-(2**40), 2**40)

DIGESTS = {
    ("reviews", "train"): "c27b835443184a4151aa80946b4dfcd2e8e9a68874fac75e75865259777ae751",
    ("reviews", "validation"): "daafa8690d4b49e51d83f1ff3763348978e6020fed3b76d2e519e3f8ab4c3c58",
    ("stories", "train"): "0a0d3020f585df4d69dc2dc089b05eb1672034c13dfdfc307a739c2d45a11057",
    ("stories", "validation"): "40c7565f999e7cb3302870cdac90a17ff38181dccadce9b3faba60625754e5bf",
}


@pytest.fixture(scope="module")
def reviews() -> dict[str, list[Review]]:
    return generate_reviews()


def test_default_corpora_are_the_same_bytes_on_every_machine(reviews: dict[str, list[Review]]) -> None:
    """A change here changes every recipe that uses the corpora: it must be meant."""
    corpora = {"reviews": reviews, "stories": generate_stories()}
    found = {
        (name, split): hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
        for name, splits in corpora.items()
        for split, rows in splits.items()
    }
    assert found == DIGESTS


@settings(deadline=None, max_examples=15)
@given(seeds)
def test_a_seed_gives_one_corpus_and_another_seed_another(seed: int) -> None:
    for generate, key in ((generate_reviews, "sentence"), (generate_stories, "text")):
        splits = generate(seed, SMALL)
        assert splits == generate(seed, SMALL)
        assert splits != generate(seed + 1, SMALL)
        # More rows are the same rows and then some.
        assert generate(seed, {"train": 30})["train"] == splits["train"][:30]
        texts = [row[key] for rows in splits.values() for row in rows]
        assert len(set(texts)) == len(texts) == 160


@pytest.mark.parametrize("generate", [generate_reviews, generate_stories])
def test_a_negative_size_is_refused_in_one_line(generate) -> None:
    with pytest.raises(UserError, match="-1 rows"):
        generate(0, {"train": -1})


@given(seeds, st.lists(st.integers(), min_size=1, max_size=8, unique=True))
def test_draws_are_uniform_enough_and_never_leave_their_items(seed: int, items: list[int]) -> None:
    draw = Draw("test", seed)
    assert {draw.pick(items) for _ in range(200)} == set(items)
    assert sorted(draw.several(items, len(items))) == sorted(items)


@settings(deadline=None, max_examples=15)
@given(seeds)
def test_reviews_are_balanced_and_short(seed: int) -> None:
    for rows in generate_reviews(seed, {"train": 121, "validation": 40}).values():
        assert abs(sum(row["label"] for row in rows) - len(rows) / 2) <= 0.5
        assert all(5 <= len(row["sentence"].split()) <= 25 for row in rows)
        assert all(re.fullmatch(r"[A-Z][\w ,;'.]+\.", row["sentence"]) for row in rows)


def test_no_review_is_in_two_splits(reviews: dict[str, list[Review]]) -> None:
    train, validation = ({row["sentence"].lower() for row in reviews[split]} for split in reviews)
    assert (len(train), len(validation)) == (6000, 1000)
    assert not train & validation


# A reader of its own for the labels: word polarity, turned once for every word of negation, after the
# idioms in which a negation negates nothing are taken out.
WORD_POLARITY = {
    word: label
    for label, lexicon in enumerate(LEXICONS)
    for word in (
        *lexicon.adjectives,
        *lexicon.nouns,
        *(form for forms in lexicon.verbs for form in forms),
        *(adjective for domain in DOMAINS for adjective in domain.adjectives[label]),
    )
} | {"better": 1, "worse": 0}
IDIOMS = r"could not be more|could not help but|nothing short of|nothing if not|never seen a more"
NEGATIONS = (
    r"\b(not|no|never|nobody|nothing|anything but|far from|barely|hardly|less|denying|fails|hard|wrong"
    r"|would have been|might have been)\b"
)


def read_claim(claim: str) -> int:
    polarities = {WORD_POLARITY[word] for word in re.findall(r"\w+", claim) if word in WORD_POLARITY}
    assert len(polarities) == 1, claim
    turns = len(re.findall(NEGATIONS, re.sub(IDIOMS, "", claim)))
    return polarities.pop() ^ (turns % 2)


def read_review(sentence: str) -> set[int]:
    """What each claim that counts says: one element when the review is unambiguous."""
    body = sentence.lower().rstrip(".").split(". ")[-1]
    if found := re.fullmatch(r"(?:although|even though) .*?, (.*)", body):
        return {read_claim(found[1])}
    if found := re.fullmatch(r"(.*?), (?:although|even though) .*", body):
        return {read_claim(found[1])}
    if found := re.fullmatch(r".*?, (?:but|yet) (.*)", body):
        return {read_claim(found[1])}
    return {read_claim(part) for part in re.split(r"; |, and on top of that |, and ", body)}


def test_every_label_is_what_the_sentence_says(reviews: dict[str, list[Review]]) -> None:
    wrong = [
        row for rows in reviews.values() for row in rows if read_review(row["sentence"]) != {row["label"]}
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("The plot is dull, but the acting is far from poor.", 1),
        ("Even though I loved the cast, the ending is no better than I feared.", 0),
        ("Nobody can say that the hinge is not sturdy.", 1),
        ("I use it every day. The strap would have been superb in another size.", 0),
        ("The lid could not be more flimsy, although the handle is not bad.", 0),
    ],
)
def test_the_reader_of_labels_reads_as_a_person_does(sentence: str, label: int) -> None:
    assert read_review(sentence) == {label}


@pytest.mark.parametrize(("longest", "at_most"), [(1, 0.82), (2, 0.85)])
def test_words_alone_do_not_tell_the_label(
    reviews: dict[str, list[Review]], longest: int, at_most: float
) -> None:
    """Measured: 68.3 % from words, 75.7 % from words and pairs of words."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = {split: [row["sentence"] for row in rows] for split, rows in reviews.items()}
    labels = {split: [row["label"] for row in rows] for split, rows in reviews.items()}
    model = make_pipeline(CountVectorizer(ngram_range=(1, longest)), LogisticRegression(C=0.3, max_iter=500))
    model.fit(texts["train"], labels["train"])
    assert 0.6 <= model.score(texts["validation"], labels["validation"]) <= at_most


@pytest.mark.slow
def test_a_small_transformer_learns_the_rule(reviews: dict[str, list[Review]]) -> None:
    """DistilBERT of 2 layers and 64 dimensions from scratch, 752 steps. Measured: 97 %."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # The bits depend on it.
    try:
        assert train_and_score(reviews) >= 0.93
    finally:
        torch.set_num_threads(threads)


def train_and_score(reviews: dict[str, list[Review]]) -> float:
    import torch
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    encoded = encode(reviews)
    torch.manual_seed(0)
    model = DistilBertForSequenceClassification(
        DistilBertConfig(
            vocab_size=400, dim=64, hidden_dim=256, n_layers=2, n_heads=4, max_position_embeddings=40,
            dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0, initializer_range=0.05,
        )
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    batches = [batch for epoch in range(4) for batch in group(encoded["train"], epoch)]
    warm, total = len(batches) // 10, len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (total - step) / (total - warm))
    )
    model.train()
    for batch in batches:
        model(**pad(batch)).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()
    inputs = pad(encoded["validation"])
    with torch.no_grad():
        guesses = model(**inputs).logits.argmax(-1)
    return float((guesses == inputs["labels"]).float().mean())


def encode(reviews: dict[str, list[Review]]) -> dict[str, list[tuple[list[int], int]]]:
    """Words as numbers, 0 for padding, 1 for words that train lacks, 2 in front as [CLS]."""
    pieces = {
        split: [re.findall(r"\w+|[^\w\s]", row["sentence"].lower()) for row in rows]
        for split, rows in reviews.items()
    }
    numbers = {word: 3 + i for i, word in enumerate(sorted({w for row in pieces["train"] for w in row}))}
    return {
        split: [
            ([2, *(numbers.get(word, 1) for word in words)], row["label"])
            for words, row in zip(pieces[split], rows, strict=True)
        ]
        for split, rows in reviews.items()
    }


def group(rows: list[tuple[list[int], int]], epoch: int, size: int = 32):
    """Batches of about one length, in drawn order."""
    draw = Draw("batches", epoch)
    ordered = sorted(draw.several(rows, len(rows)), key=lambda row: len(row[0]))
    batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    return draw.several(batches, len(batches))


def pad(rows: list[tuple[list[int], int]]):
    import torch

    longest = max(len(ids) for ids, _ in rows)
    ids_BL = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows])
    labels_B = torch.tensor([label for _, label in rows])
    return {"input_ids": ids_BL, "attention_mask": (ids_BL != 0).long(), "labels": labels_B}


NAMES = {name: pronouns for name, _, pronouns in (*HEROES, *FRIENDS)}
NAME = re.compile(rf"\b(?:{'|'.join(NAMES)})\b")


@settings(deadline=None, max_examples=15)
@given(seeds)
def test_stories_keep_to_their_characters_and_come_to_an_end(seed: int) -> None:
    for row in generate_stories(seed, {"train": 60})["train"]:
        text = row["text"]
        assert 80 <= len(text.split()) <= 140
        assert "<|endoftext|>" not in text
        assert "{" not in text
        assert text.endswith((".", '!"'))
        sentences = re.split(r"(?<=[.!?])\s", text)
        named = Counter(NAME.findall(text))
        # Two of them, brought in at the start, there at the end, and nobody else.
        assert len(named) == 2
        assert set(NAME.findall(" ".join(sentences[:2]))) == set(named)
        assert set(NAME.findall(sentences[-1])) == set(named)
        assert named[NAME.findall(text)[0]] >= 3
        assert names_in_both_halves(text, {name.lower() for name in NAMES}) == (2, 2)


def test_a_hero_is_he_or_she_and_one_kind_of_animal_throughout() -> None:
    kinds = {kind for _, kind, _ in (*HEROES, *FRIENDS)}
    for row in generate_stories(0, {"train": 500})["train"]:
        told = re.sub(r'"[^"]*"', "", row["text"])
        hero, friend = dict.fromkeys(NAME.findall(told))
        other = r"\b(he|his|him)\b" if NAMES[hero] == SHE else r"\b(she|her)\b"
        assert not re.search(other, told, re.IGNORECASE), told
        wanted = {kind for name, kind, _ in (*HEROES, *FRIENDS) if name in (hero, friend)}
        assert kinds.intersection(told.split(".")[0].replace(",", "").split()) <= wanted


def test_every_plot_is_told_in_many_ways() -> None:
    splits = {split: [row["text"] for row in rows] for split, rows in generate_stories().items()}
    stories = splits["train"]
    openings = Counter(" ".join(text.split()[-6:]) for text in stories)
    assert max(openings.values()) < len(stories) / 8
    for plot in PLOTS:
        ways = 1
        for choices in (*plot.tables, *plot.middle, *plot.ending):
            ways *= len(choices)
        assert ways >= 300
    # No two stories share more than the odd run of sentences: few eight-word runs are everywhere.
    runs = Counter(run for text in stories for run in eight_word_runs(text))
    assert max(runs.values()) < len(stories) / 6
    # Half of what a story says in thirteen words on end, no other one has said: measured 42 % that another has.
    training = TrainingText.read(stories, splits["validation"])
    held_out = story_quality(
        [JudgedStory(text, ended=True) for text in splits["validation"]], training, max_copied=1
    )
    assert held_out["copied_13grams"] < 0.45
    assert held_out["coherent"] == held_out["names_kept"] == 1


def eight_word_runs(text: str) -> set[str]:
    words = text.split()
    return {" ".join(words[start : start + 8]) for start in range(len(words) - 7)}
