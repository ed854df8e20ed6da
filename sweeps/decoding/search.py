"""A search over how a trained language model writes: stories of each setting, judged by docs/story-quality.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.stories.story_quality import JudgedStory
from errors import UserError
from experiments.naming import experiment_of, sweep_name, trial_name
from experiments.stories.generate import TrainedWriter, log_stories, open_stories, trained_writer
from experiments.stories.quality import scored
from experiments.training.headline import views_saved
from experiments.training.inputs import data_of_run
from generation.writer import Writer, ids_of_prompts
from host.cpu import usable_cores
from host.progress import SILENT, Reporter
from runs.files import RunFiles
from runs.layout import (
    BEST_RUN_TAG,
    DONE_TAG,
    KIND_TAG,
    STAGE_TAG,
    STUDY_TAG,
    SWEEP_FILE,
    SWEEP_SETTINGS_TABLE,
    SWEEP_TAG,
    TRIAL_TAG,
    RunKind,
)
from runs.trials import is_of_a_trial
from sweeps.config import DecodingSweepConfig
from sweeps.decoding.prompts import (
    SPLITS,
    check_fits,
    decoding_of,
    first_values,
    prompts_of,
    sample_stories,
    space_probes,
    told_of_sweep,
)
from sweeps.decoding.recorded import known_settings
from sweeps.decoding.rows import MISSED, OBJECTIVE, DecodingReport, SettingRow, limits_missed, rank, score
from sweeps.decoding.telling import tell_settings
from sweeps.decoding.writing import writing_run
from sweeps.finished import ALREADY, asked
from sweeps.launchers.inline import InlineLauncher
from sweeps.session import Deadline, search_on, session
from sweeps.storage import StudyStorage
from sweeps.study import RUN_ATTRIBUTE, Drawn, Search, open_search
from sweeps.telling import give_places
from tracking.endings import ended_in_store

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

    from datamodules.tokenized import SplitName, TokenizedData
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store

_STAGES = ("search", "official")
_OFFICIAL = "official_run"  # study attribute: `<trial> <run ID>` of the best setting on the official split


def run_decoding_sweep(
    sweep: DecodingSweepConfig,
    store: Store,
    *,
    reporter: Reporter = SILENT,
    on_setting: Callable[[SettingRow], None] | None = None,
) -> DecodingReport:
    """Write and judge stories with each setting: one parent run, one child run with a table for each.

    Settings are chosen on beginnings of held-out stories: the most coherent of those that miss the fewest limits. The
    best one then writes once from those of the official split. Run again, it continues where it stopped.
    """
    first = first_values(sweep)
    record = writing_run(sweep, store)
    known = known_settings(sweep, record, store)
    if known is not None:
        reporter.say(ALREADY, "warning")
        return known
    source = trained_writer(RunFiles(store, record), sweep.variant, threads=usable_cores())
    reporter.say(_plan(sweep, source))
    data = data_of_run(source.run, source.config, reporter=reporter)
    writer = source.writer(batch_size=sweep.batch_size)
    prompts = _prompts(sweep, data, writer, first)
    base = {**sweep.model_dump(mode="json"), "run": source.run.record.run_id, "weights": source.digest()}
    decisive = ("run", "weights", "variant", "decoding", "stories", "prompt_words", "limits")
    base = {key: base[key] for key in decisive}

    def open_study(storage: StudyStorage, store_uri: str) -> Search:
        return open_search(
            sweep, sweep.space, base, first=first, maximize=True, storage=storage, store_uri=store_uri
        )

    with session(sweep, store, open_study, lambda search: _start_parent(search, sweep, source)) as (
        search,
        parent,
    ):
        report = _Session(sweep, search, source, writer, data, prompts, parent, reporter, on_setting).run()
    views_saved(store, experiment_of(source.config).name, reporter)
    return report


def _prompts(
    sweep: DecodingSweepConfig, data: TokenizedData, writer: Writer, first: Mapping[str, Any]
) -> dict[SplitName, Sequence[str]]:
    """Beginnings by split. UserError where one of them is too long for a setting of the space, or the setting for the
    model's context."""
    context = writer.reader.context_tokens
    check_fits(sweep, data, context)
    prompts: dict[SplitName, Sequence[str]] = {split: prompts_of(data, split, sweep) for split in SPLITS}
    for values in (first, *space_probes(sweep)):
        decoding = decoding_of(sweep, values)
        for some in prompts.values():
            with told_of_sweep(sweep):
                ids_of_prompts(writer.tokenizer, some, decoding, context_tokens=context)
    return prompts


