"""Where a tokenizer or a model of a study comes from: a folder, or the hub at a commit."""

from __future__ import annotations

from pathlib import Path

from errors import UserError
from schema.strict import absolute


def is_local(source: str) -> bool:
    """Whether it is written as a folder's path is."""
    return source.startswith((".", "/", "~"))


def placed(source: str) -> str:
    """The whole path of a folder; a model of the hub as it is named."""
    return absolute(source) if is_local(source) else source


def model_folder(source: str, revision: str) -> Path:
    """The folder of a model that `placed` has named, of the hub at a pinned revision. UserError where there is none."""
    from datamodules.hub import hub_reachable
    from host.model_folder import CONFIG, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS, hub_folder

    if Path(source).is_absolute():
        if not Path(source).is_dir():
            raise UserError("no such folder", where=f"--model {source}", cure="Give a model's folder.")
        return Path(source)
    files = (CONFIG, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS)
    return hub_folder(source, revision=revision, local_files_only=not hub_reachable(), files=files)


def model_commit(source: str, revision: str, *, option: str, cure: str, root: Path) -> str:
    """The commit that a hub model's revision means now. UserError, which names the option, where none is known."""
    from datamodules.hub import commit_of

    try:
        return commit_of(source, revision, kind="model", memory=root / "cache" / "hub")
    except UserError as error:
        raise UserError(error.what, where=f"{option} {source}", cure=cure) from error
