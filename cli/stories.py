"""The verbs of stories: writing some, and writing one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import print_json
from cli.session import FAILED, OK, named_run, open_existing, outputs
from cli.story_tables import print_replay, print_setting, print_settings, print_stories
from errors import UserError
from experiments.checkout import check_own_checkout
from experiments.entrance import refuse_secrets
from generation.options import DecodingConfig
from host.progress import working
from schema.numbers import counted
from schema.validation import parse

if TYPE_CHECKING:
    from sweeps.config import DecodingSweepConfig


def generate_verb(
    run_id: str,
    prompts: Sequence[str],
    n: int,
    given: Mapping[str, object],
    variant: str,
    root: Path,
    *,
    as_json: bool,
) -> int:
    options = {key: value for key, value in given.items() if value is not None}
    decoding = parse(DecodingConfig, options, where="encore generate")
    refuse_secrets({"--prompt": prompts}, where="encore generate")
    check_own_checkout()
    out, reporter, run = named_run(run_id, root)
    from experiments.stories.generate import generate, trained_writer, variant_named
    from host.cpu import usable_cores

    source = trained_writer(run, variant_named(variant), threads=usable_cores())
    wanted = [prompt.strip() for prompt in prompts for _ in range(n)]
    generated = generate(source, wanted, decoding, reporter=reporter)
    if as_json:
        print_json(asdict(generated))
    else:
        print_stories(out, reporter.console, generated, root)
    return OK


def story_verb(story_id: str, root: Path, *, as_json: bool) -> int:
    run_id, _, number = story_id.partition("#")
    wanted = counted(number)
    if not run_id or wanted is None:
        raise UserError("names no story", where=story_id, cure="Write ID#NUMBER, as in 3f2a91c0#12.")
    out, reporter, run = named_run(run_id, root)
    from experiments.stories.rewrite import replay

    with working(reporter, "writing the story again"):
        found = replay(run, wanted)
    if as_json:
        print_json({**asdict(found), "same": found.same})
    else:
        print_replay(out, reporter.console, found)
    return OK if found.same else FAILED


def decoding_sweep_verb(
    sweep: DecodingSweepConfig, rest: Sequence[str], root: Path, *, again: bool, as_json: bool, dry_run: bool
) -> int:
    if again:
        raise UserError(
            "a decoding sweep trains nothing",
            where="--again",
            cure="Leave it out; seed=1 draws other settings.",
        )
    if rest:
        raise UserError(
            "no such key of a decoding sweep", where=rest[0], cure="`--dry-run` prints every key."
        )
    if dry_run:
        print_json({"sweep": sweep.model_dump(mode="json")})
        return OK
    check_own_checkout()
    out, reporter = outputs()
    store = open_existing(root, reporter)
    from sweeps.decoding.recorded import known_settings
    from sweeps.decoding.writing import writing_run
    from sweeps.finished import ALREADY

    report = known_settings(sweep, writing_run(sweep, store), store)
    if report is None:
        from sweeps.decoding.search import run_decoding_sweep

        report = run_decoding_sweep(
            sweep, store, reporter=reporter, on_setting=lambda row: print_setting(reporter.console, row)
        )
    else:
        reporter.say(ALREADY, "warning")
    if as_json:
        print_json(asdict(report))
    else:
        print_settings(out, report, root)
    return OK
