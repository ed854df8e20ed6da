"""A logged story, written again by its number."""

from __future__ import annotations

from dataclasses import dataclass, replace

from errors import UserError
from experiments.stories.generate import trained_writer
from generation.writer import Story
from runs.files import RunFiles, run_named
from runs.layout import REQUEST_FILE
from runs.seals import check_listed
from runs.stories import read_request, read_stories
from tracking.redaction import redacted


@dataclass(frozen=True)
class Replay:
    """A logged story, and what it is when it is written again."""

    logged: Story
    again: Story

    @property
    def same(self) -> bool:
        """To the character, end and all."""
        return self.logged == self.again


def replay(run: RunFiles, number: int) -> Replay:
    """Write story `number` of a run again, with the stories that were written beside it.

    UserError for a run without stories, a number that it does not have, and weights that have changed.
    """
    request = read_request(run)
    check_listed(run, REQUEST_FILE)
    logged = _logged(run, number)
    source = trained_writer(run_named(run.store, request.model_run), request.variant, threads=request.threads)
    if source.digest() != request.weights:
        raise UserError(
            f"{source.file} is not what wrote this story",
            where=source.run.where,
            cure="The artifact was altered, or the run was exported again; restore it.",
        )
    if number >= len(request.prompts):
        raise UserError(
            f"has no prompt for story {number} in {REQUEST_FILE}",
            where=run.where,
            cure="The artifact was altered; restore it.",
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


def _logged(run: RunFiles, number: int) -> Story:
    found = read_stories(run)
    for story in found:
        if story.number == number:
            return story
    last = len(found) - 1
    raise UserError(f"has no story {number}", where=run.where, cure=f"Its stories are numbered 0 to {last}.")
