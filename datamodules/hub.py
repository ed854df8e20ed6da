"""The model and data hub: whether it answers, and which commit a revision means."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn

from datamodules.fingerprint import short_digest
from errors import UserError, no_hub
from host.boundary import boundary, first_line
from host.disk import write_atomically
from host.waiting import answer_within

HubKind = Literal["dataset", "model"]
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PLAIN = re.compile(r"[\w-][\w.-]{0,99}")
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
    revision, when neither hub nor cache answers, and, naming the file, when only a damaged memory could.
    """
    if _COMMIT.fullmatch(revision):
        return revision
    remembered = _Answer(kind, repository, revision, memory)
    if not hub_reachable():
        found = remembered.read() or _library_reference(repository, revision, kind)
        if found is None:
            raise no_hub(f"the {kind} {repository}", key=_KEYS[kind])
        return found
    commit = _ask(repository, revision, kind)
    if commit is None:
        return remembered.read() or _no_answer(remembered)
    remembered.write(commit)
    return commit


_KEYS: dict[HubKind, str] = {"dataset": "data.path", "model": "model.pretrained"}


def _no_answer(question: _Answer) -> NoReturn:
    raise UserError(
        f"the hub could not say what {question.revision} of the {question.kind} {question.repository} is",
        where=_KEYS[question.kind],
        cure="Try again in a while, or give a local folder.",
    )


@dataclass(frozen=True)
class _Answer:
    """What the hub said a revision means, in a file of the folder `memory`: the commit and a digest of it."""

    kind: HubKind
    repository: str
    revision: str
    memory: Path

    @property
    def file(self) -> Path:
        repository = f"{self.kind}s--{self.repository.replace('/', '--')}"
        return self.memory / _file_name(repository) / _file_name(self.revision)

    def read(self) -> str | None:
        """The commit; none where nothing is remembered. UserError when the file is not as it was written."""
        if not self.file.exists():
            return None
        with boundary("cannot be read", where=str(self.file), cure=_FORGET):
            text = self.file.read_text(encoding="utf-8")
        commit = text[:40]
        if text == self._line(commit) or (text.strip() == commit and self._library_has(commit)):
            return commit
        raise UserError("is not what the hub had answered", where=str(self.file), cure=_FORGET)

    def write(self, commit: str) -> None:
        write_atomically(self.file, self._line(commit).encode())

    def _line(self, commit: str) -> str:
        return f"{commit} {short_digest(self.kind, self.repository, self.revision, commit)}\n"

    def _library_has(self, commit: str) -> bool:
        """Says whether to believe a line without a digest, which earlier versions of Encore wrote."""
        folder = _library_folder(self.repository, self.kind) / "snapshots" / commit
        return _COMMIT.fullmatch(commit) is not None and folder.is_dir()


_FORGET = "Delete this file; then the hub is asked again."


def _file_name(text: str) -> str:
    """`text` itself where it can only be a file's name."""
    return text if _PLAIN.fullmatch(text) else short_digest(text)


def _library_folder(repository: str, kind: HubKind) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"{kind}s--{repository.replace('/', '--')}"


def _library_reference(repository: str, revision: str, kind: HubKind) -> str | None:
    """The commit that the hub library's own cache has for a revision; none where it has none."""
    folder = _library_folder(repository, kind) / "refs"
    file = folder / revision
    if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
        return None
    with boundary("cannot be read", where=str(file), cure=_FORGET):
        commit = file.read_text(encoding="utf-8").strip()
    if not _COMMIT.fullmatch(commit):
        raise UserError("is not a commit", where=str(file), cure=_FORGET)
    return commit


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
        f"{what} cannot be had from the hub ({first_line(reason)})",
        where=key,
        cure="Look at its name and revision, or give a local folder.",
    )
