"""Looking runs up by id, experiment and tags."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from errors import UserError
from tracking.addresses import shown_uri
from tracking.entities import VARIANT_TAG, WEIGHTS_TAG, Keys, RunRecord, Version
from tracking.faults import explained
from tracking.gone import UnknownRunError
from tracking.metric_writer import SQL_INFINITY
from tracking.places import RUN_ID

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run
    from mlflow.tracking import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
_PAGE = 1000
SHOWN_CANDIDATES = 8
_SHOWN_CHARACTERS = 48
Point = tuple[int, int, float]
"""Of a metric: step, time in ms, value."""


class Search(Protocol):
    """Looking runs up; only active ones, of active experiments."""

    def find(self, prefix: str, *, deleted: bool = False) -> RunRecord:
        """The one run whose ID begins with `prefix`, hex digits. UserError for none or several.

        deleted: among those in the bin.
        """
        ...

    def search(
        self, *, experiment: str | None, tags: Mapping[str, str], limit: int | None
    ) -> list[RunRecord]:
        """Newest first. An experiment that does not exist has none."""
        ...

    def table(self, *, experiment: str | None, tags: Mapping[str, str], deleted: bool) -> RunTable:
        """The same runs as a table, of which no more is read than is asked for. deleted: those in the bin."""
        ...

    def histories(self, run_ids: Sequence[str], key: str) -> dict[str, list[Point]]:
        """Every point of a metric, by run, in no order."""
        ...

    def experiments(self) -> dict[str, dict[str, str]]:
        """The tags of each active experiment, by its name."""
        ...

    def aliases(self) -> dict[str, dict[str, int]]:
        """Numbers of versions by their aliases, of each registered model by its name."""
        ...

    def version(self, model: str, number: int) -> Version:
        """One of a registered model, which has it."""
        ...


class RunTable(Protocol):
    """Runs by columns."""

    def keys(self) -> Keys:
        """The names of all that any of the runs carries."""
        ...

    def records(self, only: Keys, *, limit: int | None = None) -> list[RunRecord]:
        """Newest first; of params, metrics and tags those of `only` at the least."""
        ...

    def completed(self, records: Sequence[RunRecord], only: Keys | None = None) -> list[RunRecord]:
        """`records` of this table, in their order, with what `only` names at the least; none: all that they carry."""
        ...


class ClientTable:
    """A server says all of a run or nothing, so all of each is read, once."""

    def __init__(self, read: Callable[[int | None], list[RunRecord]]) -> None:
        """read: the newest so many runs; none: all."""
        self._read = read

    @cached_property
    def _records(self) -> list[RunRecord]:
        return self._read(None)

    def keys(self) -> Keys:
        runs = self._records
        return Keys(
            frozenset(key for run in runs for key in run.params),
            frozenset(key for run in runs for key in run.metrics),
            frozenset(key for run in runs for key in run.tags),
        )

    def records(self, only: Keys, *, limit: int | None = None) -> list[RunRecord]:  # noqa: ARG002
        return self._records if limit is None else self._read(limit)

    def completed(self, records: Sequence[RunRecord], only: Keys | None = None) -> list[RunRecord]:  # noqa: ARG002
        return list(records)


class ClientSearch:
    """By MLflow's client; `uri` is the store's, without a password."""

    def __init__(self, client: MlflowClient, uri: str) -> None:
        self.client = client
        self.uri = uri

    def find(self, prefix: str, *, deleted: bool = False) -> RunRecord:
        condition = f"attributes.run_id LIKE '{prefix}%'"
        found = _search(self.client, condition, {}, _experiments(self.client), SHOWN_CANDIDATES, deleted)
        return only_one(found, prefix, shown_uri(self.uri))

    def table(self, *, experiment: str | None, tags: Mapping[str, str], deleted: bool) -> RunTable:
        def read(limit: int | None) -> list[RunRecord]:
            with explained(self.uri):
                return self.search(experiment=experiment, tags=tags, limit=limit, deleted=deleted)

        return ClientTable(read)

    def search(
        self, *, experiment: str | None, tags: Mapping[str, str], limit: int | None, deleted: bool = False
    ) -> list[RunRecord]:
        experiments = {
            key: value
            for key, value in _experiments(self.client).items()
            if experiment is None or value.name == experiment
        }
        # MLflow's filter language cannot quote both kinds of quotation marks; what it cannot say is asked here.
        sayable = {key: value for key, value in tags.items() if not {"'", '"', "`", "\\"} & {*key, *value}}
        conditions = " AND ".join(f"tags.`{key}` = '{value}'" for key, value in sayable.items())
        return _search(self.client, conditions, tags, experiments, limit, deleted)

    def histories(self, run_ids: Sequence[str], key: str) -> dict[str, list[Point]]:
        histories = {run_id: self.client.get_metric_history(run_id, key) for run_id in run_ids}
        return {
            run_id: [(metric.step, metric.timestamp, as_float(metric.value)) for metric in points]
            for run_id, points in histories.items()
        }

    def experiments(self) -> dict[str, dict[str, str]]:
        return {found.name: dict(found.tags) for found in _experiments(self.client).values()}

    def aliases(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        token = None
        with explained(self.uri):
            while True:
                page = self.client.search_registered_models(max_results=_PAGE, page_token=token)
                for model in page:
                    found[model.name] = {alias: int(number) for alias, number in model.aliases.items()}
                token = page.token
                if not token:
                    return found

    def version(self, model: str, number: int) -> Version:
        with explained(self.uri):
            found = self.client.get_model_version(model, str(number))
            run_id = found.run_id or ""
            said = (found.tags.get(tag) for tag in (VARIANT_TAG, WEIGHTS_TAG))
            return Version(number, run_id, self._is_active(run_id), *said)

    def _is_active(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            return bool(self.client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise


def only_one(found: Sequence[RunRecord], prefix: str, where: str) -> RunRecord:
    """The run that was meant. UserError for none and for several."""
    if not found:
        raise unknown_run(prefix, where)
    if len(found) > 1:
        names = ", ".join(f"{record.run_id[: len(prefix) + 4]} ({_short(record.name)})" for record in found)
        raise UserError(
            f"several runs begin with {prefix}: {names}", where=where, cure="Give more of the id."
        )
    return found[0]


def is_run_id(text: str) -> bool:
    """Whether a run's ID could begin so: 1 to 32 hex digits in lower case."""
    return re.fullmatch(r"[0-9a-f]{1,32}", text) is not None


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"


