"""A model whose attention is studied, and texts as it reads them.

Legend: B batch, T tokens, D width, R layers, H heads, K width of a head, L outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from datamodules.cut import Cut, TextLimit
from errors import UserError
from experiments.studies.models import StudiedModel, folder_prints
from export.golden import end_of_text, labels_of
from export.text_ids import TextIds
from host.boundary import boundary
from host.model_folder import CONFIG, TOKENIZER

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from lightning_modules.attention import Attending

_ROWS_AT_ONCE = 64
_APART = 1e-5  # of the largest logit: what two ways to compute one network may differ by
_T = TypeVar("_T")


@dataclass(frozen=True)
class Read:
    """A text as the model reads it. texts: of each token. spans: of its characters. special: it is none of the text.
    words: the word of each token. left_out: tokens that were cut."""

    text: str
    ids: tuple[int, ...]
    texts: tuple[str, ...]
    special: tuple[bool, ...]
    words: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    left_out: int

    @property
    def word_texts(self) -> list[str]:
        """What each word is, special tokens by their names."""
        found: list[list[int]] = [[] for _ in range(self.words[-1] + 1)]
        for at, word in enumerate(self.words):
            found[word].append(at)
        return [self._word(pieces) for pieces in found]

    def _word(self, pieces: Sequence[int]) -> str:
        if self.special[pieces[0]]:
            return self.texts[pieces[0]]
        return self.text[self.spans[pieces[0]][0] : self.spans[pieces[-1]][1]].strip()

    @property
    def own_words(self) -> list[int]:
        """Words of the text itself."""
        return sorted({word for word, special in zip(self.words, self.special, strict=True) if not special})


@dataclass(frozen=True)
class Attended:
    """One text read by the model, without padding. values_RHTK: each token's, before they are mixed; logits: of the
    position that answers (L,)."""

    weights_RHTT: NDArray[np.float32]
    values_RHTK: NDArray[np.float32]
    logits_L: NDArray[np.float32]


class AttentionModel:
    """labels: of a classifier; none of a language model. at: the position whose last state gives the answer. nothing:
    name and number of the token that stands for no word."""

    def __init__(self, studied: StudiedModel, *, max_tokens: int) -> None:
        """UserError for a model without attention."""
        if studied.family.attending is None:
            raise UserError(
                f"a model of kind {studied.family.kind!r} has no attention",
                where=studied.where,
                cure="Name a run of a transformer; `encore study sentiment` takes any classifier.",
            )
        self.studied = studied
        self.network: Attending = studied.family.attending(studied.model)
        studied.model.network.requires_grad_(requires_grad=False)
        self.writes = studied.family.task.writes
        self._limit = TextLimit(min(max_tokens, studied.limit.max_tokens) - self.writes, studied.limit.cut)
        self._reader = TextIds(studied.folder, limit=self._limit)
        self.end = self._reader.id_of(end_of_text(studied.folder)) if self.writes else None
        self.nothing = self._nothing()
        self.labels = () if self.writes else tuple(labels_of(studied.folder, studied.model.outputs))

    @property
    def cut(self) -> Cut:
        """What is kept of a text that is too long."""
        return self._limit.cut

    @property
    def at(self) -> int:
        return -1 if self.writes else 0

    @property
    def layers(self) -> int:
        return len(self.network.layers)

    def check_head(self, layer: int, head: int) -> None:
        """UserError where there is no such layer or head."""
        for name, asked, count in (("layer", layer, self.layers), ("head", head, self.network.heads)):
            if not 0 <= asked < count:
                raise UserError(
                    f"the model has {count} {name}s, from 0 to {count - 1}",
                    where=f"--{name} {asked}",
                    cure="Name one of these.",
                )

    def fingerprints(self) -> dict[str, str]:
        """Digests of weights, config and tokenizer."""
        return {"weights": self.studied.weights, **folder_prints(self.studied.folder)}

    def read(self, text: str) -> Read:
        """A text's tokens; a language model's are opened by the end of the text before. UserError where none is left
        of it."""
        from analysis.attention.words import words_of

        tokenizer = self._reader.tokenizer
        cure = "It needs an undamaged tokenizer.json, of a kind that the tokenizers library here knows."
        with boundary("cannot split a text", where=self.studied.where, cure=cure):
            found = tokenizer.encode(text)
        kept = self._limit.kept(found)
        ids, texts = _taken(found.ids, kept), _taken(_shown(text, found), kept)
        spans, units = _taken(found.offsets, kept), _taken(found.word_ids, kept)
        special = [bool(one) for one in _taken(found.special_tokens_mask, kept)]
        if all(special):
            raise UserError(
                "nothing of it is left by the model's tokenizer",
                where="the text",
                cure="Give one with words.",
            )
        if self.end is not None:
            ids, texts = [self.end, *ids], [str(tokenizer.id_to_token(self.end)), *texts]
            spans, units, special = [(0, 0), *spans], [None, *units], [True, *special]
        left_out = len(found.ids) - len(kept)
        words = words_of(text, spans, units, special)
        return Read(text, tuple(ids), tuple(texts), tuple(special), tuple(words), tuple(spans), left_out)

    def attended(self, ids: Sequence[int]) -> Attended:
        """UserError where the logits are not those that the model gives by itself, by which it is studied."""
        import numpy as np
        import torch

        from lightning_modules.attention import run, visible

        ids_BT = torch.tensor([list(ids)])
        with torch.inference_mode():
            hidden_BTD = self.network.begun(self.network.words(ids_BT))
            logits, seen = run(self.network, hidden_BTD, visible([len(ids)], causal=self.network.causal))
            self._check(logits, self.studied.model.logits(ids_BT))
        answer = logits[0, self.at] if self.writes else logits[0]
        return Attended(
            np.stack([one.weights_BHTT[0].numpy() for one in seen]),
            np.stack([one.values_BHTK[0].numpy() for one in seen]),
            answer.numpy(),
        )

    def _check(self, written_out: torch.Tensor, its_own: torch.Tensor) -> None:
        apart = float((written_out - its_own).abs().max())
        if not apart <= _APART * max(1.0, float(its_own.abs().max())):
            raise UserError(
                f"its logits with attention written out differ by {apart:.1e} from its own",
                where=self.studied.where,
                cure="Say so to the authors: its attention cannot be shown as it is.",
            )

    def logits(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """(N, L) of the position that answers, for rows of ids of any lengths, some at once."""
        import numpy as np
        import torch

        from lightning_modules.attention import padded, run, visible

        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        found_NL = np.empty((len(rows), self.studied.model.outputs), np.float32)
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            some = order[begin : begin + _ROWS_AT_ONCE]
            lengths = [len(rows[row]) for row in some]
            with torch.inference_mode():
                hidden_BTD = self.network.begun(self.network.words(padded([rows[row] for row in some])))
                logits, _ = run(self.network, hidden_BTD, visible(lengths, causal=self.network.causal))
            if self.writes:
                logits = logits[torch.arange(len(some)), torch.tensor(lengths) - 1]
            found_NL[some] = logits.numpy()
        return found_NL

    def _nothing(self) -> tuple[str, int]:
        """The token that stands for no word, its name and number: that of padding, a language model's end of text.
        UserError where the config names none that the tokenizer has."""
        network: Any = self.studied.model.network
        number = self.end if self.end is not None else network.config.pad_token_id
        is_id = isinstance(number, int) and number >= 0
        name = self._reader.tokenizer.id_to_token(number) if is_id else None
        if name is None:
            raise UserError(
                f"pad_token_id is {number!r}, which is no token of {TOKENIZER}",
                where=str(self.studied.folder / CONFIG),
                cure="Put the number of the padding token there: integrated gradients begin at a text of it.",
            )
        return name, number

    def baseline(self, read: Read) -> list[int]:
        """The same ids with that token in the place of each of the text's own; special tokens stay."""
        number = self.nothing[1]
        return [its if special else number for its, special in zip(read.ids, read.special, strict=True)]

    def named(self, number: int) -> dict[str, str]:
        """What an answer is called: a label, or the next token."""
        if self.writes:
            name = self._reader.tokenizer.decode([number], skip_special_tokens=False)
            return {"kind": "next token", "name": name.strip() or repr(name)}
        return {"kind": "label", "name": self.labels[number]}

    def outs(self) -> list[NDArray[np.float32]]:
        """(H, K, D) of each layer: what carries its heads' values on."""
        return [layer.out_HKD.numpy() for layer in self.network.layers]


def _taken(column: Sequence[_T], places: Sequence[int]) -> list[_T]:
    return [column[place] for place in places]


def _shown(text: str, found: object) -> list[str]:
    """Each token as a person reads it: characters of the text where a token spells them in bytes, else its own name."""
    tokens: list[str] = found.tokens  # type: ignore[attr-defined]
    spans: list[tuple[int, int]] = found.offsets  # type: ignore[attr-defined]
    shown: list[str] = []
    for token, (start, end) in zip(tokens, spans, strict=True):
        plain = text[start:end].strip()
        shown.append(plain if plain and token[:1] in "ĠĊ" else token)
    return shown
