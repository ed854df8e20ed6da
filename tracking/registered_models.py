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
from tracking.entities import VARIANT_TAG, WEIGHTS_TAG, Version
from tracking.faults import explained

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
        number = self.store.search.aliases().get(self.name, {}).get(alias)
        return None if number is None else self.store.search.version(self.name, number)

    def crown(self, run_id: str, model_id: str, *, reason: str, about: str, alias: str = CHAMPION) -> Version:
        """Give a run's model the alias; with `champion` the one that had it becomes the `challenger`.

        reason: Markdown, of the version. about: Markdown, of the registered model, when it is made.
        """
        with explained(self.store.uri):
            client, aliases = self.store.client, self.store.search.aliases().get(self.name)
            if aliases is None:
                client.create_registered_model(self.name, description=about)
            before = (aliases or {}).get(alias)
            number = self._version_of(run_id, model_id, reason)
            if alias == CHAMPION and before not in (None, number):
                client.set_registered_model_alias(self.name, CHALLENGER, str(before))
            client.set_registered_model_alias(self.name, alias, str(number))
            return Version(number, run_id)

    def _version_of(self, run_id: str, model_id: str, reason: str) -> int:
        """The number of the model's version, made where it has none; `reason` is its description."""
        client = self.store.client
        model = client.get_logged_model(model_id)
        source, tags = model.artifact_location, model.tags
        known = client.search_model_versions(f"name = '{self.name}' and run_id = '{run_id}'")
        for version in known:
            if version.source == source:
                client.update_model_version(self.name, version.version, reason)
                return int(version.version)
        made = client.create_model_version(
            self.name,
            source,
            run_id,
            tags={tag: tags[tag] for tag in (VARIANT_TAG, WEIGHTS_TAG) if tag in tags},
            description=reason,
            await_creation_for=0,
            model_id=model_id,
        )
        return int(made.version)
