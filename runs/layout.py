"""Where a run keeps what: every file, tag and kind of run.

What the store itself says of a run (who writes it, how it ended) is in `tracking/tags.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking.entities import RunRecord


class RunKind(StrEnum):
    """What a run of the store is."""

    RUN = "run"
    TRIAL = "trial"
    FORK = "fork"
    REPRODUCTION = "reproduction"
    SWEEP = "sweep"
    """Of many trials; it trained nothing."""
    STORIES = "stories"
    """On which a trained model's stories are logged; it trained nothing."""
    STUDY = "study"
    """Of texts, or of what a model makes of them; it trained nothing."""


UNTRAINED = (RunKind.SWEEP, RunKind.STORIES, RunKind.STUDY)
RANKED_KINDS = (RunKind.RUN, RunKind.TRIAL, RunKind.FORK)
"""Of runs that are compared: a reproduction is one of them once more."""
KIND_TAG = "encore.kind"
EXPERIMENT_TAG = "encore.experiment"

# The record that is written before the first step.
CONFIG_FILE = "run/config.json"
DATA_FILE = "run/data.json"
PROVENANCE_FILE = "run/provenance.json"
PATCH_FILE = "run/working_tree.patch"
ROWS_FOLDER = "run/rows"
SEEN_FILE = (
    f"{ROWS_FOLDER}/test_seen.npy"  # numbers of the official rows whose text it has, too, where there are any
)
START_FOLDER = "run/start"
START_FILE = f"{START_FOLDER}/start.ckpt"  # the checkpoint that a fork began with
RECORD_DIGESTS_FILE = (
    "run/record_digests.json"  # of a record of format 1 or 2: sha256 of these files, by path
)
RECIPE_TAG = "encore.recipe_id"

# What ran, in tags `encore.ran.<name>`, and what it ran on, in `encore.ran.fingerprint.<name>`.
RAN = "encore.ran."
FINGERPRINT = f"{RAN}fingerprint."
EOS_KEY = "end_token"  # the token that ends a text, which the tokenizer's digest does not say
TOKENS_OF = "tokens."  # with a split's name: its sequences of tokens as they were trained on
NONDETERMINISTIC = "nondeterministic"  # the operations that have no deterministic version
PRECISION_TAG = f"{RAN}precision"
VECTORS_PRINT = "vectors"  # the digest of the words and vectors that a model began with
TEACHER_PRINTS = "teacher_"  # how the names of digests of a teacher's folder begin

# The runs that it depends on, by their IDs, and in words the scored rows that these were trained on and it is not.
FIRST_TAG = "encore.begins_with"  # of `model.pretrained=run:ID`
FIRST_KNOWS_TAG = "encore.begins_with_knows"
TEACHER_TAG = "encore.teacher"
TEACHER_KNOWS_TAG = "encore.teacher_knows"
TEACHER_FOLDER = "teacher"
TEACHER_LOGITS = f"{TEACHER_FOLDER}/logits.npy"  # to every train row, (rows, labels) float32

# What it came to.
RESULT_FILE = "run/result.json"
DIGESTS_FILE = "run/digests.json"
KEPT_FILE = "run/kept_files.json"  # what the manifest was before there was one: of the checkpoints and the model alone
MODEL_FOLDER = "model"
CHECKPOINTS = "checkpoints"
SCORED = ("val", "test")
ORDER = "best/order"  # metric: the task's own with an order among equals, by which a table of runs is sorted
PLACE = "sweep/place"  # metric of a trial: 1 for the one that its sweep has selected
SPEEDS = ("train/examples_per_s", "train/tokens_per_s")  # the metrics of a step that differ each time
SAMPLES_FOLDER = "samples"
SAMPLES_TABLE = f"{SAMPLES_FOLDER}/stories.json"
SAMPLES_PAGE = f"{SAMPLES_FOLDER}/stories.html"

