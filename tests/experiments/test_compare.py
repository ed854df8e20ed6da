"""Two outcomes and two circumstances held against each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from experiments.causes import Cause, Circumstances, find_causes
from experiments.compare import Tolerance, compare
from experiments.outcome import Outcome


def _code(tree: str, files: dict[str, str]) -> dict[str, object]:
    return {"tree_digest": tree, "commit": tree * 40, "dirty": False, "files": files}


HERE = Circumstances(
    {
        "code": _code("a", {"cli/main.py": "1", "datamodules/tokens.py": "2"}),
        "torch": {"deterministic_algorithms": True, "float32_matmul_precision": "highest", "cpu_capability": "AVX512"},
        "environment": {"OMP_NUM_THREADS": "1"},
        "distributions": {"numpy": "2.1", "torch": "2.13", "zipp": "4"},
        "lock_digest": "l",
        "python": "CPython 3.11.7",
        "machine": {"cpu_model": "Xeon", "cpu_flags": ["avx"], "gpus": []},
        "platform": "Linux",
    },
    {"optim.learning_rate": 1e-3, "data.path": "/a", "data.loader_workers": 0},
    {"train": "t", "val": "v", "test": "e"},
    {"threads": "2", "device_name": "cpu"},
)  # fmt: skip


def _with(**changes: object) -> Callable[[Circumstances], Circumstances]:
    return lambda here: replace(here, provenance={**here.provenance, **changes})


# In the order in which they are to be named.
DRIFTS: Mapping[tuple[str, str], Callable[[Circumstances], Circumstances]] = {
    ("data", "test"): lambda here: replace(here, fingerprints={**here.fingerprints, "test": "other"}),
    ("config", "optim.learning_rate"): lambda here: replace(
        here, config={**here.config, "optim.learning_rate": 2e-3, "data.path": "/b", "data.loader_workers": 4}
    ),
    ("code", "datamodules/tokens.py, cli/main.py"): _with(
        code=_code("b", {"cli/main.py": "9", "datamodules/tokens.py": "8"})
    ),
    ("threads", "of torch"): lambda here: replace(here, ran={**here.ran, "threads": "1"}),
    ("flag", "OMP_NUM_THREADS"): _with(environment={}),
    ("library", "torch"): _with(distributions={"numpy": "2.1", "torch": "2.14", "zipp": "5"}),
    ("lock", "lock"): _with(lock_digest="m"),
    ("python", "python"): _with(python="CPython 3.12.1"),
    ("hardware", "processor"): _with(machine={"cpu_model": "EPYC", "cpu_flags": ["avx"], "gpus": []}),
    ("system", "platform"): _with(platform="macOS"),
}  # fmt: skip


def test_each_drift_alone_and_every_pair_is_named_the_likelier_first() -> None:
    assert find_causes(HERE, HERE) == []

    def named(causes: list[Cause]) -> list[tuple[str, str]]:
        return [(cause.kind, cause.name) for cause in causes if cause.name != "zipp"]

    for drift, change in DRIFTS.items():
        assert named(find_causes(HERE, change(HERE))) == [drift]
    for (one, first), (other, second) in combinations(DRIFTS.items(), 2):
        assert named(find_causes(HERE, first(second(HERE)))) == [one, other]


POINTS = st.dictionaries(
    st.integers(1, 30),
    st.fixed_dictionaries({"train/loss": st.floats(0, 5), "val/loss": st.floats(0, 5)}),
    min_size=1,
    max_size=8,
)


def _outcome(points: dict[int, dict[str, float]]) -> Outcome:
    found = Outcome(None, {"weights/last": "w"}, points, {"test/accuracy": 0.5}, 8, "finished")  # type: ignore[arg-type]
    found.__dict__["predictions"] = {}
    return found


@given(POINTS, st.data())
def test_one_changed_bit_of_one_value_is_found_where_it_is(
    points: dict[int, dict[str, float]], data: st.DataObject
) -> None:
    assert compare(_outcome(points), _outcome(points), Tolerance()).verdict == "identical"
    step = data.draw(st.sampled_from(sorted(points)))
    value = points[step]["val/loss"]
    other = {**points, step: {**points[step], "val/loss": math.nextafter(value, 9.0)}}
    found = compare(_outcome(points), _outcome(other), Tolerance())
    assert found.verdict == "within tolerance"
    assert found.first_difference is not None
    assert (found.first_difference.step, found.first_difference.metric) == (step, "val/loss")


def test_final_scores_that_lie_apart_are_different_whatever_the_digests_say() -> None:
    points = {1: {"train/loss": 0.5}}
    for accuracy, verdict in ((0.505, "within tolerance"), (0.9, "different")):
        other = replace(_outcome(points), metrics={"test/accuracy": accuracy})
        other.__dict__["predictions"] = {}
        assert compare(_outcome(points), other, Tolerance()).verdict == verdict


def test_a_loss_that_is_no_number_is_never_near_one() -> None:
    points = {1: {"train/loss": 0.5, "val/loss": math.nan}}
    assert compare(_outcome(points), _outcome(points), Tolerance()).verdict == "identical"
    other = {1: {"train/loss": 0.5, "val/loss": 0.7}}
    assert compare(_outcome(points), _outcome(other), Tolerance()).verdict == "different"
