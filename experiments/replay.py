"""A logged story, written again by its number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from errors import UserError
from experiments.generate import REQUEST_FILE, STORIES_TABLE, Request, source_of
from experiments.loading import parse
from experiments.recorded import RunArtifacts, altered
from experiments.writing import Story
from tracking.redaction import redacted

if TYPE_CHECKING:
    from tracking.records import RunRecord
    from tracking.store import Store

_STORY = ("prompt", "story", "tokens", "ended")  # columns of the table


@dataclass(frozen=True)
class Replay:
    """A logged story, and what it is when it is written again."""

    logged: Story
    again: Story

    @property
    def same(self) -> bool:
        """To the character, end and all."""
        return self.logged == self.again


def replay(store: Store, record: RunRecord, number: int) -> Replay:
    """Write story `number` of a run again, with the stories that were written beside it.

    UserError for a run without stories, a number that it does not have, and weights that have changed.
    """
    run = RunArtifacts(store, record)
    request = _request(run)
    logged = _logged(run, number)
    source = source_of(store, store.find(request.model_run), request.variant, threads=request.threads)
    if source.digest() != request.weights:
        raise UserError(
            f"{source.file} is not what wrote this story",
            where=source.run.where,
            cure="The artifact was altered, or the run was exported again; restore it.",
        )
    begin = number // request.batch_size * request.batch_size
    prompts = request.prompts[begin : begin + request.batch_size]
    writer = source.writer(batch_size=request.batch_size)
    numbers = range(begin, begin + len(prompts))
    return Replay(
        logged, _as_logged(writer.write(prompts, request.decoding, numbers=numbers)[number - begin])
    )


def _as_logged(story: Story) -> Story:
    """`story` as a record holds it, in which nothing stands that looks like a credential."""
    return replace(story, prompt=redacted(story.prompt), text=redacted(story.text))


def _request(run: RunArtifacts) -> Request:
    if not run.has(REQUEST_FILE):
        sampled = "; its samples are of weights that were not kept" if run.has("samples/stories.json") else ""
        raise UserError(
            f"holds no stories that can be written again{sampled}",
            where=run.where,
            cure="Name a run that `encore generate` or a decoding sweep made.",
        )
    return parse(Request, run.json(REQUEST_FILE), where=f"{run.where}, {REQUEST_FILE}")


def _logged(run: RunArtifacts, number: int) -> Story:
    table = run.json(STORIES_TABLE)
    try:
        rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
        found = [Story(row["number"], *(row[column] for column in _STORY)) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise altered(run, STORIES_TABLE) from error
    for story in found:
        if story.number == number:
            return story
    last = len(found) - 1
    raise UserError(f"has no story {number}", where=run.where, cure=f"Its stories are numbered 0 to {last}.")
