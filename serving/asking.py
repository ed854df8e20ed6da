"""What may be asked of `POST /v1/completions`: OpenAI's form, with Encore's own decoding options.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticKnownError

from generation.options import DecodingConfig
from serving.alternatives import MANY, ONE, alternative
from serving.limits import LONGEST_STOP, MOST_CHARACTERS, MOST_STOPS, MOST_STORIES

_USUAL = DecodingConfig()
_SMALLEST = 5e-324  # of a temperature, at which the likeliest token alone is left


Prompt = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Prompts = Annotated[list[Prompt], Field(min_length=1, max_length=MOST_STORIES)]
Stop = Annotated[str, Field(min_length=1, max_length=LONGEST_STOP)]
Stops = Annotated[list[Stop], Field(max_length=MOST_STOPS)]


def _number(expected: str) -> BeforeValidator:
    """Refuses `true` and `false`, which a Literal of 1 and 0 would take for them. expected: as an error names it."""

    def checked(given: object) -> object:
        if isinstance(given, bool):
            raise PydanticKnownError("literal_error", {"expected": expected})
        return given

    return BeforeValidator(checked)


Nothing = Annotated[Literal[0], _number("0")] | None


class StreamOptions(BaseModel):
    """include_usage: a last event with the counts."""

    model_config = ConfigDict(extra="forbid", strict=True)
    include_usage: bool | None = False


class CompletionRequest(BaseModel):
    """prompt: one beginning or a list; an empty one begins a text anew. max_tokens: of what is written, its end
    included; none: what the model's context holds. temperature: 0 takes the likeliest token each time. n: texts of
    each prompt. stop: strings before which a text is cut. echo: say the prompt, too.

    Choice number k draws from a generator of its own, of (seed, k): the same request is the same text. null is as good
    as leaving a key out. What OpenAI's form has besides is taken where it asks for nothing; user: is not looked at.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    model: Annotated[str, Field(max_length=500)] | None = None
    prompt: Annotated[Annotated[Prompt, Tag(ONE)] | Annotated[Prompts, Tag(MANY)], Discriminator(alternative)]
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=100)] | None = _USUAL.temperature
    top_p: Annotated[float, Field(gt=0, le=1)] | None = _USUAL.top_p
    repetition_penalty: Annotated[float, Field(ge=1, le=100)] | None = _USUAL.repetition_penalty
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = _USUAL.seed
    n: Annotated[int, Field(ge=1, le=MOST_STORIES)] | None = 1
    stop: Annotated[
        Annotated[Stop, Tag(ONE)] | Annotated[Stops, Tag(MANY)] | Annotated[None, Tag("nothing")],
        Discriminator(lambda given: "nothing" if given is None else alternative(given)),
    ] = None
    echo: bool | None = False
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    best_of: Annotated[Literal[1], _number("1")] | None = None
    frequency_penalty: Nothing = None
    presence_penalty: Nothing = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    logprobs: None = None
    suffix: Annotated[str, Field(max_length=0)] | None = None
    top_k: Annotated[Literal[0, -1], _number("0 or -1")] | None = None
    user: Annotated[str, Field(max_length=MOST_CHARACTERS)] | None = None

    def prompts(self) -> list[str]:
        """In order."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt

    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    def each(self) -> int:
        """Texts of each prompt."""
        return 1 if self.n is None else self.n

    def first_seed(self) -> int:
        """Of all choices together; each has its number besides."""
        return _USUAL.seed if self.seed is None else self.seed

    def meaning(self) -> dict[str, Any]:
        """All that decides the answer, the same however it was asked for."""
        counted = self.stream_options is not None and bool(self.stream_options.include_usage)
        own = {
            "prompts": self.prompts(),
            "each": self.each(),
            "seed": self.first_seed(),
            "stops": self.stops(),
        }
        how = {
            "max_tokens": self.max_tokens,
            "echo": bool(self.echo),
            "stream": bool(self.stream),
            "counted": counted,
        }
        return {**own, **how, **self.options()}

    def options(self) -> dict[str, float]:
        """How tokens are drawn, as `generation.sampling` has it."""
        given = {name: getattr(self, name) for name in ("temperature", "top_p", "repetition_penalty")}
        found = {name: getattr(_USUAL, name) if value is None else value for name, value in given.items()}
        return {**found, "temperature": max(found["temperature"], _SMALLEST)}
