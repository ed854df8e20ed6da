"""From a config to its parts: the one place that knows which class belongs to which kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.corpora import CORPORA
from datamodules.files import files_of_splits
from datamodules.hub import HubKind, commit_of, hub_reachable
from datamodules.settings import DataContext, TokenizerSource
from errors import RunError, UserError
from experiments.config import ExperimentConfig
from experiments.linear import linear_learner
from experiments.lstm import check_vectors_named, lstm_learner, vectors_of
from experiments.parents import (
    NO_PARENTS,
    Parents,
    check_same_labels,
    check_teacher_named,
    head_fits,
    named,
    placed,
)
from experiments.torch_setup import check_precision
from experiments.vocabulary import check_same_pieces, check_vocabulary
from generation.writer import ids_of_prompts
from host.boundary import boundary
from host.disk import disk_errors
from host.progress import SILENT, Reporter
from lightning_modules.settings import (
    DistilBertModelConfig,
    Gpt2ModelConfig,
    LinearModelConfig,
    LstmModelConfig,
    is_of_a_run,
)

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from lightning_modules.learner import Learner
    from lightning_modules.optimisation import Optimisation


_LOOK = "Look at it and at the versions of the libraries: those of requirements.lock are tested."


@dataclass(frozen=True)
class Schedule:
    """How long a run is, in optimiser steps of `accumulate_batches`; validations come every `validate_every_steps`."""

    total_steps: int
    validate_every_steps: int
    epochs: float
    accumulate_batches: int


def pinned(config: ExperimentConfig, *, cache_dir: Path) -> ExperimentConfig:
    """`config` with every hub revision that it uses replaced by the commit that it means now.

    Looks for the folders that it names, too, and for the files of its splits, without a large library. UserError when
    one is missing, when the hub knows no such revision, and when it cannot be asked and was not asked before.
    """

    def commit(repository: str, revision: str, kind: HubKind) -> str:
        with disk_errors(cache_dir):
            return commit_of(repository, revision, kind=kind, memory=cache_dir / "hub")

    check_teacher_named(config)
    data, model, corpus = config.data, config.model, CORPORA[config.data.kind].corpus
    if data.path is not None:
        files_of_splits(Path(data.path), corpus.splits, texts=not data.task.labelled)
    elif corpus.repository is not None:
        data = data.model_copy(update={"revision": commit(corpus.repository, data.revision, "dataset")})
    check_vectors_named(model)
    for key, source in (("pretrained", model.pretrained), ("tokenizer", model.tokenizer)):
        if source is not None and Path(source).is_absolute() and not Path(source).is_dir():
            raise UserError(
                "no such folder",
                where=f"model.{key}={source}",
                cure="Give a folder that save_pretrained wrote, or a hub id.",
            )
    source = model.pretrained
    if source is not None and not is_of_a_run(source) and not Path(source).is_absolute():
        model = model.model_copy(update={"revision": commit(source, model.revision, "model")})
    if model.tokenizer is not None and not Path(model.tokenizer).is_absolute():
        found = commit(model.tokenizer, model.tokenizer_revision, "model")
        model = model.model_copy(update={"tokenizer_revision": found})
    return config.model_copy(update={"data": data, "model": model})


def build_data(config: ExperimentConfig, *, cache_dir: Path, reporter: Reporter = SILENT) -> TokenizedData:
    """The datamodule of a pinned config's `data`, read, held out and tokenized.

    Derived data in the cache that does not hold is made again, and the reporter says so.
    """
    model, row = config.model, CORPORA[config.data.kind]
    tokenizer = TokenizerSource(
        kind=model.tokenizer_kind,
        source=model.tokenizer or model.pretrained,
        revision=model.tokenizer_revision if model.tokenizer else model.revision,
        vocab_size=model.vocab_size,
        vectors=vectors_of(model),
    )
    context = DataContext(
        corpus=row.corpus,
        tokenizer=tokenizer,
        cache_dir=cache_dir,
        local_files_only=not _needs_hub(config) or not hub_reachable(),
        seed=config.seed,
        accumulate_batches=config.train.accumulate_batches,
        transfer_set=config.train.transfer_set,
    )
    with reporter.progress() as on_progress:
        module = row.data_class()(
            config.data, context, on_progress=on_progress, on_remade=partial(reporter.say, style="warning")
        )
        module.setup()
    return module


def _needs_hub(config: ExperimentConfig) -> bool:
    """Whether model or tokenizer would come from the hub."""
    return any(s and not Path(s).is_absolute() for s in (config.model.pretrained, config.model.tokenizer))


def plan(config: ExperimentConfig, data: TokenizedData) -> Schedule:
    """Steps of a run; epochs are rounded down to a multiple of the number of validations."""
    order = data.train_order()
    accumulated = len(order) if config.model.takes_all_rows else config.train.accumulate_batches
    steps_per_epoch = len(order) // accumulated
    validations = config.train.validations
    if steps_per_epoch == 0:
        raise RunError(
            f"{len(data.rows['train'].texts)} rows do not fill one step",
            where="train.accumulate_batches",
            cure="Lower it or data.batch_size, or give more data.",
        )
    wanted = config.train.max_steps or config.train.max_epochs * steps_per_epoch
    if wanted < validations:
        raise RunError(
            f"{validations} validations do not fit into {wanted} steps, as many as train.max_epochs "
            f"{config.train.max_epochs} of these rows give",
            where="train.validations",
            cure=f"Give train.validations={wanted} or fewer, or raise train.max_epochs.",
        )
    every = wanted // validations
    return Schedule(every * validations, every, every * validations / steps_per_epoch, accumulated)


@dataclass(frozen=True)
class Parts:
    """What a run is made of, all of it checked against the rest."""

    config: ExperimentConfig
    data: TokenizedData
    schedule: Schedule
    learner: Learner
    parents: Parents


def build(
    asked: ExperimentConfig, *, cache_dir: Path, parents: Parents = NO_PARENTS, reporter: Reporter = SILENT
) -> Parts:
    """The parts of a run, the config pinned. parents: the runs that it names.

    UserError for whatever of the request cannot be.
    """
    check_precision(asked)
    asked = named(pinned(asked, cache_dir=cache_dir), parents)
    config = placed(asked, parents)
    source = config.data.kind if config.data.path is None else f"data.path={config.data.path}"
    with (
        disk_errors(cache_dir, writing=0),
        boundary("a library cannot read or tokenize it", where=source, cure=_LOOK),
    ):
        data = build_data(config, cache_dir=cache_dir, reporter=reporter)
    schedule = plan(config, data)
    start = "model" if config.model.pretrained is None else f"model.pretrained={config.model.pretrained}"
    with boundary("transformers cannot make this model", where=start, cure=_LOOK):
        learner = build_learner(config, data, schedule, parents)
    if config.samples is not None:
        positions, samples = learner.text_model.positions, config.samples
        assert positions is not None, "what writes has a context"
        ids_of_prompts(data.tokenizer, samples.prompts, samples.decoding, context_tokens=positions)
    if parents.teacher is not None:
        check_same_labels(parents.teacher, data.wanted.label_names)
        learner.distillation = asked.train.distillation
    return Parts(asked, data, schedule, learner, parents)


def build_learner(
    config: ExperimentConfig, data: TokenizedData, schedule: Schedule, parents: Parents = NO_PARENTS
) -> Learner:
    """The LightningModule of `config.model`, its vocabulary checked against the tokenizer."""
    model = config.model
    match model:
        case DistilBertModelConfig():
            learner = _distilbert(model, data, _optimisation(config, schedule), parents)
        case Gpt2ModelConfig():
            learner = _gpt2(model, data, _optimisation(config, schedule))
        case LstmModelConfig():
            learner = lstm_learner(model, data, _optimisation(config, schedule))
        case LinearModelConfig():
            learner = linear_learner(model, data)
    check_vocabulary(learner, data)
    if model.pretrained is not None and model.tokenizer is not None:
        check_same_pieces(model, data)
    if not any(parameter.requires_grad for parameter in learner.parameters()):
        raise UserError(
            "nothing is left to train",
            where="model.frozen_layers",
            cure="Freeze fewer layers than the model has.",
        )
    return learner


def _optimisation(config: ExperimentConfig, schedule: Schedule) -> Optimisation:
    from lightning_modules.optimisation import Optimisation

    assert config.optim is not None, "only what is fitted at once has none"
    return Optimisation(config.optim, schedule.total_steps)


def _distilbert(
    model: DistilBertModelConfig, data: TokenizedData, optimisation: Optimisation, parents: Parents
) -> Learner:
    from datamodules.classification import TextClassificationData
    from datamodules.tokenizers import pad_token_id
    from lightning_modules.distilbert import (
        DistilBertClassifier,
        Dropouts,
        Size,
        new_distilbert,
        pretrained_distilbert,
    )

    assert isinstance(data, TextClassificationData)
    dropouts = Dropouts(model.dropout, model.attention_dropout, model.classifier_dropout)
    if model.pretrained is not None:
        network = pretrained_distilbert(
            model.pretrained,
            revision=model.revision,
            local_files_only=data.context.local_files_only,
            labels=data.wanted.label_names,
            dropouts=dropouts,
            layers=model.pretrained_layers,
            keep_head=head_fits(parents.first, data.wanted.label_names),
        )
    else:
        network = new_distilbert(
            vocab_size=len(data.tokenizer),
            pad_token_id=pad_token_id(data.tokenizer),
            max_tokens=data.settings.max_tokens,
            size=Size(model.layers, model.heads, model.dim, model.hidden_dim),
            labels=data.wanted.label_names,
            dropouts=dropouts,
        )
    return DistilBertClassifier(
        network,
        optimisation=optimisation,
        label_smoothing=model.label_smoothing,
        frozen_layers=model.frozen_layers,
    )


def _gpt2(model: Gpt2ModelConfig, data: TokenizedData, optimisation: Optimisation) -> Learner:
    from datamodules.tokenizers import end_token_id, pad_token_id
    from lightning_modules.gpt2 import Gpt2LanguageModel, new_gpt2, pretrained_gpt2

    end = end_token_id(data.tokenizer)
    if model.pretrained is not None:
        network = pretrained_gpt2(
            model.pretrained,
            revision=model.revision,
            local_files_only=data.context.local_files_only,
            pad_token_id=pad_token_id(data.tokenizer),
            dropout=model.dropout,
        )
    else:
        network = new_gpt2(
            vocab_size=len(data.tokenizer),
            end_token_id=end,
            context_tokens=data.settings.max_tokens,
            layers=model.layers,
            heads=model.heads,
            dim=model.dim,
            dropout=model.dropout,
        )
    return Gpt2LanguageModel(network, optimisation=optimisation, frozen_layers=model.frozen_layers)
