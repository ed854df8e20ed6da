"""From a config to its parts: the one place that knows which class belongs to which kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.config import DistilBertModelConfig, ExperimentConfig, Gpt2ModelConfig

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from lightning_modules.learner import Learner
    from lightning_modules.optimisation import Optimisation


@dataclass(frozen=True)
class Schedule:
    """How long a run is, in optimiser steps; validations come every `validate_every_steps`."""

    total_steps: int
    validate_every_steps: int
    epochs: float


def build_data(config: ExperimentConfig, *, cache_dir: Path) -> TokenizedData:
    """The datamodule of `config.data`, read, held out and tokenized."""
    from datamodules.classification import DemoReviewsData, ImdbData, Sst2Data
    from datamodules.hub import hub_reachable
    from datamodules.stories import DemoStoriesData, TinyStoriesData

    data = config.data
    match data.kind:
        case "sst2":
            data_class = Sst2Data
        case "imdb":
            data_class = ImdbData
        case "demo_reviews":
            data_class = DemoReviewsData
        case "tinystories":
            data_class = TinyStoriesData
        case "demo_stories":
            data_class = DemoStoriesData
    module = data_class(
        path=None if data.path is None else Path(data.path).expanduser(),
        revision=data.revision,
        tokenizer=config.model.tokenizer or config.model.pretrained,
        tokenizer_revision="main" if config.model.tokenizer else config.model.revision,
        vocab_size=config.model.vocab_size,
        max_tokens=data.max_tokens,
        batch_size=data.batch_size,
        batch_tokens=data.batch_tokens,
        evaluation_tokens=data.evaluation_tokens,
        group_by_length=data.group_by_length,
        selection_examples=data.selection_examples,
        selection_seed=data.selection_seed,
        train_examples=data.train_examples,
        seed=config.seed,
        loader_workers=data.loader_workers,
        accumulate_batches=config.train.accumulate_batches,
        cache_dir=cache_dir,
        local_files_only=not _needs_hub(config) or not hub_reachable(),
    )
    module.setup()
    return module


def _needs_hub(config: ExperimentConfig) -> bool:
    """Whether data, model or tokenizer would come from the hub."""
    bundled = config.data.kind in {"demo_reviews", "demo_stories"}
    sources = [config.model.pretrained, config.model.tokenizer]
    return (config.data.path is None and not bundled) or any(s and not Path(s).is_absolute() for s in sources)


def plan(config: ExperimentConfig, data: TokenizedData) -> Schedule:
    """Steps of a run; epochs are rounded down to a multiple of the number of validations."""
    order = data.train_order()
    steps_per_epoch = len(order) // config.train.accumulate_batches
    validations = config.train.validations
    if steps_per_epoch == 0:
        raise UserError(
            f"{len(data.rows['train'].texts)} rows do not fill one step",
            where="train.accumulate_batches",
            cure="Lower it or data.batch_size, or give more data.",
        )
    wanted = config.train.max_steps or config.train.max_epochs * steps_per_epoch
    if wanted < validations:
        raise UserError(
            f"{validations} validations do not fit into {wanted} steps",
            where="train.validations",
            cure="Ask for fewer, or train longer.",
        )
    every = wanted // validations
    return Schedule(every * validations, every, every * validations / max(1, steps_per_epoch))


def build_learner(config: ExperimentConfig, data: TokenizedData, schedule: Schedule) -> Learner:
    """The LightningModule of `config.model`, its vocabulary checked against the tokenizer."""
    optimisation = _optimisation(config, schedule)
    model = config.model
    match model:
        case DistilBertModelConfig():
            learner = _distilbert(model, data, optimisation)
        case Gpt2ModelConfig():
            learner = _gpt2(model, data, optimisation)
    _check_vocabulary(learner, data)
    if not any(parameter.requires_grad for parameter in learner.parameters()):
        raise UserError(
            "nothing is left to train",
            where="model.frozen_layers",
            cure="Freeze fewer layers than the model has.",
        )
    return learner


def _optimisation(config: ExperimentConfig, schedule: Schedule) -> Optimisation:
    from lightning_modules.optimisation import Optimisation

    optim = config.optim
    return Optimisation(
        learning_rate=optim.learning_rate,
        weight_decay=optim.weight_decay,
        betas=(optim.beta1, optim.beta2),
        epsilon=optim.epsilon,
        schedule=optim.schedule,
        warmup_steps=round(optim.warmup_ratio * schedule.total_steps),
        total_steps=schedule.total_steps,
        layerwise_decay=optim.layerwise_decay,
        gradient_clip_norm=optim.gradient_clip_norm,
    )


def _distilbert(model: DistilBertModelConfig, data: TokenizedData, optimisation: Optimisation) -> Learner:
    from datamodules.classification import TextClassificationData
    from datamodules.tokenizers import pad_token_id
    from lightning_modules.distilbert import (
        DistilBertClassifier,
        Dropouts,
        new_distilbert,
        pretrained_distilbert,
    )

    assert isinstance(data, TextClassificationData)
    dropouts = Dropouts(model.dropout, model.attention_dropout, model.classifier_dropout)
    if model.pretrained is not None:
        network = pretrained_distilbert(
            model.pretrained,
            revision=model.revision,
            local_files_only=data.local_files_only,
            labels=data.label_names,
            dropouts=dropouts,
        )
    else:
        network = new_distilbert(
            vocab_size=len(data.tokenizer),
            pad_token_id=pad_token_id(data.tokenizer),
            max_tokens=data.max_tokens,
            layers=model.layers,
            heads=model.heads,
            dim=model.dim,
            hidden_dim=model.hidden_dim,
            labels=data.label_names,
            dropouts=dropouts,
        )
    return DistilBertClassifier(
        network,
        optimisation=optimisation,
        label_smoothing=model.label_smoothing,
        frozen_layers=model.frozen_layers,
    )


def _gpt2(model: Gpt2ModelConfig, data: TokenizedData, optimisation: Optimisation) -> Learner:
    from datamodules.tokenizers import pad_token_id
    from lightning_modules.gpt2 import Gpt2LanguageModel, new_gpt2, pretrained_gpt2

    end = pad_token_id(data.tokenizer)
    if model.pretrained is not None:
        network = pretrained_gpt2(
            model.pretrained,
            revision=model.revision,
            local_files_only=data.local_files_only,
            pad_token_id=end,
            dropout=model.dropout,
        )
    else:
        network = new_gpt2(
            vocab_size=len(data.tokenizer),
            end_token_id=end,
            context_tokens=data.max_tokens,
            layers=model.layers,
            heads=model.heads,
            dim=model.dim,
            dropout=model.dropout,
        )
    return Gpt2LanguageModel(network, optimisation=optimisation, frozen_layers=model.frozen_layers)


def _check_vocabulary(learner: Learner, data: TokenizedData) -> None:
    rows = int(learner.model.get_input_embeddings().weight.shape[0])  # type: ignore[index]
    if len(data.tokenizer) > rows:
        raise UserError(
            f"the tokenizer has {len(data.tokenizer)} tokens, the model embeds {rows}",
            where="model.tokenizer",
            cure="Give the tokenizer that the model was trained with.",
        )
    positions = getattr(learner.model.config, "max_position_embeddings", data.max_tokens)
    if data.max_tokens > positions:
        raise UserError(
            f"{data.max_tokens} tokens, but the model has {positions} positions",
            where="data.max_tokens",
            cure=f"Use at most {positions}.",
        )
