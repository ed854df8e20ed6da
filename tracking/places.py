"""Where a store says that files lie, and whether that is a place of the store's own.

A database may have been written by somebody else. Everything that it names lies under the root, links followed, or on
its server; what it names elsewhere is neither read nor written nor removed.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from errors import UserError
from host.files import is_plain_file
from tracking.addresses import DATABASE_FILE, public_uri

_LONGEST = 1000
RUN_ID = re.compile(r"[0-9a-f]{32}")
# Object stores that the owner of a tracking server or database may have chosen for it.
_OBJECT_STORES = {"s3", "gs", "r2", "b2", "wasb", "wasbs", "abfs", "abfss", "hdfs", "dbfs"}
_ROOMS = ("artifacts", "cache", "checkpoints", "debug", "downloaded", "journal", DATABASE_FILE, "optuna.db")
_ON_SERVER = {"mlflow-artifacts", "http", "https"}


def artifact_folder(artifact_uri: str, run_id: str, *, root: Path, uri: str, where: str) -> Path | None:
    """The folder of a run's files here; none: a server has them.

    uri: of the tracking store. where: names the run in an error. UserError for a place that is not the store's own.
    """
    folder = local_path(artifact_uri)
    if folder is None:
        _check_server(urlsplit(artifact_uri), uri, where)
        return None
    _check_under_root(folder, root, where)
    place = folder.resolve()
    if (place.parent.name, place.name) != (run_id, "artifacts"):
        raise UserError(
            f"its files are said to lie in {place}, which is not the folder of this run",
            where=where,
            cure="The tracking store was altered; restore it.",
        )
    return folder


def check_location(location: str, *, root: Path, uri: str, where: str) -> None:
    """UserError when the files of an experiment's new runs would go to a place that is not the store's own."""
    folder = local_path(location)
    if folder is None:
        _check_server(urlsplit(location), uri, where)
    else:
        _check_under_root(folder, root, where)


def check_rooms(root: Path) -> None:
    """UserError where one of the root's own files and folders is a link: what is written there would go elsewhere."""
    for room in (root / name for name in _ROOMS):
        if room.is_symlink() and not room.resolve().is_relative_to(root.resolve()):
            raise UserError(
                f"is a link to {str(room.resolve())!r:.200}, outside of the folder that holds it",
                where=str(room),
                cure="Put there what it leads to, or have --root name the folder where all of it lies.",
            )


def local_path(artifact_uri: str) -> Path | None:
    """The path that `artifact_uri` names on this machine, or None when it names none."""
    parts = urlsplit(artifact_uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(artifact_uri) if parts.scheme == "" else None


def _check_under_root(folder: Path, root: Path, where: str) -> None:
    place = Path() if "\0" in str(folder) else folder.resolve()
    if place.is_relative_to(root.resolve()):
        return
    led = "" if place in {folder, Path()} else f", which is {place}"
    raise UserError(
        f"its files are said to lie in {str(folder)!r:.200}{led}, outside of {root}",
        where=where,
        cure="Name with --root the folder that has them; if nobody moved them, the tracking store was altered.",
    )


def _check_server(place: SplitResult, uri: str, where: str) -> None:
    """Of the tracking server itself, or in an object store that a server or a database server names."""
    store = urlsplit(uri)
    own = (
        place.scheme in _ON_SERVER
        and place.netloc in ("", store.netloc)
        and store.scheme in {"http", "https"}
    )
    chosen = place.scheme in _OBJECT_STORES and store.scheme != "sqlite"
    if not (own or chosen):
        raise UserError(
            f"its files are said to lie at {public_uri(place.geturl())!r:.200}, which is not a place of this store",
            where=where,
            cure="Fetch them into the store's own folder, or open the server that has them.",
        )


def checked(path: str) -> PurePosixPath:
    """`path` as a relative path that stays inside the run's artifacts."""
    relative = PurePosixPath(path)
    odd = "\0" in path or len(path) > _LONGEST
    if odd or relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise ValueError(f"an artifact path must be relative and inside the run: {path!r:.120}")
    return relative


def inside(folder: Path, path: str) -> Path:
    """`path` below the run folder `folder`. UserError when a link stands on the way: it may lead anywhere."""
    target = folder
    for part in checked(path).parts:
        target /= part
        if target.is_symlink():
            raise UserError(
                "is a link; a run's files and folders are plain ones",
                where=str(target),
                cure="Put there what it points to, if that is the run's, or restore the artifact.",
            )
    return target


def plain(folder: Path, path: str, *, where: str) -> Path | None:
    """The file or the folder `path` below the run folder `folder`; none where there is none.

    UserError where a link, a pipe or the like is in its place. where: names the run in it.
    """
    found = inside(folder, path)
    if not found.exists():
        return None
    if not (found.is_dir() or is_plain_file(found)):
        raise UserError(f"{path} is no plain file", where=where, cure="The artifact was altered; restore it.")
    return found
