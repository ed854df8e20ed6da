"""What differs between the environment of two runs, the likeliest cause of a different result first.

Likeliest means: what decides the numbers most directly and by intent. Rows and settings before source
code, code before threads and numeric switches, these before libraries, and the machine last, which
changes the last bits only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runs.environment import RunEnvironment
from runs.layout import EOS_KEY, TOKENS_OF

# Libraries whose version changes numbers, in the order in which they come to mind; others follow.
_NUMERIC = (
    "torch", "transformers", "tokenizers", "pytorch-lightning", "numpy", "datasets", "torchmetrics", "safetensors",
    "onnxruntime", "onnx", "optimum", "optimum-onnx", "accelerate", "pyarrow", "pandas", "scipy", "scikit-learn",
)  # fmt: skip
# Settings that change no number.
NO_NUMBERS = {
    "data.path",
    "data.loader_workers",
    "model.vectors",  # what they hold is a fingerprint
    "train.transfer_set.path",  # likewise
    "train.threads",  # reported as threads
    "train.checkpoint_every_minutes",
    "train.checkpoint_every_steps",
    "train.keep_checkpoint_every_steps",
    "export.when",  # what was exported shows in the results
}
_ITSELF = "encore-harness"  # the source tree says more than its version
_SHOWN_FILES = 5
_MADE_OF_ROWS = {"tokenizer"}
# What decides the tokens of a split besides its rows and the tokenizer.
_CUTS = ("data.max_tokens", "data.cut", "data.packed", "data.longer_stories")
_KERNELS = "ATEN_CPU_CAPABILITY"
RESUMED = "resumed"
# The rooms whose code decides the numbers of a run; a changed heading in another makes no run a different one.
DECIDING_ROOMS = (
    "lightning_modules", "datamodules", "scoring", "experiments", "export", "generation", "runs", "schema", "host",
)  # fmt: skip
_FIRST_ROOMS = ("lightning_modules/", "datamodules/")


@dataclass(frozen=True)
class Cause:
    """One thing around a run that differs; values as words, none where one side lacks it."""

    kind: str
    name: str
    recorded: str | None
    actual: str | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}: {self.recorded or 'none'} then, {self.actual or 'none'} now"


def find_causes(recorded: RunEnvironment, actual: RunEnvironment) -> list[Cause]:
    """Everything that differs, the likeliest cause first."""
    return [  # in the order of the kinds
        *_data(recorded.fingerprints, actual.fingerprints),
        *_tokens(recorded, actual),
        *_config(recorded.config, actual.config),
        *_code(recorded.provenance["code"], actual.provenance["code"]),
        *_differences(
            RESUMED, {"in part under": recorded.resumed_under}, {"in part under": actual.resumed_under}
        ),
        *_differences("threads", _threads(recorded), _threads(actual)),
        *_differences("flag", _flags(recorded), _flags(actual)),
        *_libraries(recorded.provenance["distributions"], actual.provenance["distributions"]),
        *_differences("lock", _only(recorded, "lock_digest"), _only(actual, "lock_digest")),
        *_differences("python", _only(recorded, "python"), _only(actual, "python")),
        *_hardware(recorded, actual),
        *_differences("system", _only(recorded, "platform"), _only(actual, "platform")),
    ]


def _differences(kind: str, recorded: Mapping[str, object], actual: Mapping[str, object]) -> Iterator[Cause]:
    for name in [*recorded, *(name for name in actual if name not in recorded)]:
        one, other = recorded.get(name), actual.get(name)
        if one != other:
            yield Cause(kind, name, _words(one), _words(other))


def _data(recorded: Mapping[str, str], actual: Mapping[str, str]) -> list[Cause]:
    """Rows first: a tokenizer that is trained on them changes with them."""
    recorded, actual = (_without_tokens(fingerprints) for fingerprints in (recorded, actual))
    known = set(recorded) | (set(actual) - {EOS_KEY})  # which earlier versions did not record
    found = _differences("data", recorded, {name: actual[name] for name in actual if name in known})
    return sorted(found, key=lambda cause: cause.name in _MADE_OF_ROWS)


def _without_tokens(fingerprints: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in fingerprints.items() if not name.startswith(TOKENS_OF)}


def _tokens(recorded: RunEnvironment, actual: RunEnvironment) -> Iterator[Cause]:
    """Tokens that differ although all that they are made of is the same; earlier versions did not record them."""
    then, now = recorded.fingerprints, actual.fingerprints
    cut_alike = all(recorded.config.get(key) == actual.config.get(key) for key in _CUTS)
    if not cut_alike or any(then.get(name) != now.get(name) for name in {*_MADE_OF_ROWS, EOS_KEY}):
        return
    for name in sorted(then.keys() & now.keys()):
        split = name.removeprefix(TOKENS_OF)
        if name != split and then[name] != now[name] and then.get(split) == now.get(split):
            yield Cause("data", f"the tokens of the split {split!r}", then[name], now[name])


def _words(value: object) -> str | None:
    return None if value is None else str(value)


def _config(recorded: Mapping[str, object], actual: Mapping[str, object]) -> Iterator[Cause]:
    def counted(config: Mapping[str, object]) -> dict[str, object]:
        return {key: value for key, value in config.items() if key not in NO_NUMBERS}

    return _differences("config", counted(recorded), counted(actual))


def _code(recorded: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[Cause]:
    """One cause that names the files; none when the sources that decide are the same, whatever the commit."""
    if recorded["tree_digest"] == actual["tree_digest"]:
        return
    then, now = recorded.get("files") or {}, actual.get("files") or {}
    files: list[str] = []
    if then and now:  # an older record has no digest of each file: then no file can be named
        then, now = deciding(then), deciding(now)
        if then == now:
            return
        changed = (path for path in then.keys() | now.keys() if then.get(path) != now.get(path))
        files = sorted(changed, key=lambda path: (not path.startswith(_FIRST_ROOMS), path))
    more = f" and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else ""
    name = (", ".join(files[:_SHOWN_FILES]) + more) or "source tree"
    yield Cause("code", name, named_commit(recorded), named_commit(actual))


def deciding(files: Mapping[str, str]) -> dict[str, str]:
    """Of the digests of source files, by path, those of the rooms that decide numbers."""
    return {path: digest for path, digest in files.items() if path.partition("/")[0] in DECIDING_ROOMS}


def named_commit(code: Mapping[str, Any]) -> str:
    """The commit of a record's code, and whether its files were others."""
    commit = (code["commit"] or "no commit")[:12]
    return f"{commit} with changes ({code['tree_digest'][:8]})" if code["dirty"] else commit


