"""Variants with whole-number weights: what they answer, in any company, and how their weights are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from export.options import ExportConfig
from export.pipeline import ExportOptions, ExportReport, export_model
from export.quantizing.calibration import ZERO_OF_ONE_SIDE, Inputs, one_sided
from export.quantizing.graph import Drawing, Product, Table, names_of, products_of, rewritten
from export.quantizing.rounding import corrections_of, rounded_4_bit, rounded_8_bit
from export.quantizing.weights import (
    block_scales,
    column_scales,
    half_numbers,
    packed,
    rows_8_bit,
    table_4_bit,
)
from export.session import OnnxModel
from lightning_modules.families import DISTILBERT

if TYPE_CHECKING:
    from conftest import Exported

ALL = ("fp32", "int8", "int8-rows", "int8-static", "int4")
INVARIANT = ("fp32", "int8-rows", "int8-static", "int4")


@pytest.fixture(scope="module")
def everything(
    exported_classifier: Exported, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, ExportReport]:
    out = tmp_path_factory.mktemp("all") / "out"
    options = ExportOptions(
        ExportConfig(variants=ALL, latency_seconds=0), latency_batches=(1,), latency_repeats=5
    )
    scoring, folder = exported_classifier.scoring, exported_classifier.model_dir
    return out, export_model(folder, out, family=DISTILBERT, scoring=scoring, options=options)


def test_every_variant_is_written_scored_and_near_pytorch(everything: tuple[Path, ExportReport]) -> None:
    out, report = everything
    assert not any(name.endswith("/skipped") for name in report.params)
    for name in ALL:
        assert (out / name / "model.onnx").is_file()
        # Weights of a random model are no smooth function of its texts: INT4 is held to being no coin.
        assert report.metrics[f"export/{name}/equal_predictions"] > (0.65 if name == "int4" else 0.9)
    apart = {name: report.metrics[f"export/{name}/max_logit_difference"] for name in ALL}
    assert apart["fp32"] < apart["int8-rows"] < apart["int4"]
    sizes = [report.metrics[f"export/{name}/size_mib"] for name in ("fp32", "int8", "int4")]
    assert sizes == sorted(sizes, reverse=True)


def test_the_report_says_who_answers_alike_in_company(
    everything: tuple[Path, ExportReport], exported_classifier: Exported
) -> None:
    out, report = everything
    texts = exported_classifier.scoring.input_ids
    for name in ALL:
        model = OnnxModel(out / name, threads=1)
        equal = np.array([ids for ids in texts if len(ids) == len(texts[0])][:16])
        together = model.logits(equal)
        alone = np.concatenate([model.logits(ids[None]) for ids in equal])
        assert report.metrics[f"export/{name}/batch_invariant"] == float(name in INVARIANT), name
        if name in INVARIANT:
            np.testing.assert_array_equal(together, alone)


def test_what_is_kept_stays_as_it_was(everything: tuple[Path, ExportReport]) -> None:
    class Refuses:
        def products(self, *_: object) -> None:
            raise AssertionError

        table = products

    model = onnx.load(everything[0] / "fp32" / "model.onnx")
    again = rewritten(model, Refuses(), kept=list(names_of(model)))
    assert [node.name for node in again.graph.node] == [node.name for node in model.graph.node]
    assert len(products_of(again)) == len(products_of(model)) == 2 * 6 + 2
    assert all(product.bias_N is not None for product in products_of(model))


def test_it_needs_texts_of_train(exported_classifier: Exported, tmp_path: Path) -> None:
    made = exported_classifier
    with pytest.raises(Exception, match="no texts of train"):
        export_model(
            made.model_dir,
            tmp_path / "out",
            family=DISTILBERT,
            scoring=replace(made.scoring, calibration_ids=()),
            options=ExportOptions(),
        )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_weight_is_rounded_to_its_columns_steps(inputs: int, outputs: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    fed = (draw.normal(size=(200, inputs)) @ draw.normal(size=(inputs, inputs))).astype(np.float32)
    weight = draw.normal(size=(inputs, outputs)).astype(np.float32)
    whole, scales = rounded_8_bit(weight, corrections_of((fed.T @ fed).astype(np.float64)))
    assert np.abs(whole.astype(int)).max() <= 127
    np.testing.assert_array_equal(scales, column_scales(weight))
    # The first input has no error of another to make up for.
    np.testing.assert_array_equal(whole[0], np.rint(weight[0].astype(np.float64) / scales))


@pytest.mark.parametrize("width", [64, 129, 384])
def test_weights_are_rounded_alike_on_any_number_of_cores(width: int) -> None:
    draw = np.random.default_rng(width)
    fed = draw.normal(size=(5000, width)).astype(np.float32)
    weight = draw.normal(size=(width, 96)).astype(np.float32)

    def rounded(cores: int) -> tuple[bytes, ...]:
        with threadpool_limits(cores, user_api="blas"):
            inputs = Inputs(width)
            inputs.add(fed)
            inputs.finish()
            found = (
                *rounded_8_bit(weight, inputs.corrections),
                *rounded_4_bit(weight, inputs.corrections, 32),
            )
            return tuple(one.tobytes() for one in (inputs.moment_KK, inputs.corrections, *found))

    assert rounded(1) == rounded(2)


def test_corrections_make_outputs_nearer() -> None:
    draw = np.random.default_rng(0)
    fed = (draw.normal(size=(2000, 64)) @ draw.normal(size=(64, 64))).astype(np.float32)
    weight = draw.normal(size=(64, 32)).astype(np.float32)
    spread = corrections_of((fed.T @ fed).astype(np.float64))
    whole, scales = rounded_4_bit(weight, spread, 32)
    plain, plain_scales = table_4_bit(weight.T.copy(), 32)
    ours = whole * np.repeat(scales, 32, axis=0)
    theirs = (plain.reshape(32, 2, 32) * plain_scales[..., None]).reshape(32, 64).T
    assert np.square(fed @ (ours - weight)).sum() < 0.6 * np.square(fed @ (theirs - weight)).sum()


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_halves_are_packed_in_the_order_that_the_runtime_reads(rows: int, pairs: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(-8, 8, (rows, 2 * pairs)).astype(np.int8)
    bytes_ = packed(values)
    low, high = (bytes_ & 15).astype(int) - 8, (bytes_ >> 4).astype(int) - 8
    np.testing.assert_array_equal(np.stack([low, high], axis=-1).reshape(rows, -1), values)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_scales_reach_the_ends_and_zeros_stay_zero(seed: int, size: float) -> None:
    table = (size * np.random.default_rng(seed).normal(size=(4, 32))).astype(np.float32)
    table[0] = 0
    whole, scales, columns = rows_8_bit(table)
    steps = scales * (1 if columns is None else columns)
    assert (np.abs(whole * steps - table) <= 0.5001 * steps).all()
    assert not whole[0].any()
    assert (block_scales(table) == block_scales(table).astype(np.float16)).all()
    assert not table_4_bit(table, 32)[0][0].any()


def test_columns_that_differ_by_far_have_scales_of_their_own() -> None:
    draw = np.random.default_rng(0)
    assert rows_8_bit(np.sign(draw.normal(size=(64, 32))).astype(np.float32)).columns is None
    apart = draw.normal(size=(64, 32)).astype(np.float32) * np.where(np.arange(32) == 5, 50, 1).astype(
        np.float32
    )
    whole, scales, columns = rows_8_bit(apart)
    assert columns is not None
    by_row = np.abs(apart).max(axis=1, keepdims=True) / 127
    plain = np.rint(apart / by_row) * by_row
    assert np.square(whole * scales * columns - apart).sum() < 0.1 * np.square(plain - apart).sum()


@given(st.floats(0, 6e4, width=32))
def test_numbers_that_a_float16_holds_are_the_next_larger(number: float) -> None:
    given_ = np.array([number, 1e6], np.float32)
    found, beyond = half_numbers(given_)
    assert beyond == np.float32(1e6)  # as it was
    assert found == np.float16(found)
    assert found >= given_[0]
    assert np.nextafter(np.float16(found), np.float16(-np.inf)) < given_[0] or found == given_[0]


def _graph(*nodes: onnx.NodeProto, outputs: tuple[str, ...] = ("y",)) -> onnx.ModelProto:
    """Of x (M, 4), a weight (4, 3) and two biases of it."""
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(0)
    constants = {"w": draw.normal(size=(4, 3)), "b": draw.normal(size=3), "scalar": draw.normal(size=1)}
    return helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["M", 4])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["M", 3]) for name in outputs],
            [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()],
        )
    )


def _node(operator: str, inputs: list[str], output: str, **attributes: float) -> onnx.NodeProto:
    return onnx.helper.make_node(operator, inputs, [output], name=f"{operator}.{output}", **attributes)


def test_an_add_of_a_constant_behind_a_product_is_its_bias() -> None:
    product, add = _node("MatMul", ["x", "w"], "p"), _node("Add", ["b", "p"], "y")
    (found,) = products_of(_graph(product, add))
    assert found.output == "y"
    assert found.bias_N is not None
    assert found.bias_N.shape == (3,)
    (gemm,) = products_of(_graph(_node("Gemm", ["x", "w", "b"], "y")))
    np.testing.assert_array_equal(gemm.bias_N, found.bias_N)


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([_node("MatMul", ["x", "w"], "p"), _node("Add", ["b", "p"], "y")], ("y", "p")),
        ([_node("MatMul", ["x", "w"], "p"), _node("Add", ["b", "p"], "q"), _node("Mul", ["p", "q"], "y")], ("y",)),
        ([_node("MatMul", ["x", "w"], "p"), _node("Add", ["scalar", "p"], "y")], ("y",)),
        ([_node("MatMul", ["x", "w"], "p"), _node("Mul", ["b", "p"], "y")], ("y",)),
    ],
)  # fmt: skip
def test_what_others_read_too_or_is_no_bias_stays_apart(
    nodes: list[onnx.NodeProto], outputs: tuple[str, ...]
) -> None:
    (found,) = products_of(_graph(*nodes, outputs=outputs))
    assert found.output == "p"
    assert found.bias_N is None


@pytest.mark.parametrize(
    "gemm",
    [
        _node("Gemm", ["x", "w", "b"], "y", alpha=2.0),
        _node("Gemm", ["x", "w", "b"], "y", beta=0.5),
        _node("Gemm", ["x", "w", "scalar"], "y"),
        _node("Gemm", ["x", "w", "w"], "y"),
    ],
)
def test_a_gemm_that_scales_or_adds_no_number_a_column_stays_as_it_is(gemm: onnx.NodeProto) -> None:
    assert products_of(_graph(gemm)) == []
    assert len(products_of(_graph(_node("Gemm", ["x", "w", "b"], "y", alpha=1.0, beta=1.0)))) == 1


def test_a_product_that_is_kept_keeps_its_bias_behind_it(everything: tuple[Path, ExportReport]) -> None:
    model = onnx.load(everything[0] / "fp32" / "model.onnx")
    product = products_of(model)[0]

    class Zeros:
        def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
            for one in products:
                drawing.add("Identity", [one.activations], one.output)

        def table(self, drawing: Drawing, table: Table) -> None:
            drawing.add("Identity", [table.indices], table.output)

    drawn = rewritten(model, Zeros(), kept=[product.name])
    (again,) = products_of(drawn)
    assert again.output == product.output
    np.testing.assert_array_equal(again.bias_N, product.bias_N)


def test_only_what_hardly_goes_below_zero_is_one_sided() -> None:
    def inputs(*values: float) -> Inputs:
        found = Inputs(1)
        found.add(np.array([values], np.float32).T)
        found.finish()
        return found

    found = one_sided(
        {"gelu": inputs(-0.17, 0, 5), "relu": inputs(0, 2), "norm": inputs(-1, 4), "none": inputs(-3, -1)}
    )
    assert found == {"gelu": pytest.approx(0.17), "relu": 0.0}


@pytest.mark.parametrize("variant", ["int8", "int8-rows"])
def test_what_lies_behind_gelu_is_neither_smoothed_nor_wastes_bytes_below_zero(
    everything: tuple[Path, ExportReport], exported_classifier: Exported, variant: str
) -> None:
    model = onnx.load(everything[0] / variant / "model.onnx")
    inputs = {output: list(node.input) for node in model.graph.node for output in node.output}
    narrowing = [name for name in inputs if name.endswith("lin2/MatMul.flat")]
    assert len(narrowing) == 2
    for name in narrowing:
        bytes_, _, _, _, zero = inputs[name][:5]
        flat = inputs[bytes_][0]
        assert inputs[flat] == [flat.removesuffix(".flat")]  # the activations, not a product of them
        assert zero == f"rows.zero.{ZERO_OF_ONE_SIDE}"
    texts = exported_classifier.scoring.input_ids[:20]
    model_, base = (OnnxModel(everything[0] / name, threads=1) for name in (variant, "fp32"))
    for ids in texts:
        ours, theirs = (one.logits(np.array([ids])) for one in (model_, base))
        assert np.abs(ours - theirs).max() < 0.2