def unknown_run(prefix: str, where: str) -> UnknownRunError:
    return UnknownRunError(
        f"no run's id begins with {prefix!r}", where=where, cure="`encore runs` lists the runs."
    )


def _experiments(client: MlflowClient) -> dict[str, Experiment]:
    found: dict[str, Experiment] = {}
    token = None
    while True:
        page = client.search_experiments(max_results=_PAGE, page_token=token)
        found.update((experiment.experiment_id, experiment) for experiment in page)
        token = page.token
        if not token:
            return found


def _search(
    client: MlflowClient,
    conditions: str,
    tags: Mapping[str, str],
    experiments: Mapping[str, Experiment],
    limit: int | None,
    deleted: bool,
) -> list[RunRecord]:
    from mlflow.entities import ViewType

    found: list[RunRecord] = []
    token = None
    while experiments and (limit is None or len(found) < limit):
        page = client.search_runs(
            list(experiments),
            conditions,
            ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY,
            max_results=_PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        matching = [run for run in page if tags.items() <= run.data.tags.items()]
        found.extend(run_record(run, experiments[run.info.experiment_id].name) for run in matching)
        token = page.token
        if not token:
            break
    return found[:limit]


def run_record(run: Run, experiment: str) -> RunRecord:
    """As plain values. UserError when its ID is none."""
    return RunRecord(
        run_id=checked_id(run.info.run_id),
        name=run.info.run_name or "",
        experiment=experiment,
        status=run.info.status,
        params=dict(run.data.params),
        metrics={key: as_float(value) for key, value in run.data.metrics.items()},
        tags=dict(run.data.tags),
        start_ms=run.info.start_time or 0,
        end_ms=run.info.end_time,
        parent_id=run.data.tags.get(PARENT_TAG),
        artifact_uri=run.info.artifact_uri or "",
    )


def checked_id(run_id: object) -> str:
    """A run's ID, which is a name of files here; UserError for what is none."""
    if not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id):
        raise UserError(
            f"holds a run whose ID is none ({run_id!r:.60})",
            where="the tracking store",
            cure="It was altered; restore it.",
        )
    return run_id


def as_float(stored: float) -> float:
    """SQL stores keep an infinity as the greatest float; no measurement is that number."""
    return math.copysign(math.inf, stored) if abs(stored) == SQL_INFINITY else stored