def _threads(environment: RunEnvironment) -> dict[str, object]:
    return {"of torch": environment.effective.get("threads")}


def _flags(environment: RunEnvironment) -> dict[str, object]:
    torch = environment.provenance.get("torch") or {}
    numerics = {name: torch.get(name) for name in ("deterministic_algorithms", "float32_matmul_precision")}
    return {**numerics, **environment.provenance["environment"]}


def _libraries(recorded: Mapping[str, str], actual: Mapping[str, str]) -> list[Cause]:
    found = [cause for cause in _differences("library", recorded, actual) if cause.name != _ITSELF]
    order = {name: number for number, name in enumerate(_NUMERIC)}
    return sorted(found, key=lambda cause: (order.get(cause.name, len(order)), cause.name))


def _only(environment: RunEnvironment, key: str) -> dict[str, object]:
    return {key.removesuffix("_digest"): environment.provenance[key]}


def _hardware(recorded: RunEnvironment, actual: RunEnvironment) -> Iterator[Cause]:
    """The kernels that torch takes follow from the processor, unless the variable that chooses them differs."""
    chosen = [found.provenance["environment"].get(_KERNELS) for found in (recorded, actual)]
    then, now = (machine_of(found) for found in (recorded, actual))
    if chosen[0] != chosen[1]:
        del then["kernels"], now["kernels"]
    return _differences("hardware", then, now)


def libraries_of(environment: RunEnvironment) -> dict[str, str]:
    """The versions of Encore and of the libraries that change numbers, those that are installed."""
    found = environment.provenance["distributions"]
    return {name: found[name] for name in (_ITSELF, *_NUMERIC) if name in found}


def machine_of(environment: RunEnvironment) -> dict[str, object]:
    """What a run computed on, by what each part is called."""
    machine = environment.provenance["machine"]
    return {
        "device": environment.effective.get("device_name"),
        "processor": machine["cpu_model"],
        "instruction sets": " ".join(machine["cpu_flags"]),
        "kernels": (environment.provenance.get("torch") or {}).get("cpu_capability"),
        "GPUs": ", ".join(gpu["name"] for gpu in machine["gpus"]) or None,
    }
