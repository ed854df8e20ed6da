"""What differs between two runs, in the order of likelihood, over made-up circumstances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from experiments.naming import flat_params
from runs.differences import Cause, find_causes
from runs.environment import RunEnvironment, settings_of
from schema.validation import parse


def _code(tree: str, files: dict[str, str]) -> dict[str, object]:
    return {"tree_digest": tree, "commit": tree * 40, "dirty": False, "files": files}


HERE = RunEnvironment(
    {
        "code": _code("a", {"host/disk.py": "1", "datamodules/tokens.py": "2"}),
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


def _with(**changes: object) -> Callable[[RunEnvironment], RunEnvironment]:
    return lambda here: replace(here, provenance={**here.provenance, **changes})


# In the order in which they are to be named.
DRIFTS: Mapping[tuple[str, str], Callable[[RunEnvironment], RunEnvironment]] = {
    ("data", "test"): lambda here: replace(here, fingerprints={**here.fingerprints, "test": "other"}),
    ("config", "optim.learning_rate"): lambda here: replace(
        here, config={**here.config, "optim.learning_rate": 2e-3, "data.path": "/b", "data.loader_workers": 4}
    ),
    ("code", "datamodules/tokens.py, host/disk.py"): _with(
        code=_code("b", {"host/disk.py": "9", "datamodules/tokens.py": "8"})
    ),
    ("threads", "of torch"): lambda here: replace(here, effective={**here.effective, "threads": "1"}),
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


def _named(change: Callable[[RunEnvironment], RunEnvironment]) -> list[tuple[str, str]]:
    return [(cause.kind, cause.name) for cause in find_causes(HERE, change(HERE))]


def test_another_end_of_text_is_named_where_it_was_recorded() -> None:
    now = replace(HERE, fingerprints={**HERE.fingerprints, "end_token": "</s>"})
    assert find_causes(HERE, now) == []  # an earlier version of Encore recorded none
    then = replace(HERE, fingerprints={**HERE.fingerprints, "end_token": "<|endoftext|>"})
    assert find_causes(then, now) == [Cause("data", "end_token", "<|endoftext|>", "</s>")]


def test_other_tokens_are_named_where_all_that_they_are_made_of_is_the_same() -> None:
    then, now = (
        replace(HERE, fingerprints={**HERE.fingerprints, "tokenizer": "k", "tokens.train": digest})
        for digest in "ab"
    )
    assert find_causes(then, now) == [Cause("data", "the tokens of the split 'train'", "a", "b")]
    assert find_causes(HERE, HERE) == []
    earlier = replace(HERE, fingerprints={**HERE.fingerprints, "tokenizer": "k"})  # recorded none
    assert find_causes(earlier, now) == find_causes(now, earlier) == []
    for changed in ("train", "tokenizer", "end_token"):
        other = replace(now, fingerprints={**now.fingerprints, changed: "other"})
        assert "tokens" not in " ".join(cause.name for cause in find_causes(then, other))
    cut = replace(now, config={**now.config, "data.max_tokens": 8})
    assert [cause.name for cause in find_causes(then, cut)] == ["data.max_tokens"]


def test_rows_are_named_before_the_tokenizer_that_was_trained_on_them() -> None:
    then, now = (replace(HERE, fingerprints={"tokenizer": digest, "train": digest}) for digest in "ab")
    assert [cause.name for cause in find_causes(then, now)] == ["train", "tokenizer"]


def test_other_kernels_are_hardware_unless_a_variable_chose_them() -> None:
    kernels = {"torch": {**HERE.provenance["torch"], "cpu_capability": "AVX2"}}
    assert _named(_with(**kernels)) == [("hardware", "kernels")]
    environment = {**HERE.provenance["environment"], "ATEN_CPU_CAPABILITY": "avx2"}
    assert _named(_with(**kernels, environment=environment)) == [("flag", "ATEN_CPU_CAPABILITY")]


def test_a_key_that_came_later_is_no_difference_to_a_record_without_it() -> None:
    now = load_experiment("demo_reviews")
    before = now.model_dump(mode="json")
    del before["data"]["quoting"]
    assert settings_of(before) == flat_params(now)
    assert settings_of(before | {"data": {"quoting": "quoted"}})["data.quoting"] == "quoted"
    assert parse(ExperimentConfig, before, where="a record") == now


def test_code_that_decides_no_number_is_no_cause() -> None:
    def with_table(digest: str) -> RunEnvironment:
        files = {"datamodules/tokens.py": "2", "cli/tables.py": digest, "benchmarks/speed.py": digest}
        return _with(code=_code(digest, files))(HERE)

    assert find_causes(with_table("1"), with_table("2")) == []