# Its export.
EXPORT_FOLDER = "export"
EXPORT_REPORT = f"{EXPORT_FOLDER}/report.json"
EXPORT_PREDICTIONS = f"{EXPORT_FOLDER}/predictions.parquet"
EXPORT_GATE = "encore.export_gate"  # tag: `passed`, or what was missed
PASSED = "passed"
GATE_TAG = (
    "encore.gate"  # `proved`, `held, not proved` or `failed`; an earlier version of Encore did not tell
)
NOT_EXPORTED = "not exported: "  # how the tag begins where the export failed

# Runs that go on from others, or play them again.
FORKED_FROM_TAG = "encore.forked_from"  # <run ID>@<step>
FORKED_UNDER_TAG = "encore.forked_under"
RESUMED_AT_TAG = "encore.resumed_at"
RESUMED_UNDER_TAG = "encore.resumed_under"
RESUMED_OTHERWISE_TAG = "encore.resumed_otherwise"
REUSES_TAG = "encore.reuses"
REPRODUCES_TAG = "encore.reproduces"
VERDICT_TAG = "encore.verdict"

# Sweeps and their trials.
SWEEP_TAG = "encore.sweep"
STUDY_TAG = "encore.study"
BUDGET_TAG = "encore.budget"
BEST_RUN_TAG = "encore.best_run"
DONE_TAG = "encore.sweep_done"  # sha256 of what was asked, once nothing of it is left to do
STAGE_TAG = "encore.stage"
TRIAL_TAG = "encore.trial"
SWEEP_FILE = "sweep/sweep.json"
SWEEP_BASE_FILE = "sweep/base_experiment.json"
SWEEP_TRIALS_FILE = "sweep/trials.json"
SWEEP_SETTINGS_TABLE = "sweep/settings.json"  # of a decoding sweep
SWEEP_PAGE = "sweep/report.html"
SWEEP_ERRORS_FILE = "sweep/report_errors.txt"  # tracebacks of what its report lacks

# Stories of a trained model.
STORIES_OF_TAG = "encore.stories_of"  # the run whose model wrote them
STORIES_TABLE = "stories/stories.json"
REQUEST_FILE = "stories/request.json"

# A study.
STUDIED_TAG = "encore.studied"  # which study it is
STUDY_FOLDER = "study"
STUDY_REQUEST = f"{STUDY_FOLDER}/request.json"
STUDY_FINDINGS = f"{STUDY_FOLDER}/findings.json"
STUDY_PAGE = f"{STUDY_FOLDER}/page.html"
STUDY_PICTURES = f"{STUDY_FOLDER}/pictures"
STUDY_FILES = f"{STUDY_FOLDER}/files"  # what another study may read
STUDY_VECTORS = f"{STUDY_FILES}/vectors.parquet"
STUDY_WEIGHTS = f"{STUDY_FILES}/weights.npy"  # of attention, (layers, heads, tokens, tokens) float32


def kind_of(record: RunRecord) -> str | None:
    """One of `RunKind`, or what another version of Encore wrote; none for another program's run."""
    return record.tags.get(KIND_TAG)


def ran_tag(name: str) -> str:
    """Of what ran: `threads`, `device`, ..."""
    return f"{RAN}{name}"


def fingerprint_tag(name: str) -> str:
    """Of the digest of a split's rows, of the tokenizer, ..."""
    return f"{FINGERPRINT}{name}"


def predictions_file(split: str) -> str:
    """Where a run keeps its answers to a split."""
    return f"predictions/{split}/predictions.parquet"


def is_of_the_record(file: str) -> bool:
    """Whether a file of a run is one that was written before its first step."""
    own = {CONFIG_FILE, DATA_FILE, PROVENANCE_FILE, PATCH_FILE}
    return file in own or file.startswith(f"{ROWS_FOLDER}/")


def is_exported(record: RunRecord) -> bool:
    return not record.tags.get(EXPORT_GATE, NOT_EXPORTED).startswith(NOT_EXPORTED)
