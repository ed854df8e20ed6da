"""The model card of a bundle: what people, and the hub, read of it.

Its head is the `model-index` of the hub's model cards: https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from export.figure_names import in_words
from export.session import MASK, PAST
from export.variants import BY_NAME

if TYPE_CHECKING:
    from export.bundle_file import BundleFile

_HUB_TASKS = {"sequence-classification": "text-classification", "causal-language-model": "text-generation"}
_ON_HUB = {"accuracy": "accuracy", "loss": "loss", "perplexity": "perplexity"}
"""Figures that are metrics of the hub, by their names there."""


def card(about: BundleFile, inputs: Sequence[str]) -> str:
    """The text of README.md. inputs: names of what model.onnx takes."""
    import yaml

    head = yaml.safe_dump(_head(about), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n{_body(about, inputs)}"


def _head(about: BundleFile) -> dict[str, Any]:
    task = _HUB_TASKS[about.task]
    metrics = [
        {"type": _ON_HUB[name], "value": value, "name": f"{name} of {about.variant}"}
        for name, value in about.figures.items()
        if name in _ON_HUB
    ]
    result = {
        "task": {"type": task},
        "dataset": {"type": about.experiment, "name": about.experiment, "split": "official"},
        "metrics": metrics,
    }
    return {
        "library_name": "onnx",
        "pipeline_tag": task,
        "tags": ["onnx", about.model_type, about.variant],
        "model-index": [{"name": about.run_name, "results": [result]}],
    }


def _body(about: BundleFile, inputs: Sequence[str]) -> str:
    parts = [f"# {_plain(about.run_name)}", _what(about), _table(about), _how(about, inputs)]
    return "\n\n".join(parts) + "\n"


def _what(about: BundleFile) -> str:
    company = (
        "the same bits alone and in a batch of texts of its length"
        if about.batch_invariant
        else "to be asked one text at a time"
    )
    labels = "" if about.labels is None else f" Labels: {', '.join(map(_plain, about.labels))}."
    return (
        f"The variant `{about.variant}` of run `{about.run_id}` of {_plain(about.experiment)},"
        f" a {about.model_type} for {_HUB_TASKS[about.task].replace('-', ' ')}, at most {about.max_tokens} tokens of"
        f" a text{_kept(about)}; {company}.{labels}"
    )


def _kept(about: BundleFile) -> str:
    """Which ones, of a classifier."""
    if about.labels is None:
        return ""
    return {
        "head": ", its first",
        "tail": ", its last",
        "head_tail": ", a quarter of them its first and the others its last (special tokens apart)",
    }[about.cut]


def _table(about: BundleFile) -> str:
    base = BY_NAME[about.variant].base
    assert base is not None
    rows = [f"| {told.name} | {told.value} |" for told in in_words(about.figures, BY_NAME[base].label)]
    return "\n".join(["| measured | |", "|---|---:|", *rows])


def _how(about: BundleFile, inputs: Sequence[str]) -> str:
    under = about.under
    return (
        f"Measured with onnxruntime {under.onnxruntime} and tokenizers {under.tokenizers} on {under.instruction_set}."
        " INT8 answers differ a little between processors with and without INT8 dot products.\n\n"
        "`encore serve FOLDER` proves the files by `bundle.json`, asks the texts of `golden.json` again, and serves it."
        f" Where Encore is not: `tokenizer.json` makes ids, `model.onnx` {_takes(inputs)} and gives `logits`."
    )


def _takes(inputs: Sequence[str]) -> str:
    whole = [f"`{name}`" for name in inputs if not name.startswith(PAST)]
    cache = [f"`{PAST}…`"] if len(whole) < len(inputs) else []
    *first, last = [*whole, *cache]
    named = f"{', '.join(first)} and {last}" if first else last
    alike = "" if MASK in inputs else ", texts of one length: it has no mask for padding"
    return f"takes them as {named} (int64, one text a row{alike})"


def _plain(text: str) -> str:
    """In Markdown, without its marks."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+-.!|~$&" else letter for letter in text)
