"""MLflow's model registry: the versions of a task's registered model, and the aliases that say which is which."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import UserError
from host.disk import exclusive
from host.text import shown
from tracking.faults import explained
from tracking.logged_models import VARIANT_TAG, WEIGHTS_TAG

if TYPE_CHECKING:
    from tracking.store import Store

CHAMPION = "champion"
CHALLENGER = "challenger"
"""The champion before."""


_ALIAS = re.compile(r"(?!(?i:v[0-9]+|latest)\Z)[\w-]{1,255}", re.ASCII)  # what MLflow allows


def check_alias(alias: str) -> None:
    """UserError for what is no alias of a registered model."""
    if not _ALIAS.fullmatch(alias):
        raise UserError(
            f"{shown(alias)} is no alias",
            where="--alias",
            cure="Give letters, digits, - and _, but not `latest` nor what names a version, such as v1.",
        )


@dataclass(frozen=True)
class Version:
    """Of a registered model. number: as MLflow counts them, from 1. run_id: whose model it is; active: whether that is
    there still, and not in MLflow's bin. variant: which form of it; none: an earlier version of Encore did not say.
    weights: sha256 of the file that MLflow loads; none: where it is not known."""

    number: int
    run_id: str
    active: bool = True
    variant: str | None = None
    weights: str | None = None


@dataclass(frozen=True)
class Registry:
    """The registered model `name` of a store. Every method raises UserError where the store cannot do it."""

    store: Store
    name: str

    @contextmanager
    def alone(self) -> Generator[None]:
        """No other process of this store's folder moves an alias of this model meanwhile."""
        lock = f"registry-{re.sub(r'[^-.a-zA-Z0-9_]', '-', self.name)}.lock"
        with exclusive(self.store.journal_folder / lock):
            yield

    def champion(self) -> Version | None:
        """The version that has the alias; none where none has."""
        return self.aliased(CHAMPION)

    def aliased(self, alias: str) -> Version | None:
        """Likewise of another alias."""
        with explained(self.store.uri):
            number = (self._aliases() or {}).get(alias)
            if number is None:
                return None
            found = self.store.client.get_model_version(self.name, number)
            run_id = found.run_id or ""
            said = (found.tags.get(tag) for tag in (VARIANT_TAG, WEIGHTS_TAG))
            return Version(int(number), run_id, self._is_active(run_id), *said)

    def crown(self, run_id: str, model_id: str, *, reason: str, about: str, alias: str = CHAMPION) -> Version:
        """Give a run's model the alias; with `champion` the one that had it becomes the `challenger`.

        reason: Markdown, of the version. about: Markdown, of the registered model, when it is made.
        """
        with explained(self.store.uri):
            client, aliases = self.store.client, self._aliases()
            if aliases is None:
                client.create_registered_model(self.name, description=about)
            before = (aliases or {}).get(alias)
            number = self._version_of(run_id, model_id, reason)
            if alias == CHAMPION and before not in (None, number):
                client.set_registered_model_alias(self.name, CHALLENGER, str(before))
            client.set_registered_model_alias(self.name, alias, number)
            return Version(int(number), run_id)

    def _aliases(self) -> dict[str, str] | None:
        """The number of a version by its alias; none where there is no such registered model."""
        with _none_where_there_is_none():
            found = self.store.client.get_registered_model(self.name).aliases
            return {alias: str(number) for alias, number in found.items()}
        return None

    def _is_active(self, run_id: str) -> bool:
        with _none_where_there_is_none():
            return bool(self.store.client.get_run(run_id).info.lifecycle_stage == "active")
        return False

    def _version_of(self, run_id: str, model_id: str, reason: str) -> str:
        """The number of the model's version, made where it has none; `reason` is its description."""
        client = self.store.client
        model = client.get_logged_model(model_id)
        source, tags = model.artifact_location, model.tags
        known = client.search_model_versions(f"name = '{self.name}' and run_id = '{run_id}'")
        for version in known:
            if version.source == source:
                client.update_model_version(self.name, version.version, reason)
                return str(version.version)
        made = client.create_model_version(
            self.name,
            source,
            run_id,
            tags={tag: tags[tag] for tag in (VARIANT_TAG, WEIGHTS_TAG) if tag in tags},
            description=reason,
            await_creation_for=0,
            model_id=model_id,
        )
        return str(made.version)


@contextmanager
def _none_where_there_is_none() -> Generator[None]:
    """Leaves the block where the store has nothing of the name that is asked for."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
