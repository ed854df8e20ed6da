"""Files of a run: written in place where the artifact store is a folder, else staged and uploaded.

All text passes here and loses its secrets on the way; a folder's files (weights, tables) are taken as they are.

What is staged lies under `<journal>/<run_id>.artifacts/` in the shape that it has in the store, and
leaves only after it has arrived: a store that is away at the end of a long run costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.disk import disk_errors, is_partial, partial_name, write_atomically
from host.files import entries, file_digest
from tracking.addresses import shown_uri
from tracking.faults import explained
from tracking.places import inside
from tracking.redaction import redacted, redacted_value

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class Artifacts:
    """Writes the files of one run. Paths are relative, with slashes, as MLflow shows them."""

    def __init__(
        self,
        client: MlflowClient,
        uri: str,
        run_id: str,
        local: Path | None,
        journal_folder: Path,
        digests: Callable[[], dict[str, str] | None],
    ) -> None:
        self._client = client
        self._uri = uri
        self._run_id = run_id
        self.local = local
        self._staged = journal_folder / f"{run_id}.artifacts"
        self._writing = journal_folder / f"{run_id}.writing"
        self._known_digests = digests
        self.changed = False  # since somebody asked last, whether a file was written

    @cached_property
    def digests(self) -> dict[str, str] | None:
        """sha256 of every file so far, by path; none for a run whose earlier files have none.

        Asked for before the first file is written, so that a manifest that was altered is refused and not renewed.
        """
        return self._known_digests()

    def write_text(self, text: str, path: str) -> bytes:
        """Write one file without the secrets in `text`, whole or not at all; what it holds then.

        `upload` sends it where the store is remote. Surrogate escapes become their bytes again.
        """
        content = redacted(text).encode(errors="surrogateescape")
        self._write(content, path)
        return content

    def write_json(self, value: object, path: str) -> bytes:
        """Like `write_text`; secrets are recognised by their keys as well."""
        text = json.dumps(redacted_value(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        content = text.encode(errors="surrogateescape")
        self._write(content, path)
        return content

    def write_manifest(self, text: str, path: str) -> None:
        """Write what holds the digests of the others, which has none in itself."""
        write_atomically(self._target(path), text.encode())

    def _write(self, content: bytes, path: str) -> None:
        known = self.digests  # before the first write, so that an altered manifest is refused
        write_atomically(self._target(path), content)
        if known is not None:
            self.note({path: hashlib.sha256(content).hexdigest()})

    def note(self, digests: Mapping[str, str]) -> None:
        """These files are the run's."""
        if self.digests is not None:
            self.digests.update(digests)
            self.changed = True

    def _target(self, path: str) -> Path:
        return inside(self._staged if self.local is None else self.local, path)

    @contextmanager
    def put_folder(self, path: str) -> Generator[Path]:
        """A folder to fill; on normal exit it becomes the artifact folder `path`, replacing an older one."""
        target = self._target(path)
        before = self.digests
        partial = partial_name(target if self.local else self._writing)
        with disk_errors(target):
            partial.parent.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.mkdir()
        try:
            yield partial
            written = _digests_of(partial, path) if before is not None else {}
            with disk_errors(target):
                _replace(target, partial)
            self._note_replaced(path, written)
        finally:
            _remove(partial)
        self.upload()

    def _note_replaced(self, path: str, written: Mapping[str, str]) -> None:
        if self.digests is not None:
            for gone in [known for known in self.digests if known.startswith(f"{path}/")]:
                del self.digests[gone]
        self.note(written)

    def upload(self) -> None:
        """Send what is staged; a no-op for a local store.

        Raises:
            UserError: the store is away; then the files stay staged.
        """
        if not self._staged.exists():
            return
        self._check_staged()
        try:
            with explained(self._uri):
                self._client.log_artifacts(self._run_id, str(self._staged))
        except UserError as error:
            raise type(error)(
                f"{error.what}; the files of run {self._run_id} wait in {self._staged}",
                where=shown_uri(self._uri),
                cure="The next encore command on this store sends them.",
            ) from error
        shutil.rmtree(self._staged)

    def _check_staged(self) -> None:
        """UserError for a link among what is staged: what it leads to would be sent to the server."""
        found = {str(self._staged): self._staged.is_symlink()}
        found |= {str(entry.path): entry.kind == "link" for entry in entries(self._staged).values()}
        if (link := next((name for name, is_link in found.items() if is_link), None)) is not None:
            raise UserError(
                "is a link; Encore stages plain files only",
                where=link,
                cure="Remove it; nothing of this run is sent before.",
            )

    def discard_partial(self) -> None:
        """Remove what a writer that died left half-written."""
        halves = list(self._writing.parent.glob(f".{self._writing.name}*"))
        if self.local is not None and self.local.exists():
            halves += [path for path in self.local.rglob(".*") if is_partial(path)]
        for half in halves:
            _remove(half)


def _replace(target: Path, source: Path) -> None:
    """Put `source` at `target`. A folder cannot be renamed over another, so the old one steps aside."""
    if not target.is_dir():
        source.replace(target)
        return
    aside = partial_name(target)
    target.rename(aside)
    source.rename(target)
    shutil.rmtree(aside)


def _digests_of(written: Path, path: str) -> dict[str, str]:
    """Of all files of a folder that becomes `path`. Equal files are read once."""
    found = {f"{path}/{name}": entry.path for name, entry in entries(written).items() if entry.kind == "file"}
    return digests_of(found)


def digests_of(files: Mapping[str, Path]) -> dict[str, str]:
    """sha256 of `files` by their names; a file that has several is read once."""
    read: dict[tuple[int, int], str] = {}
    digests: dict[str, str] = {}
    for name, file in files.items():
        status = file.stat()
        digest = read.get((status.st_dev, status.st_ino)) or file_digest(file)
        read[status.st_dev, status.st_ino] = digests[name] = digest
    return digests


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
