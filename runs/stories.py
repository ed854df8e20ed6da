"""What a run of stories leaves: what was asked, and the stories."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from errors import UserError
from export.variants import VariantName
from generation.options import DecodingConfig
from generation.writer import Story
from runs.files import RunFiles
from runs.layout import REQUEST_FILE, SAMPLES_TABLE, STORIES_TABLE
from runs.record_files import StoryRow, TableFile, parsed
from schema.strict import Strict
from schema.validation import parse


class Request(Strict):
    """All that decides what stories come out."""

    model_run: str
    variant: VariantName
    weights: str
    """sha256 of the file that holds them."""
    threads: int = Field(ge=1, le=1024)
    batch_size: int = Field(ge=1, le=65536)
    decoding: DecodingConfig
    prompts: tuple[str, ...] = Field(min_length=1, strict=False)  # a list, as JSON has it


def read_request(run: RunFiles) -> Request:
    """What was asked of the model. UserError for a run whose stories cannot be written again."""
    if not run.has(REQUEST_FILE):
        sampled = "; its samples are of weights that were not kept" if run.has(SAMPLES_TABLE) else ""
        raise UserError(
            f"holds no stories that can be written again{sampled}",
            where=run.where,
            cure="Name a run that `encore generate` or a decoding sweep made.",
        )
    return parse(Request, run.read(dict[str, Any], REQUEST_FILE), where=f"{run.where}, {REQUEST_FILE}")


def read_stories(run: RunFiles) -> list[Story]:
    """The logged stories, in their order."""
    rows = run.read(TableFile, STORIES_TABLE).rows()
    found = [parsed(StoryRow, row, file=STORIES_TABLE, where=run.where) for row in rows]
    return [Story(row.number, row.prompt, row.story, row.tokens, row.ended) for row in found]
