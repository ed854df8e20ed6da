"""A run's model among MLflow's models, where `mlflow.pyfunc.load_model` finds it.

Its folder, beside those of the experiment's runs, holds links to the run's own files, so it takes no room; a server
gets them once more. What is loaded is Python source of ours that reads plain weights: nothing is pickled. Its metrics
are the run's own points again, which MLflow takes for the same.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING

from host.disk import disk_errors, link, partial_name
from host.files import entries
from tracking.artifacts import digests_of
from tracking.entities import WEIGHTS_TAG
from tracking.faults import explained
from tracking.manifest import manifest_text
from tracking.places import artifact_folder

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Metric, Run
    from mlflow.models import ModelSignature
    from mlflow.tracking import MlflowClient

    from tracking.store import Store

SERVED_TAG = "encore.served"
"""Of a run: the ID of its model and the sha256 that all files of its folder have together."""
MLFLOWS_OWN = ("registered_model_meta", "__pycache__")
"""What appears in the folder of a model when somebody loads it."""
_LOADER = "mlflow.pyfunc.loaders.code_model"
_REQUIREMENTS, _ENVIRONMENT = "requirements.txt", "python_env.yaml"


@dataclass(frozen=True)
class ServedModel:
    """What there is to load.

    code: a file that sets a model of texts for MLflow. files: what it reads beside it, by name. weights: sha256 of that
    which decides its answers. options: of the code. outputs: the columns of an answer and MLflow's types of them.
    params: what a question may ask besides, with the defaults. packages: whose versions here it needs. metrics: of the
    run, those that are this model's.
    """

    name: str
    code: Path
    files: Mapping[str, Path]
    weights: str
    options: Mapping[str, str | int]
    outputs: Mapping[str, str]
    packages: Sequence[str]
    metrics: Sequence[str]
    params: Mapping[str, float | int] = field(default_factory=dict[str, float | int])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def log_model(store: Store, run_id: str, served: ServedModel) -> str:
    """The ID of a run's model: the one that it has of these weights, or a new one, which takes the place of others.

    UserError where the store or the disk cannot take it; then the run has none, and what was begun is no model yet.
    """
    client = store.client
    with explained(store.uri), disk_errors(store.root, writing=0):
        run = client.get_run(run_id)
        known = models_of(client, run)
        same = [
            model for model in known if _is_whole(model) and model.tags.get(WEIGHTS_TAG) == served.weights
        ]
        if same:
            return str(same[0].model_id)
        model = _made(store, run, served)
        for other in known:
            _remove(store, other)
    return model


def models_of(client: MlflowClient, run: Run) -> list[LoggedModel]:
    """The models of a run, half-made ones too."""
    return list(
        client.search_logged_models(
            [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
        )
    )


def _is_whole(model: LoggedModel) -> bool:
    return str(model.status) == "READY"


def _made(store: Store, run: Run, served: ServedModel) -> str:
    from mlflow.entities import LoggedModelOutput

    client = store.client
    model = client.create_logged_model(
        run.info.experiment_id,
        served.name,
        run.info.run_id,
        tags={**served.tags, WEIGHTS_TAG: served.weights},
        params=dict(run.data.params),
        model_type="encore",
    )
    with _folder(store, model) as folder:
        for name, file in served.files.items():
            link(file, folder / name)
        _describe(folder, model, served)
        digest = folder_digest(folder)
    metrics = _metrics(client, run, str(model.model_id), served.metrics)
    client.log_batch(run.info.run_id, metrics=metrics)
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.set_tag(run.info.run_id, SERVED_TAG, f"{model.model_id} {digest}")
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def folder_digest(folder: Path) -> str:
    """sha256 over the path and the kind of all that is in a model's folder, and over the bytes of its plain files."""
    found = {
        name: entry for name, entry in entries(folder).items() if name.partition("/")[0] not in MLFLOWS_OWN
    }
    plain = digests_of({name: entry.path for name, entry in found.items() if entry.kind == "file"})
    listed = {name: plain.get(name, entry.kind) for name, entry in found.items()}
    return hashlib.sha256(manifest_text(listed).encode()).hexdigest()


