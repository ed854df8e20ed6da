"""A language model with its tokenizer, writing stories: while it is trained, or from a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datamodules.tokenizers import encode, end_token_id
from errors import UserError
from generation.options import DecodingConfig
from generation.prompts import unread
from generation.sampling import Reader, write
from host.progress import OnProgress, silent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BATCH_SIZE = 8


@dataclass(frozen=True)
class Story:
    """A story, its prompt first. tokens: of the text, without its end. ended: by itself, before the limit."""

    number: int
    prompt: str
    text: str
    tokens: int
    ended: bool


@dataclass(frozen=True)
class Writer:
    """Writes with `reader`; batch_size stories at a time."""

    reader: Reader
    tokenizer: PreTrainedTokenizerFast
    batch_size: int = BATCH_SIZE

    def write(
        self,
        prompts: Sequence[str],
        decoding: DecodingConfig,
        *,
        numbers: Sequence[int] | None = None,
        on_progress: OnProgress = silent,
    ) -> list[Story]:
        """A story for each prompt. numbers: of the stories, for their seeds; none: 0, 1, 2, ...

        UserError for a prompt that the model cannot read, and for a limit that prompt or context do not allow.
        """
        context = self.reader.context_tokens
        ids = ids_of_prompts(self.tokenizer, prompts, decoding, context_tokens=context)
        numbers = range(len(prompts)) if numbers is None else numbers
        stories: list[Story] = []
        for begin in range(0, len(prompts), self.batch_size):
            batch = slice(begin, begin + self.batch_size)
            stories += self._batch(prompts[batch], ids[batch], numbers[batch], decoding)
            on_progress("writing stories", len(stories), len(prompts))
        return stories

    def _batch(
        self,
        prompts: Sequence[str],
        ids: Sequence[list[int]],
        numbers: Sequence[int],
        decoding: DecodingConfig,
    ) -> list[Story]:
        written = write(
            self.reader,
            ids,
            seeds=[(decoding.seed, number) for number in numbers],
            end=end_token_id(self.tokenizer),
            max_length=decoding.max_length or self.reader.context_tokens,
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            repetition_penalty=decoding.repetition_penalty,
        )
        return [
            Story(number, prompt, self._text(story.ids), len(story.ids), story.ended)
            for number, prompt, story in zip(numbers, prompts, written, strict=True)
        ]

    def _text(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)


def ids_of_prompts(
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    decoding: DecodingConfig,
    *,
    context_tokens: int,
) -> list[list[int]]:
    """Token ids of each prompt. UserError for one that cannot be read, or that leaves no room to write."""
    limit = decoding.max_length
    if limit is not None and limit > context_tokens:
        raise UserError(
            f"{limit} tokens, and the model's context holds {context_tokens}",
            where="max_length",
            cure=f"Ask for at most {context_tokens}.",
        )
    ids = [prompt_ids(tokenizer, prompt) for prompt in prompts]
    for prompt, found in zip(prompts, ids, strict=True):
        if len(found) >= context_tokens:
            raise UserError(
                f"has {len(found)} tokens, and the model's context holds {context_tokens} with the story's end",
                where=_shown(prompt),
                cure="Give a shorter prompt.",
            )
        if limit is not None and len(found) >= limit:
            raise UserError(
                f"has {len(found)} tokens, which leaves none of max_length={limit} to write",
                where=_shown(prompt),
                cure="Raise max_length, or give a shorter prompt.",
            )
    return ids


def prompt_ids(tokenizer: PreTrainedTokenizerFast, prompt: str) -> list[int]:
    """Token ids of a prompt. UserError where it is no text, or the vocabulary has no tokens for a part of it."""
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise UserError("is not UTF-8", where=_shown(prompt), cure="Give it as UTF-8.") from error
    encoded: Any = encode(tokenizer, prompt, add_special_tokens=False, return_offsets_mapping=True)
    ids, spans = list(encoded["input_ids"]), list(encoded["offset_mapping"])
    if str(tokenizer.eos_token) in prompt or end_token_id(tokenizer) in ids:
        raise UserError(
            f"holds {tokenizer.eos_token}, the end of a story",
            where=_shown(prompt),
            cure="Take it out.",
        )
    unknown: Any = tokenizer.unk_token_id
    lacking = unread(prompt, ids, spans, unknown=unknown)
    if lacking is not None:
        # What was left out is not counted in the places of the rest.
        silent = (letter for letter in prompt if letter.strip() and not tokenizer.tokenize(letter))
        raise UserError(
            f"the model's vocabulary has no token for {next(silent, lacking)!r:.40}",
            where=_shown(prompt),
            cure="Leave it out of the prompt.",
        )
    return ids


def _shown(prompt: str) -> str:
    return f"prompt {prompt!r}" if len(prompt) <= 48 else f"prompt {prompt[:48] + '…'!r}"