def _plan(sweep: DecodingSweepConfig, source: TrainedWriter) -> str:
    """In words: what is to be done, and whose stories they are."""
    chosen = "" if sweep.run else f"; the newest finished run of {sweep.experiment}, run=ID names another"
    return (
        f"{sweep.budget.trials} settings of {sweep.stories} stories each by {source.run.record.label}{chosen}"
    )


def _start_parent(search: Search, sweep: DecodingSweepConfig, source: TrainedWriter) -> RunLog:
    store, record = source.run.store, source.run.record
    return store.start_run(
        experiment=experiment_of(source.config),
        name=sweep_name(sweep.name, sweep.seed, {}),
        params={
            "sweep": sweep.name,
            "model_run": record.run_id,
            "limits": sweep.limits.model_dump_json(),
            "sampler": sweep.sampler.model_dump_json(),
            **{f"space/{key}": dimension.model_dump_json() for key, dimension in sweep.space.items()},
        },
        tags={KIND_TAG: RunKind.SWEEP, SWEEP_TAG: sweep.name, STUDY_TAG: search.study.study_name},
        description=f"**{sweep.description}**\n\n- {sweep.stories} stories of each setting by run {record.run_id}; "
        f"best by `{OBJECTIVE}` of those that miss the fewest limits: {sweep.limits.model_dump_json()}",
    )


