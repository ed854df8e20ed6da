"""Which answers a variant changes, which nodes carry its error, and what must stay in float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from export.blame import Blame, Suspect, blame
from export.classifier_files import Plan, dynamic, rows
from export.materials import Materials
from export.quantizing.graph import Drawing, Product, Recipe, Table, products_of
from export.variants import BY_NAME
from host.progress import silent

if TYPE_CHECKING:
    from conftest import Exported


@dataclass(frozen=True)
class Spoiling:
    """Draws as `recipe` does, but for named products, whose weights it rounds to a few steps."""

    recipe: Recipe
    spoilt: frozenset[str]

    def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
        from onnx import helper

        good = [product for product in products if product.name not in self.spoilt]
        if good:
            self.recipe.products(drawing, good)
        for product in products:
            if product.name in self.spoilt:
                step = np.float32(1.5) * product.weight_KN.std()
                coarse = np.rint(product.weight_KN / step) * step
                weight = drawing.constant(f"{product.name}.spoilt", coarse.astype(np.float32))
                inputs = [product.activations, weight]
                plain = drawing.add("MatMul", inputs, f"{product.output}.plain")
                given = np.zeros(1, np.float32) if product.bias_N is None else product.bias_N
                bias = drawing.constant(f"{product.name}.given", given)
                drawing.nodes.append(helper.make_node("Add", [plain, bias], [product.output]))

    def table(self, drawing: Drawing, table: Table) -> None:
        self.recipe.table(drawing, table)


@pytest.fixture(scope="module")
def suspect(exported_classifier: Exported) -> Suspect:
    made = exported_classifier
    materials = Materials(made.out_dir, made.scoring.calibration_ids)
    return Suspect(BY_NAME["int8"], dynamic(materials), materials, made.scoring, 0.005, 1)


@pytest.fixture(scope="module")
def explained(suspect: Suspect) -> Blame:
    return blame(suspect, silent)


def test_it_tells_of_the_file_that_the_export_wrote(explained: Blame, exported_classifier: Exported) -> None:
    report = exported_classifier.report
    figures = {key.removeprefix("export/int8/"): value for key, value in report.metrics.items()}
    assert explained.as_it_is.accuracy == figures["accuracy"]
    assert explained.as_it_is.drop_points == pytest.approx(figures["accuracy_drop_points"])
    assert (explained.as_it_is.lost, explained.as_it_is.won) == (
        figures["answers_lost"],
        figures["answers_won"],
    )
    assert explained.as_it_is.size_mib == figures["size_mib"]
    assert explained.examples == explained.asked == 120


def test_drawn_again_it_has_the_same_bytes(suspect: Suspect, exported_classifier: Exported) -> None:
    assert suspect.drawn(()) == (exported_classifier.out_dir / "int8" / "model.onnx").read_bytes()


def test_changed_answers_are_those_of_the_predictions(
    explained: Blame, exported_classifier: Exported
) -> None:
    table = exported_classifier.report.predictions
    changed = table[table["fp32_prediction"] != table["int8_prediction"]]
    assert [answer.index for answer in explained.changed] == changed["index"].tolist()
    for answer, (_, row) in zip(explained.changed, changed.iterrows(), strict=True):
        assert (answer.label, answer.base, answer.ours) == (
            row["label"],
            row["fp32_prediction"],
            row["int8_prediction"],
        )
        theirs = 1 - answer.base
        assert answer.base_margin == pytest.approx(
            row[f"fp32_logit_{answer.base}"] - row[f"fp32_logit_{theirs}"], abs=1e-5
        )
        assert answer.base_margin >= 0 >= answer.margin


def test_every_node_in_whole_numbers_has_a_share(explained: Blame, suspect: Suspect) -> None:
    # Two layers of six products, the one before the last, two tables; the last product stays float32.
    assert len(explained.nodes) == 2 * 6 + 1 + 2
    assert not any("/classifier/" in node.name for node in explained.nodes)
    shares = [node.share for node in explained.nodes]
    assert shares == sorted(shares, reverse=True)
    assert all(node.mib > 0 for node in explained.nodes)


def test_a_product_that_is_wrong_is_found_and_left_out(suspect: Suspect) -> None:
    culprit = products_of(suspect.materials.graph)[4].name
    plan = Plan(Spoiling(suspect.plan.recipe, frozenset([culprit])), suspect.plan.float32)
    found = blame(replace(suspect, plan=plan, max_accuracy_drop=0.06), silent)
    assert not found.as_it_is.meets_gate
    assert found.nodes[0].name == culprit
    assert found.nodes[0].share > 0.9
    assert found.smallest.float32 == (culprit,)
    assert found.smallest.meets_gate
    assert found.smallest.changed < found.as_it_is.changed


def test_two_that_are_wrong_are_found_without_any_other(suspect: Suspect) -> None:
    products = products_of(suspect.materials.graph)
    culprits = frozenset([products[2].name, products[10].name])
    plan = Plan(Spoiling(suspect.plan.recipe, culprits), suspect.plan.float32)
    found = blame(replace(suspect, plan=plan, max_accuracy_drop=0.06), silent)
    assert frozenset(found.smallest.float32) == culprits
    assert found.smallest.meets_gate


def test_the_last_of_those_tried_together_is_left_out_too(
    suspect: Suspect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.blame._COUNTS", (3,))
    products = products_of(suspect.materials.graph)
    culprits = frozenset([products[2].name, products[10].name])
    plan = Plan(Spoiling(suspect.plan.recipe, culprits), suspect.plan.float32)
    found = blame(replace(suspect, plan=plan, max_accuracy_drop=0.06), silent)
    assert frozenset(found.smallest.float32) == culprits


def test_of_many_examples_a_part_is_asked_and_what_changed(
    suspect: Suspect, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = sum(product.weight_KN.size for product in products_of(suspect.materials.graph))
    tokens = np.mean([len(ids) for ids in suspect.scoring.input_ids])
    monkeypatch.setattr("export.blame._MOST_WORK", 10.5 * weights * tokens * len(suspect.nodes))
    found = blame(suspect, silent)
    assert found.examples == 120
    assert 10 <= found.asked <= 10 + found.as_it_is.changed


def test_what_stays_float32_in_any_case_is_no_suspect(exported_classifier: Exported, tmp_path: Path) -> None:
    made = exported_classifier
    first = products_of(Materials(made.out_dir, []).graph)[0].name
    materials = Materials(made.out_dir, made.scoring.calibration_ids, (first,))
    suspect = Suspect(BY_NAME["int8-rows"], rows(materials), materials, made.scoring, 0.005, 1)
    assert first not in suspect.nodes
    assert len(suspect.nodes) == 2 * 6 + 1 + 2 - 1