@contextmanager
def _folder(store: Store, model: LoggedModel) -> Generator[Path]:
    """A folder to fill, which becomes the model's. UserError where that lies in a place that is not the store's."""
    target = _place(store, model)
    partial = partial_name(store.journal_folder / str(model.model_id) if target is None else target)
    partial.mkdir(parents=True)
    try:
        yield partial
        if target is None:
            store.client.log_model_artifacts(str(model.model_id), str(partial))
        else:
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _place(store: Store, model: LoggedModel) -> Path | None:
    """Where its files are here; none: a server has them."""
    model_id = str(model.model_id)
    where = f"model {model_id}"
    return artifact_folder(model.artifact_location, model_id, root=store.root, uri=store.uri, where=where)


def _describe(folder: Path, model: LoggedModel, served: ServedModel) -> None:
    """MLflow's own files: what is loaded and how, and what it needs."""
    from mlflow import pyfunc
    from mlflow.models import Model

    shutil.copyfile(served.code, folder / served.code.name)  # no link: ours may be edited
    described = Model(
        run_id=model.source_run_id,
        signature=_signature(served),
        model_id=model.model_id,
        model_size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
    )
    pyfunc.add_to_model(
        described,
        _LOADER,
        python_env=_ENVIRONMENT,
        model_config=dict(served.options),
        model_code_path=served.code.name,
    )
    described.save(str(folder / "MLmodel"))
    needs = [f"{package}=={version(package).partition('+')[0]}\n" for package in served.packages]
    (folder / _REQUIREMENTS).write_text("".join(needs), encoding="utf-8")
    environment = (
        f"python: {python_version()}\nbuild_dependencies:\n- pip\ndependencies:\n- -r {_REQUIREMENTS}\n"
    )
    (folder / _ENVIRONMENT).write_text(environment, encoding="utf-8")


def _signature(served: ServedModel) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    kinds = {float: "double", int: "long"}
    params = [ParamSpec(name, kinds[type(value)], value) for name, value in served.params.items()]
    return ModelSignature(
        Schema([ColSpec("string")]),
        Schema([ColSpec(kind, name) for name, kind in served.outputs.items()]),
        ParamSchema(params) if params else None,  # pyright: ignore[reportArgumentType] none is its default
    )


def _metrics(client: MlflowClient, run: Run, model_id: str, keys: Sequence[str]) -> list[Metric]:
    """The last point of each, as the run has it, of this model and the rows that it was scored on."""
    from mlflow.entities import Metric

    scored = [
        entry.dataset
        for entry in (run.inputs.dataset_inputs if run.inputs else [])
        if any((tag.key, tag.value) == ("mlflow.data.context", "test") for tag in entry.tags)
    ]
    rows = {"dataset_name": scored[0].name, "dataset_digest": scored[0].digest} if scored else {}
    found: list[Metric] = []
    for key in keys:
        point = max(
            client.get_metric_history(run.info.run_id, key),
            key=lambda metric: (metric.step, metric.timestamp),
        )
        found.append(
            Metric(key, point.value, point.timestamp, point.step, model_id, run_id=run.info.run_id, **rows)
        )
    return found


def _remove(store: Store, model: LoggedModel) -> None:
    """A model of other weights, or one that was begun and never finished; one that is registered stays."""
    client = store.client
    versions = client.search_model_versions(f"run_id = '{model.source_run_id}'")
    if any(version.source == model.artifact_location for version in versions):
        return
    folder = _place(store, model)
    client.delete_logged_model(model.model_id)
    if folder is not None:
        shutil.rmtree(folder.resolve().parent, ignore_errors=True)  # of the place that was checked
