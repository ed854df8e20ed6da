"""Files of a run: written in place where the artifact store is a folder, else staged and uploaded.

What is staged lies under `<journal>/<run_id>.artifacts/` in the shape that it has in the store, and
leaves only after it has arrived: a store that is away at the end of a long run costs nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from errors import UserError
from host.disk import disk_errors, is_partial, partial_name, write_atomically
from tracking.faults import explained, public_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def local_folder(artifact_uri: str) -> Path | None:
    """The folder that `artifact_uri` is, or None when it is not a plain local one."""
    parts = urlsplit(artifact_uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(artifact_uri) if parts.scheme == "" else None


class Artifacts:
    """Writes the files of one run. Paths are relative, with slashes, as MLflow shows them."""

    def __init__(
        self, client: MlflowClient, uri: str, run_id: str, artifact_uri: str, journal_folder: Path
    ) -> None:
        self._client = client
        self._uri = uri
        self._run_id = run_id
        self.local = local_folder(artifact_uri)
        self._staged = journal_folder / f"{run_id}.artifacts"
        self._writing = journal_folder / f"{run_id}.writing"

    def write(self, content: bytes, path: str) -> None:
        """Write one file, whole or not at all; `upload` then sends it where the store is remote."""
        write_atomically((self.local or self._staged) / checked(path), content)

    def put_file(self, file: Path, folder: str) -> None:
        with (
            self.put_folder_member(f"{checked(folder)}/{file.name}" if folder else file.name) as target,
            disk_errors(target),
        ):
            shutil.copy2(file, target)

    @contextmanager
    def put_folder(self, path: str) -> Generator[Path]:
        """A folder to fill; on normal exit it becomes the artifact folder `path`, replacing an older one."""
        with self.put_folder_member(path) as folder:
            with disk_errors(folder):
                folder.mkdir()
            yield folder

    @contextmanager
    def put_folder_member(self, path: str) -> Generator[Path]:
        """A name to write a file or a folder at, which becomes `path` on normal exit only."""
        target = (self.local or self._staged) / checked(path)
        partial = partial_name(target if self.local else self._writing)
        with disk_errors(target):
            partial.parent.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with disk_errors(target):
                _replace(target, partial)
        finally:
            _remove(partial)
        self.upload()

    def upload(self) -> None:
        """Send what is staged; a no-op for a local store.

        Raises:
            UserError: the store is away; then the files stay staged.
        """
        if not self._staged.exists():
            return
        try:
            with explained(self._uri):
                self._client.log_artifacts(self._run_id, str(self._staged))
        except UserError as error:
            raise type(error)(
                f"{error.what}; the files of run {self._run_id} wait in {self._staged}",
                where=public_uri(self._uri),
                cure="The next encore command on this store sends them.",
            ) from error
        shutil.rmtree(self._staged)

    def discard_partial(self) -> None:
        """Remove what a writer that died left half-written."""
        halves = list(self._writing.parent.glob(f".{self._writing.name}*"))
        if self.local is not None and self.local.exists():
            halves += [path for path in self.local.rglob(".*") if is_partial(path)]
        for half in halves:
            _remove(half)


def checked(path: str) -> PurePosixPath:
    """`path` as a relative path that stays inside the run's artifacts."""
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise ValueError(f"an artifact path must be relative and inside the run: {path!r}")
    return relative


def _replace(target: Path, source: Path) -> None:
    """Put `source` at `target`. A folder cannot be renamed over another, so the old one steps aside."""
    if not target.is_dir():
        source.replace(target)
        return
    aside = partial_name(target)
    target.rename(aside)
    source.rename(target)
    shutil.rmtree(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
