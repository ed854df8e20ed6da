"""What a run is given in the store before it begins: its experiment, and the rows that it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from tracking.addresses import shown_uri
from tracking.entities import DatasetInput, Experiment
from tracking.places import check_location
from tracking.redaction import redacted

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput as MlflowInput
    from mlflow.tracking import MlflowClient

_PRIMARY_NAME_TAG = "mlflow.experiment.primaryMetric.name"
_PRIMARY_GREATER_TAG = "mlflow.experiment.primaryMetric.greaterIsBetter"
_KIND_TAG = "mlflow.experimentKind"  # has the UI open the view of training runs, not the one of agents
_DIGEST_CHARACTERS = 36  # MLflow's limit
_TRIES = 10  # each failure is another run's success
_CLASHES = ("IntegrityError", "UniqueViolation")  # sqlite's and MySQL's, PostgreSQL's


def experiment_id(client: MlflowClient, uri: str, root: Path, experiment: Experiment) -> str:
    """The ID of the experiment, made where there is none. UserError for a deleted one."""
    from mlflow.exceptions import MlflowException

    name = experiment.name
    wanted = {
        _PRIMARY_NAME_TAG: experiment.primary_metric,
        _PRIMARY_GREATER_TAG: str(experiment.greater_is_better).lower(),
        _KIND_TAG: "custom_model_development",
    }
    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return client.create_experiment(name, _artifact_location(uri, root, name), wanted)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        known = client.get_experiment_by_name(name)  # another process was quicker
        assert known is not None
    if known.lifecycle_stage != "active":
        raise UserError(
            f"the experiment {name} was deleted in the store",
            where=shown_uri(uri),
            cure=f"Run `mlflow experiments restore -x {known.experiment_id}`, or use another name.",
        )
    where = f"experiment {name}"
    check_location(known.artifact_location, root=root, uri=uri, where=where)
    for tag, value in wanted.items():
        if known.tags.get(tag) != value:
            client.set_experiment_tag(known.experiment_id, tag, value)
    return known.experiment_id


def _artifact_location(uri: str, root: Path, experiment: str) -> str | None:
    """A folder under the root, unless a server decides where artifacts go."""
    if uri.startswith(("http:", "https:")):
        return None
    return (root / "artifacts" / re.sub(r"[^\w.-]+", "-", experiment)).as_uri()


def log_inputs(client: MlflowClient, run_id: str, datasets: Sequence[DatasetInput]) -> None:
    """The rows that a run reads, by split."""
    from mlflow.entities import Dataset, InputTag
    from mlflow.entities import DatasetInput as MlflowInput

    inputs: list[MlflowInput] = []
    for data in datasets:
        profile = json.dumps({"num_rows": data.rows, "sha256": data.digest})
        source = json.dumps({"uri": redacted(data.source)})
        entity = Dataset(
            redacted(data.name), data.digest[:_DIGEST_CHARACTERS], "local", source, profile=profile
        )
        tags = [InputTag("mlflow.data.context", data.split), InputTag("encore.sha256", data.digest)]
        inputs.append(MlflowInput(entity, tags))
    if inputs:
        _log(client, run_id, inputs)


def _log(client: MlflowClient, run_id: str, inputs: Sequence[MlflowInput]) -> None:
    """MLflow looks which rows an experiment has, and then adds the others: another run may have done so in between."""
    from mlflow.exceptions import MlflowException

    for left in reversed(range(_TRIES)):
        try:
            client.log_inputs(run_id, inputs)
            return
        except MlflowException as error:
            if left == 0 or not any(clash in str(error) for clash in _CLASHES):
                raise
