"""What a run came to stands first in its description."""

from __future__ import annotations

from collections.abc import Callable

from tracking.notes import NOTE_TAG, opened_with, plain
from tracking.run_log import RunLog
from tracking.store import Store


def test_a_headline_takes_the_place_of_the_one_before() -> None:
    once = opened_with("**90 %**", "**A model**\n\n- data")
    assert once == "**90 %**\n\n---\n\n**A model**\n\n- data"
    assert opened_with("**91 %**", once) == "**91 %**\n\n---\n\n**A model**\n\n- data"


def test_a_sentence_from_elsewhere_is_no_markdown() -> None:
    assert plain("a *b*\n<script> [x](y)") == "a \\*b\\* \\<script\\> \\[x\\](y)"
    assert plain("&lt;b&gt; a & b") == "\\&lt;b\\&gt; a \\& b"


def test_a_run_that_ends_early_says_why(store: Store, start: Callable[..., RunLog]) -> None:
    log = start(store, description="**A model**")
    log.finish("FAILED", reason="the disk\nis <full>")
    assert store.find(log.run_id).tags[NOTE_TAG] == (
        "**Failed**: the disk is \\<full\\>\n\n---\n\n**A model**"
    )


def test_what_it_was_told_before_stays_when_it_ends(store: Store, start: Callable[..., RunLog]) -> None:
    log = start(store, description="**A model**")
    log.tell("**Pruned** at step 8")
    log.finish("KILLED", reason="pruned")
    assert store.find(log.run_id).tags[NOTE_TAG].startswith("**Pruned** at step 8\n\n---")


def test_a_run_that_goes_on_gets_another_headline(store: Store, start: Callable[..., RunLog]) -> None:
    log = start(store, description="**A model**")
    log.finish("KILLED", reason="interrupted")
    again = store.attach(log.run_id, running=True)
    again.tell("**90 %**")
    again.finish("FINISHED")
    assert store.find(log.run_id).tags[NOTE_TAG] == "**90 %**\n\n---\n\n**A model**"
