"""Golden answers: what a variant answered to a few texts on the day it was exported, to the bit.

They are taken from the text on, through `tokenizer.json` as a server reads it, and each text is asked alone. Whoever
serves the variant asks the same again, and so knows that tokenizer, weights and runtime are those that were measured.

Shape legend: L tokens, C classes, V vocabulary.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from datamodules.cut import Cut
from errors import UserError
from export.options import GoldenTexts
from export.session import OnnxModel
from export.text_ids import TextIds
from host.cpu import instruction_set
from host.model_folder import CONFIG, TOKENIZER_CONFIG, ModelFolder
from schema.strict import Strict

if TYPE_CHECKING:
    from export.onnx_reader import OnnxDecoder

GOLDEN_FILE = "golden.json"
GOLDEN_TEXTS = 16
_WORDS_OF_PROMPTS = (1, 4, 12, 24)
_CONTINUED = 16  # tokens
_LIKELIEST = 32  # logits that are kept of a vocabulary's


class Conditions(Strict):
    """Under what golden answers were given: another of these, and the last bits may differ."""

    instruction_set: str
    onnxruntime: str
    tokenizers: str


class ClassifierAnswer(Strict):
    """Of a text: its ids, a float32 for each label, and the likeliest label."""

    kind: Literal["label"] = "label"
    text: str
    ids: list[int] = Field(min_length=1)
    logits: list[float] = Field(min_length=2)
    label: str


class PromptAnswer(Strict):
    """Of a prompt: its ids, opened by the end of the text before it; the likeliest next tokens with their float32
    logits, and sha256 over all of the vocabulary's (float32, little-endian); how the text goes on, the likeliest token
    each time."""

    kind: Literal["continuation"] = "continuation"
    text: str
    ids: list[int] = Field(min_length=1)
    next_ids: list[int] = Field(min_length=1)
    logits: list[float] = Field(min_length=1)
    logits_digest: str
    greedy: list[int]


class Golden(Strict):
    """`golden.json`."""

    format: Literal[1] = 1
    variant: str
    under: Conditions
    max_tokens: int = Field(ge=1)
    cut: Cut = "head"
    answers: list[ClassifierAnswer] | list[PromptAnswer] = Field(min_length=1)


Answers = Callable[[Path, TextIds, GoldenTexts, int], Iterator[ClassifierAnswer | PromptAnswer]]
"""Of a task: given a variant's folder, its tokenizer, the texts, and the threads of its session."""


def here() -> Conditions:
    """The conditions in this process."""
    return Conditions(
        instruction_set=instruction_set(),
        onnxruntime=version("onnxruntime"),
        tokenizers=version("tokenizers"),
    )


def spread(lengths: Sequence[int]) -> list[int]:
    """Positions of at most 16 texts whose lengths are spread from the shortest to the longest, ascending."""
    order = sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    last = len(order) - 1
    places = {round(number * last / (GOLDEN_TEXTS - 1)) for number in range(GOLDEN_TEXTS)}
    return sorted(order[place] for place in places)


def write_golden(folder: Path, variant: str, texts: GoldenTexts, answers: Answers, *, threads: int) -> None:
    """Ask the variant in `folder` and write golden.json beside it.

    UserError where tokenizer.json reads a text otherwise than the training did.
    """
    reader = TextIds(folder, limit=texts.limit)
    for number, ids in enumerate(texts.ids or ()):
        if reader.of(texts.texts[number]).ids != list(ids):
            raise UserError(
                f"reads the text {texts.texts[number][:40]!r} otherwise than the training did",
                where=f"{variant}/tokenizer.json",
                cure="Save the tokenizer as one of a fast tokenizer's own classes, with its tokenizer.json.",
            )
    found = list(answers(folder, reader, texts, threads))
    limit = texts.limit
    golden = Golden(
        variant=variant,
        under=here(),
        max_tokens=limit.max_tokens,
        cut=limit.cut,
        answers=found,  # type: ignore[arg-type]
    )
    unsaid = (
        {"cut"} if limit.cut == "head" else set[str]()
    )  # as in files that runs are held to, from before it was one
    content = golden.model_dump(mode="json", exclude=unsaid)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / GOLDEN_FILE).write_text(text + "\n", encoding="utf-8")


