"""OpenAI's own client against a writer's server."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from tests.serving.servers import Running

ASKED: dict[str, Any] = {"prompt": "Once upon a time", "max_tokens": 12, "seed": 3}


@pytest.fixture
def client(story_server: Running) -> Any:
    return openai.OpenAI(base_url=f"{story_server.address}/v1", api_key="none", max_retries=0)


@pytest.fixture
def model(client: Any) -> str:
    (found,) = client.models.list().data
    return found.id


def test_a_stream_joined_is_the_whole_text(client: Any, model: str) -> None:
    whole = client.completions.create(model=model, **ASKED)
    counted = {"include_usage": True}
    *parts, last = client.completions.create(model=model, **ASKED, stream=True, stream_options=counted)
    assert whole.choices[0].text
    assert "".join(part.choices[0].text for part in parts) == whole.choices[0].text
    assert parts[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert last.choices == []
    assert last.usage == whole.usage
    assert whole.usage is not None
    assert 1 <= whole.usage.completion_tokens <= ASKED["max_tokens"]


def test_choices_come_in_the_order_of_prompts(client: Any, model: str) -> None:
    prompts = ["One day", "Lily"]
    found = client.completions.create(model=model, prompt=prompts, n=2, max_tokens=5, echo=True, stop=["."])
    assert [choice.index for choice in found.choices] == [0, 1, 2, 3]
    for choice, prompt in zip(found.choices, ("One day", "One day", "Lily", "Lily"), strict=True):
        assert choice.text.startswith(prompt)
        assert "." not in choice.text


def test_eight_at_once_get_what_one_gets(story_server: Running, client: Any, model: str) -> None:
    alone = client.completions.create(model=model, **ASKED)

    async def together() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=f"{story_server.address}/v1", api_key="none") as many:
            return await asyncio.gather(*(many.completions.create(model=model, **ASKED) for _ in range(8)))

    assert all(one == alone for one in asyncio.run(together()))


@pytest.mark.parametrize(
    ("options", "error", "field"),
    [
        ({"model": "another"}, openai.NotFoundError, "model"),
        ({"max_tokens": 10**9}, openai.UnprocessableEntityError, "max_tokens"),
        ({"logprobs": 3}, openai.UnprocessableEntityError, "logprobs"),
    ],
)
def test_a_refusal_is_an_error_of_its_kind(
    client: Any, model: str, options: dict[str, Any], error: type[openai.APIStatusError], field: str
) -> None:
    with pytest.raises(error) as told:
        client.completions.create(**{"model": model, **ASKED, **options})
    assert isinstance(told.value.body, dict)
    assert told.value.body["field"] == field
    assert told.value.body["cure"]
