"""The model and data hub: whether it answers, and which commit a revision means."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Literal

from errors import UserError, no_hub
from host.boundary import boundary
from host.waiting import answer_within

HubKind = Literal["dataset", "model"]
# Corpus -> its data set on the hub. The bundled corpora are not in it.
DATA_SETS = {
    "sst2": "stanfordnlp/sst2",
    "imdb": "stanfordnlp/imdb",
    "tinystories": "roneneldan/TinyStories",
}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ANSWER_S = 4.0


@cache
def hub_reachable() -> bool:
    """Whether the hub answers, through a proxy if the environment names one; asked once per process.

    False at once where the hub library was told to stay offline (HF_HUB_OFFLINE). When nothing
    answers, the libraries are told so: by themselves they would retry for minutes.
    """
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE and _answers(constants.ENDPOINT):
        return True
    os.environ["HF_HUB_OFFLINE"] = "1"  # read by what is not imported yet, and that is slow to import
    constants.HF_HUB_OFFLINE = True
    if "datasets" in sys.modules:
        sys.modules["datasets"].config.HF_HUB_OFFLINE = True
    return False


def _answers(address: str) -> bool:
    """Whether it does within `_ANSWER_S` seconds in all; a request's own timeout is one per address tried."""
    import requests

    try:
        answer = answer_within(_ANSWER_S, lambda: requests.head(address, timeout=_ANSWER_S))
    except Exception:  # noqa: BLE001 whatever comes of it, it is no answer
        return False
    return answer is not None


def commit_of(repository: str, revision: str, *, kind: HubKind, memory: Path) -> str:
    """The commit (40 hex digits) that `revision` of a hub repository means.

    Without a hub it is what the same question was answered last time, kept in the folder `memory`, or
    what the hub library's own cache has. Raises UserError when the hub knows no such repository or
    revision, and when neither hub nor cache answers.
    """
    if _COMMIT.fullmatch(revision):
        return revision
    remembered = memory / f"{kind}s--{repository.replace('/', '--')}" / revision
    if not hub_reachable():
        found = _first_line(remembered) or _first_line(_library_reference(repository, revision, kind))
        if found is None:
            raise no_hub(f"the {kind} {repository}", key=_KEYS[kind])
        return found
    commit = _ask(repository, revision, kind) or _first_line(remembered)
    if commit is None:
        raise UserError(
            f"the hub could not say what {revision} of the {kind} {repository} is",
            where=_KEYS[kind],
            cure="Try again in a while, or give a local folder.",
        )
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text(commit, encoding="utf-8")
    return commit


_KEYS: dict[HubKind, str] = {"dataset": "data.path", "model": "model.pretrained"}


def _first_line(path: Path) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def _library_reference(repository: str, revision: str, kind: HubKind) -> Path:
    from huggingface_hub import constants

    return (
        Path(constants.HF_HUB_CACHE) / f"{kind}s--{repository.replace('/', '--')}" / "refs" / Path(revision)
    )


@cache  # a command asks before it opens the store, and the run asks again
def _ask(repository: str, revision: str, kind: HubKind) -> str | None:
    """The hub's answer; None when it is overloaded or breaks off."""
    what = f"the hub cannot say what {revision} of the {kind} {repository} is"
    with boundary(what, where=_KEYS[kind], cure="Give a local folder."):
        return _commit_now(repository, revision, kind)


def _commit_now(repository: str, revision: str, kind: HubKind) -> str | None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from requests import RequestException

    try:
        info = HfApi().repo_info(repository, repo_type=kind, revision=revision, timeout=2 * _ANSWER_S)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UserError(
            f"the hub has no {kind} {repository}, or not for you",
            where=_KEYS[kind],
            cure="Look at its name; log in with `hf auth login` if it is private; or give a local folder.",
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(
            f"the {kind} {repository} has no revision {revision}",
            where=_KEYS[kind],
            cure="Give a branch, a tag or a commit that it has.",
        ) from error
    except (HfHubHTTPError, RequestException):
        return None
    return info.sha


def missing(what: str, *, key: str, reason: Exception) -> UserError:
    """The error for what a hub that answers should have given and did not; without a hub, `no_hub`."""
    if not hub_reachable():
        return no_hub(what, key=key)
    return UserError(
        f"{what} cannot be had from the hub ({str(reason).splitlines()[0][:160]})",
        where=key,
        cure="Look at its name and revision, or give a local folder.",
    )
