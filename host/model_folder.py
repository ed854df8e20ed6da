"""A model folder of somebody else's: the files that are taken from it, and a private copy of them for the libraries.

transformers runs Python that lies in a folder (`custom_generate/generate.py`, CVE-2026-80047), writes where the names
of chat templates lead (CVE-2026-9856), unpickles, follows adapters to other folders and opens what it finds under a
name it knows, be it a device. So it never sees such a folder: the files below are read here, checked and put into a
folder of their own, and that is what it loads from.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from errors import UserError
from host.bounded_json import FOREIGN, OddJsonError, parse_json
from host.disk import disk_errors
from host.files import is_git_lfs_pointer
from host.notices import notice

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"
VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt")
# Every file with a text in it that is taken, and how much of it, in MiB; the largest known tokenizer.json has 34.
TEXTS = {
    CONFIG: 4,
    INDEX: 8,
    TOKENIZER: 64,
    TOKENIZER_CONFIG: 8,
    SPECIAL_TOKENS: 1,
    ADDED_TOKENS: 8,
    **dict.fromkeys(VOCABULARIES, 32),
}
SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_LEFT_ALONE = re.compile(
    r".*\.(py|pyc|so|bin|pt|pth|pkl|pickle|ckpt|h5|msgpack|jinja)|adapter_.*|custom_generate|"
    r"additional_chat_templates"
)
_CURE = "Give a folder that save_pretrained wrote."
_KINDS: dict[type, str] = {list: "list", str: "text", int: "number", float: "number"}


class ModelFolder:
    """The files of one folder that are taken. where, cure: how an error names it, and what helps if nothing else."""

    def __init__(self, folder: Path, *, where: str, cure: str = _CURE) -> None:
        self.path = folder.resolve()
        self.where = where
        self.cure = cure

    def has(self, name: str) -> bool:
        """Whether there is anything of that name, also a link that leads nowhere."""
        return os.path.lexists(self.path / name)

    def file(self, name: str) -> Path:
        """The ordinary file of that name, links followed. UserError for anything else.

        A link may lead to another file of the folder, or, as the hub's library lays them, into the `blobs` beside
        the folder's `snapshots`.
        """
        try:
            found = (self.path / name).resolve(strict=True)
            ordinary = stat.S_ISREG(found.stat().st_mode)
        except (OSError, RuntimeError) as error:  # a circle of links is the one or the other
            raise self.refused(f"there is no {name} that can be opened") from error
        blobs = self.path.parent.parent / "blobs" if self.path.parent.name == "snapshots" else self.path
        if found.parent not in (self.path, blobs):
            raise self.refused(
                f"{name} is a link that leads out of the folder", cure="Put the file itself there."
            )
        if not ordinary:
            raise self.refused(f"{name} is no ordinary file")
        if os.access(found, os.R_OK) and is_git_lfs_pointer(found):
            raise self.refused(
                f"{name} is a pointer of Git LFS and not the file itself",
                cure="Fetch that with `git lfs pull`.",
            )
        return found

    def content(self, name: str) -> bytes:
        """All of a text file, read at once. UserError when it is missing, none, or larger than any is."""
        most = TEXTS[name] * 2**20
        path = self.file(name)
        try:
            with path.open("rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise self.refused(f"{name} cannot be read ({error.strerror})") from error
        if len(content) > most:
            raise self.refused(f"{name} is larger than {TEXTS[name]} MiB, which none of its kind is")
        return content

    def table(self, name: str) -> dict[str, Any]:
        """What a JSON file of the folder says. UserError where it says no table."""
        where = f"{self.where}, {name}"
        try:
            found = parse_json(self.content(name), FOREIGN)
        except OddJsonError as error:
            raise UserError(str(error), where=where, cure=self.cure) from error
        if not isinstance(found, dict):
            kind = _KINDS.get(type(found), "value")
            raise UserError(f"is a JSON {kind}, not a table", where=where, cure=self.cure)
        return found

    def weights(self) -> dict[str, Path]:
        """The safetensors files by their names: the one file, or all shards that the index names."""
        if self.has(WEIGHTS):
            return {WEIGHTS: self.file(WEIGHTS)}
        if self.has(INDEX):
            return {name: self.file(name) for name in self._shards()}
        if self.has("adapter_config.json"):
            raise self.refused(
                f"has an adapter and no {WEIGHTS}", cure="Merge it into its model and save that as a whole."
            )
        raise self.refused(
            f"has no {WEIGHTS}", cure="Save the model with save_pretrained: pickled weights are not read."
        )

    def index(self) -> dict[str, str]:
        """Of weights in shards, which one each tensor is in; else nothing."""
        if self.has(WEIGHTS):
            return {}
        named = self.table(INDEX).get("weight_map")
        if not isinstance(named, dict) or not named:
            raise self.refused(f"{INDEX} names no weights")
        for shard in named.values():
            if not isinstance(shard, str) or not SHARD.fullmatch(shard):
                raise self.refused(f"{INDEX} names {shard!r:.80}, which is no file of safetensors beside it")
        return named

    def say_what_is_left_alone(self) -> None:
        """A word on code, pickles, adapters and templates that lie here, of which nothing is read."""
        found = sorted(entry.name for entry in self.path.iterdir() if _LEFT_ALONE.fullmatch(entry.name))
        if found:
            notice(f"{self.where}: left alone, no code is run and no pickle read: {', '.join(found)[:200]}")

    def _shards(self) -> list[str]:
        return sorted(set(self.index().values()))

    def refused(self, what: str, *, cure: str | None = None) -> UserError:
        """The error for this folder."""
        return UserError(what, where=self.where, cure=cure or self.cure)


@contextmanager
def private_folder(files: Mapping[str, bytes], links: Mapping[str, Path]) -> Generator[Path]:
    """A folder that holds these files and links and nothing else, until the block ends.

    A full disk is reported of the copy alone: what the block writes lies elsewhere.
    """
    with ExitStack() as held:
        with disk_errors(Path(_temporary())):
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="encore-model-")))
            for file, content in files.items():
                (folder / file).write_bytes(content)
            for file, target in links.items():
                (folder / file).symlink_to(target)
        yield folder


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError as error:
        raise UserError(
            "no folder for temporary files can be written",
            where="TMPDIR",
            cure="Free some space, or have TMPDIR name a folder that has some.",
        ) from error


def hub_folder(repository: str, *, revision: str, local_files_only: bool, files: Iterable[str]) -> Path:
    """The folder in the hub library's cache that has these files of a repository, fetched where it may be.

    Raises whatever the hub's library does when there is no such thing.
    """
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            repository,
            revision=revision,
            local_files_only=local_files_only,
            allow_patterns=list(files),
        )
    )