@dataclass
class _Session:
    """One command's work on a decoding sweep."""

    sweep: DecodingSweepConfig
    search: Search
    source: TrainedWriter
    writer: Writer
    data: TokenizedData
    prompts: Mapping[SplitName, Sequence[str]]
    parent: RunLog
    reporter: Reporter
    on_setting: Callable[[SettingRow], None] | None

    def run(self) -> DecodingReport:
        self.parent.log_json(self.sweep.model_dump(mode="json"), SWEEP_FILE)
        deadline = Deadline(self.sweep.budget.minutes, at_least_one=not self._rows())
        real = self._real()
        launcher = InlineLauncher[Drawn, SettingRow](
            lambda drawn: self._setting(drawn.values, "search", drawn.number)
        )
        search_on(self.search, deadline, launcher, lambda drawn: drawn, self._tell)
        best = self._best()
        official = self._official(best)
        rows = (*self._rows(), official)
        self._log(rows, best, official)
        if not self.search.goes_on():
            self.parent.set_tags({DONE_TAG: asked(self.sweep, {"run": self.source.run.record.run_id})})
        return DecodingReport(
            self.sweep.name,
            self.parent.run_id,
            self.source.run.record.run_id,
            rows,
            best,
            real,
            self.sweep.limits.model_dump(),
        )

    def _real(self) -> dict[str, float]:
        """The figures of the real stories whose beginnings the model is given: what its own compare with."""
        stories = [JudgedStory(text, ended=True) for text in sample_stories(self.data, "val", self.sweep)]
        _, whole = self._judged(stories)
        self.parent.log_summary({f"real/{name}": value for name, value in whole.items()})
        return whole

    @cached_property
    def _model(self) -> GPT2LMHeadModel:
        return self.source.model()

    def _judged(self, stories: Sequence[JudgedStory]) -> tuple[dict[str, list[float]], dict[str, float]]:
        with self.reporter.progress() as on_progress:
            return scored(
                stories,
                self.data.rows["train"].texts,
                self._model,
                self.writer.tokenizer,
                on_progress=on_progress,
            )

    def _tell(self, number: int, row: SettingRow) -> None:
        self.search.tell(number, score(row), run_id=row.run_id)

    def _setting(self, values: Mapping[str, Any], stage: str, number: int) -> SettingRow:
        """Write, judge and log the stories of one setting."""
        decoding = decoding_of(self.sweep, values)
        prompts = self.prompts["val" if stage == "search" else "test"]
        with self.reporter.progress() as on_progress:
            stories = self.writer.write(prompts, decoding, on_progress=on_progress)
        columns, whole = self._judged([JudgedStory(story.text, story.ended) for story in stories])
        request = self.source.request(prompts, decoding, batch_size=self.sweep.batch_size)
        log = open_stories(
            self.source,
            request,
            name=trial_name(number, values, stage),
            parent_id=self.parent.run_id,
            tags={
                SWEEP_TAG: self.sweep.name,
                STAGE_TAG: stage,
                TRIAL_TAG: str(number),
            },
        )
        with ended_in_store(log, goes_on=lambda: ""):
            log_stories(log, request, stories, columns)
            figures = {f"stories/{name}": value for name, value in whole.items()}
            log.log_summary(figures | {MISSED: float(limits_missed(self.sweep.limits, whole))})
        log.finish("FINISHED")
        row = self._row(self.source.run.store.find(log.run_id))
        if self.on_setting is not None:
            self.on_setting(row)
        return row

    def _official(self, best: SettingRow) -> SettingRow:
        """The best setting from the official split's beginnings, once; again where that run was deleted."""
        trial, _, run_id = self.search.remembered(_OFFICIAL, "").partition(" ")
        done = next((run for run in self._children() if run.run_id == run_id), None)
        if trial == str(best.trial) and done is not None:
            return self._row(done)
        searched = self.search.trial_of(best.run_id)
        assert searched is not None, "the best is one of the search's"
        row = self._setting(searched.params, "official", best.trial)
        self.search.remember(_OFFICIAL, f"{best.trial} {row.run_id}")
        return row

    def _children(self) -> list[RunRecord]:
        return self.source.run.store.runs(parent_id=self.parent.run_id)

    def _rows(self) -> list[SettingRow]:
        """Of the search: a process may have died between a run's end and its trial's, which then came again."""
        known = {trial.user_attrs.get(RUN_ATTRIBUTE) for trial in self.search.trials()}
        runs = (run for run in self._children() if run.run_id in known and is_of_a_trial(run, _STAGES))
        return sorted((self._row(run) for run in runs), key=lambda row: row.trial)

    def _best(self) -> SettingRow:
        rows = self._rows()
        if not rows:
            raise UserError(
                "none of its settings' runs is in the store any more",
                where=self.search.where,
                cure="Restore them in the MLflow UI, give a larger budget.trials, or begin anew with another seed.",
            )
        return max(rows, key=rank)

    def _row(self, run: RunRecord) -> SettingRow:
        figures = {key: value for key, value in run.metrics.items() if key.startswith("stories/")}
        values = {key: run.params[f"decoding.{key}"] for key in self.sweep.space}
        return SettingRow(int(run.tags[TRIAL_TAG]), run.tags[STAGE_TAG], run.run_id, values, figures)

    def _give_places(self, best: SettingRow, official: SettingRow) -> None:
        """The best setting first, then the others; the official beginnings' run, of the best one, last."""
        rows = sorted(self._rows(), key=lambda row: (row.run_id == best.run_id, rank(row)), reverse=True)
        runs = {run.run_id: run for run in self._children()}
        ids = [*(row.run_id for row in rows), official.run_id]
        give_places(self.source.run.store, [runs[run_id] for run_id in ids])

    def _log(self, rows: Sequence[SettingRow], best: SettingRow, official: SettingRow) -> None:
        names = sorted(best.metrics)
        columns: dict[str, list[object]] = {
            "trial": [row.trial for row in rows],
            "prompts": ["official" if row.stage == "official" else "held-out" for row in rows],
            **{key: [row.values[key] for row in rows] for key in self.sweep.space},
            **{name: [row.metrics[name] for row in rows] for name in names},
            "run": [row.run_id for row in rows],
        }
        self.parent.log_table(columns, SWEEP_SETTINGS_TABLE)
        self.parent.set_tags({BEST_RUN_TAG: best.run_id})
        self._give_places(best, official)
        tell_settings(self.parent, self.sweep, best, official, rows)
        figures = {name.removeprefix("stories/"): value for name, value in official.metrics.items()}
        self.parent.log_summary({f"test/{name}": value for name, value in figures.items()} | best.metrics)
