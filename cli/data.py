"""`encore data`: what an experiment would read, in tables; and what of it a run's record keeps, for `encore show`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from cli.console import print_json
from cli.name_first import check_name_first
from cli.session import OK, open_existing, outputs
from cli.tables import fitted
from datamodules.summary import DataSummary, balance
from errors import UserError, visible
from experiments.build import pinned
from experiments.loading import CATALOG, load_experiment
from host.markup import literal
from host.progress import Reporter
from host.text import shortened
from schema.catalog import catalog_names
from schema.yaml_files import read_yaml

if TYPE_CHECKING:
    from datamodules.lengths import Bar, Lengths
    from datamodules.survey import Sample, Survey
    from experiments.config import ExperimentConfig
    from host.terminal import TerminalReporter
    from runs.data_record import DataRecord

_BAR_WIDTH = 40
_FILES = 12  # of all splits; the rest is counted
_PIECES = 60  # of a row; the rest is counted
_TEXT = 300  # characters of a row


def data_verb(name: str, overrides: Sequence[str], root: Path, *, as_json: bool) -> int:
    from cli.quiet import quiet

    out, reporter = outputs()
    check_name_first("data", name, overrides)
    _check_is_no_sweep(name)
    config = pinned(load_experiment(name, overrides), cache_dir=root.absolute() / "cache")
    quiet()
    config = _placed(config, root, reporter)
    found = _survey(config, root, reporter)
    if as_json:
        print_json({"experiment": config.name, "data": config.data.kind, **found.to_json()})
    else:
        _print_survey(out, config, found)
    return OK


def _placed(config: ExperimentConfig, root: Path, reporter: TerminalReporter) -> ExperimentConfig:
    """`config` with the tokenizer of the run whose model it begins with, where it names one."""
    if config.train.teacher is None and config.model.pretrained_run is None:
        return config
    from experiments.parents import placed
    from experiments.training.parents import parents_of

    return placed(config, parents_of(config, open_existing(root, reporter)))


def _check_is_no_sweep(name: str) -> None:
    from sweeps.loading import CATALOG as SWEEPS

    if name in catalog_names(SWEEPS) and name not in catalog_names(CATALOG):
        experiment = read_yaml(SWEEPS / f"{name}.yaml").get("experiment", "EXPERIMENT")
        raise UserError("is a sweep", where=name, cure=f"Name its experiment: `encore data {experiment}`.")


def _survey(config: ExperimentConfig, root: Path, reporter: Reporter) -> Survey:
    from datamodules.survey import survey
    from experiments.build import build_data
    from host.disk import disk_errors

    with disk_errors(root):
        data = build_data(config, cache_dir=root.absolute() / "cache", reporter=reporter)
        with reporter.progress() as on_progress:
            return survey(data, on_progress=on_progress)


def _print_survey(out: Console, config: ExperimentConfig, found: Survey) -> None:
    out.print(
        f"[bold]{literal(config.name)}[/]: {config.data.kind} from {literal(found.summary.origin)}",
        highlight=False,
        soft_wrap=True,
    )
    print_summary(out, found.summary)
    _print_lengths(out, found)
    _print_copies(out, found)
    title = f"\n[bold]{len(found.samples)} rows of train as the model reads them[/], drawn with seed {config.seed}"
    out.print(title, highlight=False)
    for sample in found.samples:
        _print_sample(out, sample)
    _print_warnings(out, found.warnings)


def recorded_json(data: DataRecord | None) -> dict[str, Any]:
    """The same as `print_recorded` says, for `--json`."""
    return {
        "data": None if data is None else data.summary.to_json(),
        "notices": [] if data is None else data.notices,
    }


def print_recorded(out: Console, data: DataRecord) -> None:
    """What a run's record says of its rows, and of what was left out of the folders of model and tokenizer."""
    summary = data.summary
    out.print(f"[bold]data[/] from {literal(summary.origin)}", highlight=False, soft_wrap=True)
    print_summary(out, summary)
    for warning in summary.warnings:
        out.print(f"warning: {literal(warning)}", style="yellow", highlight=False)
    for notice in data.notices:
        out.print(f"left out: {literal(notice)}", highlight=False, soft_wrap=True)


def print_summary(out: Console, summary: DataSummary) -> None:
    """What was read, file by file, and what is used of it."""
    files = [
        {
            "read": literal(read.split),
            "file": literal(file.name),
            "how": literal(file.how),
            "rows": f"{file.rows:,}",
            "counted": "" if file.counted is None else f"{file.counted:,}",
            "by": literal(file.counted_by),
        }
        for read in summary.read
        for file in read.files
    ]
    if files:
        out.print(fitted(out, files[:_FILES], spare=["how", "by"]))
    if len(files) > _FILES:
        out.print(f"and {len(files) - _FILES:,} more files", highlight=False)
    for read in summary.read:
        for reason, rows in read.dropped.items():
            out.print(f"left out of {literal(read.split)}: {rows:,} {literal(reason)}", highlight=False)
        for note in read.notes:
            out.print(f"{literal(read.split)}: {literal(note)}", highlight=False)
    used = [
        {
            "used": literal(split.split),
            "rows": f"{split.rows:,}",
            **({"labels": literal(balance(split.label_counts))} if split.label_counts else {}),
            "first": literal(shortened(split.first, 40)),
            "last": literal(shortened(split.last, 40)),
        }
        for split in summary.used
    ]
    out.print(fitted(out, used, spare=["last", "first"]))
    out.print(
        "val is held out of train and selects models; test is the official split, scored once.", style="dim"
    )
    for reason, rows in summary.left_out.items():
        if rows:
            out.print(f"left out of train: {rows:,} {literal(reason)}", highlight=False)


