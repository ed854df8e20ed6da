"""One function per verb: call what does the work, print what it found, return the exit code."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.champions import tell_challenge
from cli.console import print_json
from cli.figures import duration
from cli.name_first import check_name_first
from cli.run_tables import Shown, print_run, print_title
from cli.session import FAILED, OK, ask_hub, check_kind, experiment_asked, named_run, open_store, outputs
from cli.story_tables import print_sample
from cli.sweep_tables import MOST_TRIALS
from cli.tables import print_catalog, print_gate
from errors import UserError
from experiments.checkout import check_own_checkout
from experiments.loading import CATALOG, load_experiment
from experiments.naming import flat_params, run_name
from runs.layout import EXPERIMENT_TAG, RunKind, kind_of
from schema.catalog import catalog_names
from schema.numbers import counted

if TYPE_CHECKING:
    from host.terminal import TerminalReporter
    from runs.files import RunFiles
    from runs.result import RunResult
    from tracking.store import Store

_SWEEP_NOTE = 2  # lines of what a sweep says of itself: its table follows


def train_verb(
    name: str, overrides: Sequence[str], root: Path, *, again: bool, as_json: bool, dry_run: bool
) -> int:
    from sweeps.loading import CATALOG as SWEEPS

    check_name_first("train", name, overrides)
    check_kind(name, SWEEPS, CATALOG, is_a="a sweep", verb="sweep")
    out, reporter = outputs()
    config, varied = experiment_asked(name, overrides, root)
    if dry_run:
        print_json(config.model_dump(mode="json"))
        return OK
    check_own_checkout()
    config = ask_hub(config, root)
    store = open_store(root, reporter)
    from experiments.training.origin import FromScratch, Hooks, RunIdentity
    from experiments.training.train import train

    name = run_name(config, varied)
    with _shown_all_the_same(out, reporter, store, root, as_json=as_json):
        result = train(config, store, FromScratch(reuse=not again), RunIdentity(name), Hooks(reporter))
    if result.reused is not None:
        reporter.console.print(_reused(result), highlight=False)
    return _ended(result, out, reporter, store, root, as_json=as_json)


@contextmanager
def _shown_all_the_same(
    out: Console, reporter: TerminalReporter, store: Store, root: Path, *, as_json: bool
) -> Generator[None]:
    """A run whose export alone failed shows its result before it says so."""
    from experiments.training.exporting import ExportFailedError

    try:
        yield
    except ExportFailedError as error:
        _ended(error.result, out, reporter, store, root, as_json=as_json, ends_with=error.__cause__)
        raise


def _reused(result: RunResult) -> str:
    assert result.reused is not None
    what = f"run [bold]{result.reused[:8]}[/] has finished this recipe on a machine like this one"
    if result.run_id == result.reused:
        return f"Nothing was trained: {what}, and this is its result. `--again` trains it once more."
    return f"Only the export is new: {what}, and its training was taken over. `--again` trains it once more."


def resume_verb(run_id: str, root: Path, *, as_json: bool) -> int:
    check_own_checkout()
    out, reporter, run = named_run(run_id, root)
    from experiments.reproduction.resume import resume

    with _shown_all_the_same(out, reporter, run.store, root, as_json=as_json):
        result = resume(run, reporter=reporter)
    return _ended(result, out, reporter, run.store, root, as_json=as_json)


def fork_verb(origin: str, overrides: Sequence[str], root: Path, *, as_json: bool) -> int:
    check_name_first("fork", origin, overrides, metavar="ID@STEP")
    run_id, _, at = origin.partition("@")
    step = counted(at)
    if not run_id or (step is None and at not in ("best", "last")):
        raise UserError(
            "names no checkpoint", where=origin, cure="Write ID@STEP, ID@best or ID@last, as in 3f2a91c0@400."
        )
    check_own_checkout()
    out, reporter, run = named_run(run_id, root)
    from experiments.reproduction.fork import fork

    with _shown_all_the_same(out, reporter, run.store, root, as_json=as_json):
        result = fork(run, at if step is None else str(step), overrides, reporter=reporter)
    return _ended(result, out, reporter, run.store, root, as_json=as_json)


def _ended(
    result: RunResult,
    out: Console,
    reporter: TerminalReporter,
    store: Store,
    root: Path,
    *,
    as_json: bool,
    ends_with: BaseException | None = None,
) -> int:
    """Show what a run came to; the exit code. ends_with: what the command ends with after that."""
    if as_json:
        print_json(asdict(result))
    else:
        from runs.files import run_named

        if result.seconds:
            spent = ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.seconds.items())
            out.print(f"Where the time went: {spent}", highlight=False)
        _print_run(out, run_named(store, result.run_id), root)
        print_gate(out, result.gate_failures, result.metrics)
    if result.status == "finished" and result.reused is None:
        tell_challenge(store, result.run_id, reporter, ends_with=ends_with)
    if not as_json:
        print_sample(out, store, result, root)
    return FAILED if result.gate_failures else OK


def show_verb(run_id: str, root: Path, *, whole: bool, as_json: bool) -> int:
    out, _, run = named_run(run_id, root)
    from cli.data import recorded_json
    from cli.lineage import lineage_json
    from runs.data_record import recorded_data

    if as_json:
        print_json(asdict(run.record) | recorded_json(recorded_data(run)) | lineage_json(run))
    elif kind_of(run.record) == RunKind.SWEEP:
        from cli.sweeps import print_state

        print_title(out, Shown(run, "", None, None, whole), note_lines=_SWEEP_NOTE)
        print_state(out, run.store, run.record, root, most=None if whole else MOST_TRIALS)
    else:
        _print_run(out, run, root, whole=whole)
        if kind_of(run.record) == RunKind.STUDY:
            from cli.studies import show_study

            show_study(out, run, root)
    return OK


def _print_run(out: Console, run: RunFiles, root: Path, *, whole: bool = False) -> None:
    """whole: with every setting, also those that its experiment has in the catalog, and all else that it has."""
    from runs.data_record import recorded_data
    from tracking.limits import MAX_PARAM_CHARACTERS, recordable

    experiment, catalogued = run.record.tags.get(EXPERIMENT_TAG, ""), None
    if not whole and experiment in catalog_names(CATALOG):
        catalogued = recordable(flat_params(load_experiment(experiment)), MAX_PARAM_CHARACTERS)
    print_run(out, Shown(run, experiment, catalogued, recorded_data(run), whole), root)


def catalog_verb(*, as_json: bool) -> int:
    from sweeps.loading import CATALOG as SWEEPS

    out, _ = outputs()
    found = {
        "experiments": _described(CATALOG),
        "sweeps": _described(SWEEPS),
    }
    if as_json:
        print_json(found)
    else:
        print_catalog(out, found)
    return OK


def _described(catalog: Path) -> dict[str, str]:
    from schema.yaml_files import read_yaml

    return {name: str(read_yaml(catalog / f"{name}.yaml")["description"]) for name in catalog_names(catalog)}
