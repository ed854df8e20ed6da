"""Whatever is typed: it is taken as it was typed, or refused in one line. ENCORE_EXAMPLES draws more of each."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import given, settings

from tests.schema.drawn import (
    judge_name,
    judge_override,
    judge_root,
    judge_structure,
    judge_yaml,
    names,
    outcome,
    overrides,
    roots,
    structures,
    yaml_texts,
)

drawn = settings(max_examples=int(os.environ.get("ENCORE_EXAMPLES", "150")), deadline=None)


@drawn
@given(overrides)
def test_an_override_says_what_was_typed_or_is_refused(case: tuple[str, str, str]) -> None:
    outcome(judge_override, case)


@drawn
@given(yaml_texts)
def test_a_yaml_text_is_what_stands_in_it_or_is_refused(text: str) -> None:
    outcome(judge_yaml, text)


@drawn
@given(structures)
def test_what_json_writes_is_read_as_it_was(content: dict[str, Any]) -> None:
    outcome(judge_structure, content)


@drawn
@given(names)
def test_a_name_is_what_is_called_so_or_is_refused(name: str) -> None:
    outcome(judge_name, name)


@drawn
@given(roots)
def test_a_root_is_that_folder_for_every_library_or_is_refused(name: str) -> None:
    outcome(judge_root, name)