def _print_lengths(out: Console, found: Survey) -> None:
    longest = found.splits[0].lengths
    rows = [_length_row(split.split, split.lengths) for split in found.splits]
    out.print(f"\n[bold]Tokens of a text[/] (tokenizer {literal(found.tokenizer)})", highlight=False)
    out.print(fitted(out, rows, spare=["5 %", "25 %", "75 %", "min", "mean", "beyond"]))
    out.print(f"Lengths of train, of {longest.rows:,} rows:", highlight=False)
    for line in length_bars(longest.bars):
        out.print(Text(line), soft_wrap=True)
    for split in found.splits:
        if split.unknown:
            share = 100 * split.unknown / split.tokens
            out.print(f"{split.split}: {split.unknown:,} unknown tokens ({share:.2f} %)", highlight=False)
        for token, texts in split.with_special.items():
            line = f"{split.split}: {texts:,} texts hold the letters {literal(token)}, which name a special token"
            out.print(line, highlight=False)


def _length_row(split: str, lengths: Lengths) -> dict[str, str]:
    percentiles = lengths.percentiles
    return {
        "split": split,
        "min": f"{percentiles['0']:,}",
        **{f"{name} %": f"{percentiles[name]:,}" for name in ("5", "25")},
        "median": f"{percentiles['50']:,}",
        **{f"{name} %": f"{percentiles[name]:,}" for name in ("75", "95", "99")},
        "max": f"{percentiles['100']:,}",
        "mean": f"{lengths.mean:.1f}",
        f"up to {lengths.max_tokens}": f"{_percent(lengths.whole, lengths.rows)} of rows",
        "beyond": f"{_percent(lengths.beyond, round(lengths.mean * lengths.rows))} of tokens",
    }


def length_bars(bars: Sequence[Bar]) -> list[str]:
    """One line for each bar: its lengths, its rows, and as many marks as the longest bar allows."""
    most = max(bar.rows for bar in bars)
    spans = [f"{bar.first:,}-{bar.last:,}" for bar in bars]
    counts = [f"{bar.rows:,}" for bar in bars]
    wide, deep = max(map(len, spans)), max(map(len, counts))
    return [
        f"  {span:>{wide}}  {count:>{deep}}  {'█' * -(-_BAR_WIDTH * bar.rows // most)}".rstrip()
        for span, count, bar in zip(spans, counts, bars, strict=True)
    ]


def _percent(part: int, whole: int) -> str:
    """Of 100; what is neither nothing nor all is not rounded to it."""
    share = 100 * part / max(1, whole)
    if 0 < share < 0.05 or 99.95 < share < 100:
        return "< 0.1 %" if share < 50 else "> 99.9 %"
    return f"{share:.1f} %"


def _print_copies(out: Console, found: Survey) -> None:
    copies = found.copies
    out.print("\n[bold]Copies[/] (case and white space do not count)", highlight=False)
    line = f"train: {copies.more:,} of {copies.rows:,} rows are copies of others"
    if copies.other_label:
        line += f"; {copies.other_label:,} texts stand there with several labels"
    out.print(line, highlight=False)
    for text, rows in copies.most:
        out.print(Text(f"  {rows:,} times: {shortened(text, 60)}"), soft_wrap=True)
    for overlap in found.overlaps:
        line = f"{overlap.of}: {overlap.shared:,} of {overlap.rows:,} rows stand in {overlap.within}, too"
        out.print(line, highlight=False)


def _print_sample(out: Console, sample: Sample) -> None:
    label = "" if sample.label is None else f", {sample.label}"
    out.print(Text.assemble((f"row {sample.row:,}{label}: ", "bold"), shortened(sample.text, _TEXT)))
    line = Text("  ", style="cyan")
    for number, piece in enumerate(sample.pieces[:_PIECES]):
        if number:
            line.append("|", style="dim")
        line.append(visible(piece))
    if len(sample.pieces) > _PIECES:
        line.append(f" … and {len(sample.pieces) - _PIECES:,} more", style="dim")
    out.print(line)


def _print_warnings(out: Console, warnings: Sequence[str]) -> None:
    if not warnings:
        out.print("\nNothing about these rows is odd.", highlight=False)
        return
    out.print()
    for warning in warnings:
        out.print(f"warning: {literal(warning)}", style="yellow", highlight=False)
