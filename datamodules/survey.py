"""What a person would look at in the rows of an experiment before training on them: lengths, labels, copies, overlaps.

Legend: N rows of a split, S ids of a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datamodules.classification import TextClassificationData
from datamodules.copies import Copies, Overlap, copies_of, overlaps_of
from datamodules.cut import TextLimit
from datamodules.lengths import Lengths, RowTokens, lengths_of, row_tokens
from datamodules.oddities import row_like_sentence, row_pattern
from datamodules.summary import DataSummary, summary_of
from datamodules.texts import Texts, look_at
from host.progress import OnProgress

if TYPE_CHECKING:
    from datamodules.tokenized import SplitName, TokenizedData

MANY_COPIES, MUCH_OVERLAP, MANY_UNKNOWN, MANY_CUT = 0.1, 0.01, 0.05, 0.5  # shares that are told
_PIECES = 2**24  # ids looked at at once


@dataclass(frozen=True)
class Sample:
    """One row of the train split: its text, and the pieces that the model reads, special ones too."""

    row: int
    label: str | None
    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class SplitSurvey:
    """One split. tokens: of its table; unknown: how many of them are the unknown token; texts: see `Texts`."""

    split: str
    lengths: Lengths
    tokens: int
    unknown: int
    with_special: Mapping[str, int]


@dataclass(frozen=True)
class Survey:
    """All of it. samples: rows of train, drawn with the run's seed. warnings: the summary's and what else is odd."""

    summary: DataSummary
    tokenizer: str
    splits: tuple[SplitSurvey, ...]
    copies: Copies
    overlaps: tuple[Overlap, ...]
    samples: tuple[Sample, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def survey(data: TokenizedData, *, samples: int = 5, on_progress: OnProgress) -> Survey:
    """Look at every row of a datamodule that is set up; in memory are some bytes for each row, not the texts."""
    summary = summary_of(data)
    texts: dict[SplitName, Texts] = {split: _texts(data, split, on_progress) for split in data.rows}
    tokens = {split: row_tokens(data, split, on_progress) for split in data.rows}
    splits = tuple(_split(data, split, texts[split], tokens[split]) for split in data.rows)
    copies = copies_of(texts["train"].digests, data.rows["train"])
    overlaps = overlaps_of({str(split): found.digests for split, found in texts.items()})
    warnings = [*_warnings(data, summary, texts), *_told_shares(splits, copies, overlaps)]
    if isinstance(data, TextClassificationData):  # a story that is longer than the context loses nothing
        warnings += _told_cuts(splits, data.settings.limit)
    return Survey(
        summary,
        f"{data.context.tokenizer.source or 'trained on the train split'}, {len(data.tokenizer):,} pieces",
        splits,
        copies,
        overlaps,
        tuple(_samples(data, tokens["train"], samples)),
        tuple(warnings),
    )


def _texts(data: TokenizedData, split: SplitName, on_progress: OnProgress) -> Texts:
    rows = data.rows[split].texts
    return look_at(
        rows,
        special=data.tokenizer.all_special_tokens,
        pattern=row_pattern(len(data.wanted.label_names)),
        on_progress=lambda done: on_progress(f"reading {split}", done, len(rows)),
    )


def _split(data: TokenizedData, split: SplitName, texts: Texts, tokens: RowTokens) -> SplitSurvey:
    ids_S = data.tables[split].ids_S
    lengths = lengths_of(tokens.lengths, data.settings.max_tokens)
    return SplitSurvey(split, lengths, len(ids_S), _unknown(data, ids_S), texts.with_special)


def _unknown(data: TokenizedData, ids_S: NDArray[np.int32]) -> int:
    """How many ids are the unknown token; GPT-2 has none and calls the end of a text so."""
    unknown = data.tokenizer.unk_token_id
    if unknown is None or unknown == data.tokenizer.eos_token_id:
        return 0
    return sum(int((ids_S[at : at + _PIECES] == unknown).sum()) for at in range(0, len(ids_S), _PIECES))


def _warnings(data: TokenizedData, summary: DataSummary, texts: Mapping[SplitName, Texts]) -> list[str]:
    """The summary's, with what was found in all texts in place of what was found in a sample."""
    found = [*summary.label_warnings]
    for split, looked in texts.items():
        if looked.row_like:
            row = looked.first_row_like
            text, pattern = data.rows[split].texts[row], row_pattern(len(data.wanted.label_names))
            found.append(row_like_sentence(split, row, text, pattern, looked.row_like, len(looked.digests)))
    return found


def _told_shares(splits: Sequence[SplitSurvey], copies: Copies, overlaps: Sequence[Overlap]) -> list[str]:
    """A sentence for each share that is larger than what is usual."""
    told: list[str] = []
    if copies.more > MANY_COPIES * copies.rows:
        told.append(f"train: {copies.more:,} of {copies.rows:,} rows are copies of others")
    told += [
        f"{overlap.of}: {overlap.shared:,} of {overlap.rows:,} rows stand in {overlap.within}, too"
        for overlap in overlaps
        if overlap.shared > MUCH_OVERLAP * overlap.rows
    ]
    for split in splits:
        if split.unknown > MANY_UNKNOWN * split.tokens:
            share = 100 * split.unknown / split.tokens
            told.append(f"{split.split}: {share:.0f} % of the tokens are unknown to the tokenizer")
    return told


def _told_cuts(splits: Sequence[SplitSurvey], limit: TextLimit) -> list[str]:
    found = ((split.split, split.lengths) for split in splits)
    return [
        f"{name}: {lengths.rows - lengths.whole:,} of {lengths.rows:,} texts are longer than "
        f"data.max_tokens={lengths.max_tokens} and are cut (data.cut={limit.cut})"
        for name, lengths in found
        if lengths.rows - lengths.whole > MANY_CUT * lengths.rows
    ]


def _samples(data: TokenizedData, tokens: RowTokens, wanted: int) -> list[Sample]:
    rows = len(tokens.lengths)
    drawn = np.random.Generator(np.random.PCG64(data.context.seed)).choice(
        rows, min(wanted, rows), replace=False
    )
    return [_sample(data, tokens, int(row)) for row in drawn]


def _sample(data: TokenizedData, tokens: RowTokens, row: int) -> Sample:
    rows = data.rows["train"]
    ids = tokens.sequence(row)
    label = None if rows.labels is None else data.wanted.label_names[rows.labels[row]]
    return Sample(row, label, rows.texts[row], tuple(ids.tolist()), pieces_of(data, ids))


def pieces_of(data: TokenizedData, ids: NDArray[np.int32]) -> tuple[str, ...]:
    """Each id as the text that it stands for; the tokenizer's own spelling where it is a part of a character."""
    tokens = list(data.tokenizer.convert_ids_to_tokens(ids.tolist()))
    texts = [data.tokenizer.decode([number], clean_up_tokenization_spaces=False) for number in ids.tolist()]
    return tuple(
        token if "\N{REPLACEMENT CHARACTER}" in text or token.startswith("##") else text
        for token, text in zip(tokens, texts, strict=True)
    )