def classifier_answers(
    folder: Path, reader: TextIds, texts: GoldenTexts, threads: int
) -> Iterator[ClassifierAnswer]:
    """One of each text."""
    import numpy as np

    model = OnnxModel(folder, threads=threads)
    for text in texts.texts:
        ids = reader.of(text).ids
        logits_C = model.logits(np.array([ids], np.int64))[0]
        label = labels_of(folder, len(logits_C))[int(logits_C.argmax())]
        yield ClassifierAnswer(text=text, ids=ids, logits=logits_C.tolist(), label=label)


def prompt_answers(folder: Path, reader: TextIds, texts: GoldenTexts, threads: int) -> Iterator[PromptAnswer]:
    """One of the beginning of each of the first four texts: of 1, 4, 12 and 24 words; where none of these leaves room
    to go on, of no words."""
    from export.onnx_reader import OnnxDecoder

    end = reader.id_of(end_of_text(folder))
    decoder = OnnxDecoder(folder, threads=threads, rows_apart=True)
    room = max(1, min(texts.limit.max_tokens, decoder.context_tokens) - _CONTINUED)
    prompts = [
        " ".join(text.split()[:words]) for text, words in zip(texts.texts, _WORDS_OF_PROMPTS, strict=False)
    ]
    read = [(prompt, [end, *reader.of(prompt, ends=False).ids]) for prompt in prompts]
    for prompt, ids in [(prompt, ids) for prompt, ids in read if len(ids) <= room] or [("", [end])]:
        yield _continued(decoder, prompt, ids)


def _continued(decoder: OnnxDecoder, prompt: str, ids: list[int]) -> PromptAnswer:
    import numpy as np

    ids_BT = np.array([ids], np.int64)
    first_V = logits_V = decoder.read(ids_BT, np.ones_like(ids_BT))[0]
    greedy = [int(first_V.argmax())]
    while len(greedy) < min(_CONTINUED, decoder.context_tokens - len(ids)):
        logits_V = decoder.next(np.array(greedy[-1:], np.int64))[0]
        greedy.append(int(logits_V.argmax()))
    next_ids = np.argsort(-first_V, kind="stable")[:_LIKELIEST]
    return PromptAnswer(
        text=prompt,
        ids=ids,
        next_ids=next_ids.tolist(),
        logits=first_V[next_ids].tolist(),
        logits_digest=hashlib.sha256(first_V.astype("<f4").tobytes()).hexdigest(),
        greedy=greedy,
    )


def labels_of(folder: Path, count: int) -> list[str]:
    """The labels of a classifier of `count` of them, as its config names them; without names LABEL_0, LABEL_1, … as
    transformers counts them. UserError for other names than one each."""
    config = ModelFolder(folder, where=str(folder)).table(CONFIG)
    numbers = [str(number) for number in range(count)]
    names = config.get("id2label", {number: f"LABEL_{number}" for number in numbers})
    if not isinstance(names, dict) or set(names) != set(numbers):
        raise UserError(
            f"does not name {count} labels", where=str(folder / CONFIG), cure="Export the run again."
        )
    return [str(names[number]) for number in numbers]


def end_of_text(folder: Path) -> str:
    """The token that ends a text, as the tokenizer's config names it. UserError where it names none."""
    found = ModelFolder(folder, where=str(folder)).table(TOKENIZER_CONFIG).get("eos_token")
    name = found.get("content") if isinstance(found, dict) else found
    if not isinstance(name, str):
        raise UserError(
            "names no end of a text", where=str(folder / TOKENIZER_CONFIG), cure="Export the run again."
        )
    return name
