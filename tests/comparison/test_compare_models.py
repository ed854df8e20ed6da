"""Models held against one another, by answers that a test decides."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.mlflow_server import MlflowServer
from comparison.compare_models import compare_models
from comparison.results import Comparison
from errors import UserError
from scoring.paired import mcnemar_mid_p, paired_interval
from tests.comparison.made_runs import LABELS, Made, Rows, make, reviews, spoilt, stories
from tracking.store import Store

ROWS = 400


def right(share: float = 0.9, rows: int = ROWS, seed: int = 0) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(rows) < share


def compared(store: Store, *runs: Made, rows: Rows | None = None, **settings: Any) -> Comparison:
    rows = rows or reviews(len(np.atleast_1d(runs[0].right)))
    return compare_models(store, [make(store, rows, run) for run in runs], **settings)


def test_the_verdict_rests_on_the_rows_that_one_alone_answers_right(store: Store) -> None:
    one = right()
    found = compared(store, Made(one), Made(spoilt(one, lost=3, won=25)))
    (pair,) = found.pairs
    assert (pair.flips.lost, pair.flips.won, pair.flips.other) == (3, 25, 0) if pair.flips else False
    assert pair.verdict == "better"
    assert pair.difference.value == pytest.approx(22 / ROWS)
    assert (pair.difference.low, pair.difference.high) == paired_interval(3, 25, ROWS)
    assert pair.p == pair.p_holm == mcnemar_mid_p(3, 25)
    assert pair.sentence.startswith(
        f"{pair.b} is better than {pair.a} on these 400 rows by 5.50 points (95 % interval"
    )
    assert pair.detectable is not None
    assert pair.needed is None
    assert [side.rank for side in found.sides] == [2, 1]
    assert [side.tied for side in found.sides] == [False, True]


def test_swapping_the_two_mirrors_all_of_it(store: Store) -> None:
    rows, one = reviews(ROWS), right()
    ids = [make(store, rows, run) for run in (Made(one), Made(spoilt(one, lost=20, won=12), sure=1.5))]
    there, back = (compare_models(store, names).pairs[0] for names in (ids, ids[::-1]))
    assert (back.a, back.b) == (there.b, there.a)
    assert back.difference.value == -there.difference.value
    assert back.difference.low == pytest.approx(-(there.difference.high or 0))
    assert (back.p, back.detectable, back.needed) == (there.p, there.detectable, there.needed)
    assert there.loss is not None
    assert back.loss is not None
    assert back.loss.p == pytest.approx(there.loss.p)
    assert back.loss.difference.low == pytest.approx(-(there.loss.difference.high or 0))
    assert there.flips is not None
    assert back.flips is not None
    assert (back.flips.lost, back.flips.won) == (there.flips.won, there.flips.lost)


def test_the_order_of_the_rows_does_not_matter(store: Store) -> None:
    rows, one, other = reviews(ROWS), right(), right(0.85, seed=3)
    order = np.random.default_rng(7).permutation(ROWS)
    first, plain = (make(store, rows, Made(answers)) for answers in (one, other))
    mixed = make(store, rows.take(order.tolist()), Made(other[order]))
    straight, shuffled = (compare_models(store, [first, name]).pairs[0] for name in (plain, mixed))
    assert replace(shuffled, b="", sentence="", loss=None) == replace(straight, b="", sentence="", loss=None)
    assert shuffled.loss is not None
    assert straight.loss is not None
    assert shuffled.loss.difference.value == pytest.approx(straight.loss.difference.value)


def test_of_other_rows_those_in_common_are_compared_and_the_rest_is_told(store: Store) -> None:
    rows, one = reviews(ROWS), right()
    part = [*range(300, ROWS), *range(100)]
    names = [
        make(store, rows, Made(one)),
        make(store, rows.take(part), Made(spoilt(one, lost=9, won=3)[part])),
    ]
    found = compare_models(store, names)
    assert found.rows == 200
    assert [side.left_out for side in found.sides] == [200, 0]
    assert any("answered 200 more rows" in note for note in found.notes)
    whole = np.array(part)
    assert found.sides[0].score.value == pytest.approx(one[whole].mean())


def test_copies_of_a_row_count_as_often_as_both_have_them(store: Store) -> None:
    rows = reviews(30)
    twice = rows.take([*range(30), 0, 0, 1])
    once = rows.take([*range(30), 0, 2])
    names = [make(store, twice, Made([True] * 33)), make(store, once, Made([True] * 31 + [False]))]
    found = compare_models(store, names)
    assert found.rows == 31  # all thirty, and row 0 once more
    assert found.copies == 1
    assert any("copies" in note for note in found.notes)


def test_rows_that_share_a_checksum_by_chance_are_not_one(store: Store) -> None:
    """CRC-32 of two rows with their labels, found by search."""
    one, other = colliding()
    rows, others = (Rows((text, "a row that both have", "and another"), (0, 1, 0)) for text in (one, other))
    assert rows.split.checksums[0] == others.split.checksums[0]
    found = compare_models(
        store, [make(store, rows, Made([True] * 3)), make(store, others, Made([True] * 3))]
    )
    assert found.rows == 2


def colliding() -> tuple[str, str]:
    known: dict[int, str] = {}
    for number in range(1_000_000):
        text = hashlib.sha256(str(number).encode()).hexdigest()[:16]
        code = zlib.crc32(f"0\0{text}".encode())
        if code in known:
            return known[code], text
        known[code] = text
    raise AssertionError("two of a million share one of 2^32 checksums")


def test_few_rows_that_differ_give_an_interval_and_no_better(store: Store) -> None:
    one = right()
    found = compared(store, Made(one), Made(spoilt(one, lost=9, won=0)))
    (pair,) = found.pairs
    assert pair.verdict == "cannot tell"
    assert (pair.p, pair.p_holm) == (None, None)
    assert pair.difference.low is not None
    assert any("fewer than 10" in note for note in found.notes)


def test_with_a_margin_of_zero_nothing_is_the_same(store: Store) -> None:
    one = right()
    rows = reviews(ROWS)
    names = [make(store, rows, Made(one)), make(store, rows, Made(one, seed=1))]
    assert compare_models(store, names, margin=0.05).pairs[0].verdict == "the same"
    assert compare_models(store, names, margin=0.0).pairs[0].verdict == "cannot tell"
    for margin in (-0.1, 1.5):
        with pytest.raises(UserError, match="is no margin"):
            compare_models(store, names, margin=margin)


def test_of_many_those_are_tied_that_cannot_be_told_from_the_best(store: Store) -> None:
    one = right()
    runs = [Made(spoilt(one, lost=60, won=0)), Made(one), Made(spoilt(one, lost=12, won=8))]
    found = compared(store, *runs)
    assert [side.rank for side in found.sides] == [1, 2, 3]
    assert [side.tied for side in found.sides] == [True, True, False]
    assert len(found.pairs) == 3
    alone, together = (
        sorted(pair.p or 0 for pair in found.pairs),
        [pair.p_holm or 0 for pair in found.pairs],
    )
    assert max(together) >= max(alone)
    assert found.sides[2].p == pytest.approx(min(1, 3 * min(alone)), rel=1e-6) or found.sides[
        2
    ].p == pytest.approx(2 * sorted(alone)[1], rel=1e-6)


def test_an_export_is_held_against_its_own_run(store: Store) -> None:
    one = right()
    run = make(store, reviews(ROWS), Made(one, int8_right=spoilt(one, lost=4, won=2)))
    found = compare_models(store, [run], variant="int8")
    assert [side.label for side in found.sides] == [run[:8], f"{run[:8]}@int8"]
    assert found.pairs[0].flips is not None
    assert (found.pairs[0].flips.lost, found.pairs[0].flips.won) == (4, 2)
    again = compare_models(store, [run, f"{run[:12]}@int8"])
    assert asdict(again.pairs[0]) == asdict(found.pairs[0])


def test_exports_are_held_against_each_other(store: Store) -> None:
    one = right()
    runs = [Made(one, int8_right=one), Made(one, seed=1, int8_right=spoilt(one, lost=30, won=1))]
    found = compared(store, *runs, variant="int8")
    assert [side.variant for side in found.sides] == ["int8", "int8"]
    assert found.pairs[0].verdict == "worse"


def test_language_models_are_compared_by_bits_per_byte_over_stories(store: Store) -> None:
    rows = stories(200)
    generator = np.random.default_rng(0)
    sizes = np.array([len(text) for text in rows.texts])
    base = sizes * generator.normal(1.0, 0.1, 200)
    runs = [Made(nll=base, experiment="tinystories"), Made(nll=base * 0.98, experiment="tinystories", seed=1)]
    found = compared(store, *runs, rows=rows)
    (pair,) = found.pairs
    assert found.metric == "bits_per_byte"
    assert pair.verdict == "better"  # fewer bits
    assert pair.difference.value == pytest.approx(-0.02 * base.sum() / np.log(2) / sizes.sum())
    assert pair.flips is None
    assert found.best.rank == 1
    assert found.best.label == pair.b


def test_details_show_where_two_differ(store: Store) -> None:
    one = right()
    found = compared(store, Made(one), Made(spoilt(one, lost=14, won=6)), whole=True)
    details = found.details
    assert details is not None
    assert (len(details.only_a), len(details.only_b)) == (10, 6)
    assert all(example.answers[0] == example.label != example.answers[1] for example in details.only_a)
    assert all(example.text == f"row number {example.row}" for example in details.only_a)
    assert all(example.label not in example.answers for example in details.hardest[:5])
    assert sum(map(sum, details.confusion[0].counts)) == ROWS
    assert {one.name for one in details.slices} >= {
        "shortest fifth",
        "label a negative",
        "least sure fifth",
    }
    assert 0 <= details.calibration[0].ece.null_low <= details.calibration[0].ece.null_high
    assert details.label_names == LABELS


def test_a_model_that_is_no_better_than_the_commonest_label_is_said_to_be(store: Store) -> None:
    labels = np.asarray(reviews(ROWS).labels)
    guess = labels == np.bincount(labels).argmax()
    found = compared(store, Made(right()), Made(guess))
    (note,) = (note for note in found.notes if "always answering" in note)
    share = 100 * guess.mean()
    assert note.startswith(found.pairs[0].b + ":")
    assert f"right for {share:.2f} % of these rows" in note
    assert not any("always answering" in note for note in compared(store, Made(right()), Made(right())).notes)


def test_looks_count_each_training_that_was_scored_once(store: Store) -> None:
    rows, one = reviews(ROWS), right()
    first = make(store, rows, Made(one))
    second = make(store, rows, Made(one, seed=1))
    make(store, rows, Made(one, tags={"encore.reuses": first}))
    make(store, rows, Made(one, tags={"encore.reproduces": first}))
    make(store, rows, Made(one, status="KILLED", reason="pruned"))
    looks = compare_models(store, [first, second]).looks
    assert looks is not None
    assert looks.runs == 3, "a pruned run's score was seen, too"


def test_what_cannot_be_compared_is_refused_in_words(store: Store) -> None:
    rows, one = reviews(ROWS), right()
    first = make(store, rows, Made(one))
    other_rows = make(store, reviews(ROWS, name="elsewhere"), Made(one))
    pruned = make(store, rows, Made(one, status="KILLED", reason="pruned"))
    writer = make(store, stories(9), Made(nll=np.ones(9), experiment="tinystories"))
    for names, said in (
        ([first, other_rows], "has no row in common"),
        ([first, pruned], "was pruned"),
        ([first, writer], "is of the task"),
        ([first, first[:10]], "is named twice"),
        ([first], "there is nothing to compare it with"),
        ([first, f"{first}@int2"], "is no variant"),
        ([first, f"{first}@int8"], "has no export"),
        ([first, "f" * 32], "no run's id begins"),
    ):
        with pytest.raises(UserError, match=said):
            compare_models(store, names)


def test_logits_that_are_no_numbers_are_refused_by_name(store: Store) -> None:
    rows, one = reviews(ROWS), right()
    sure = np.full(ROWS, 2.0)
    sure[17] = np.nan
    names = [make(store, rows, Made(one)), make(store, rows, Made(one, sure=sure))]
    with pytest.raises(UserError, match=r"of row 17 is nan, as of 1 of 400 rows"):
        compare_models(store, names)


def test_altered_answers_are_refused(store: Store) -> None:
    rows, one = reviews(ROWS), right()
    names = [make(store, rows, Made(one)), make(store, rows, Made(one, seed=1))]
    file = store.artifact(store.find(names[1]), "predictions/test/predictions.parquet")
    file.write_bytes(store.artifact(store.find(names[0]), "run/data.json").read_bytes())
    with pytest.raises(UserError, match="is not what was recorded"):
        compare_models(store, names)


@pytest.mark.slow
def test_runs_of_a_server_are_compared_as_those_of_a_file(
    server: MlflowServer, store: Store, tmp_path: Path
) -> None:
    rows, one = reviews(ROWS), right()
    runs = [Made(one, experiment="served"), Made(spoilt(one, lost=4, won=20), experiment="served", seed=1)]
    served = Store.open(tmp_path / "client", server.uri)
    found = [compare_models(place, [make(place, rows, run) for run in runs]) for place in (served, store)]
    assert [replace(pair, a="", b="", sentence="") for pair in found[0].pairs] == [
        replace(pair, a="", b="", sentence="") for pair in found[1].pairs
    ]
    assert found[0].looks == found[1].looks
