"""Interpreters with what a recorded lock says, set up once in this user's cache; never one that a store holds."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.reproduction.lock import Lock, normal_name, read_lock
from host.disk import exclusive
from tracking.own_code import cache_folder
from tracking.provenance import LOCK_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from packaging.requirements import Requirement

_SHOWN = 200
_SHOWN_PINS = 5


def python_with(
    sources: Path, digest: str, *, own: bool, busy: Callable[[str], AbstractContextManager[object]]
) -> str:
    """An interpreter with the lock of `sources`, whose sha256 is `digest`.

    It counts as set up when everything that the project asks for is there, in a pinned version and with every file in
    its size; else it is set up anew. own: whether the lock is this machine's; of a stranger's nothing is built, since
    building runs what is built. busy: shown meanwhile.
    UserError for a lock with anything but pins, or one that cannot be installed.
    """
    lock = read_lock(sources / LOCK_FILE)
    wanted = _wanted(sources)
    folder = cache_folder() / "environments" / f"{digest}-{sys.implementation.cache_tag}"
    python = folder / "bin" / "python"
    with exclusive(folder.with_name(f".{folder.name}.lock")):
        if not is_complete(folder, lock, wanted):
            with busy(f"installing the recorded lock into {folder}"):
                _install(folder, sources / LOCK_FILE, lock, [str(one) for one in wanted], own=own)
            if not is_complete(folder, lock, wanted):
                raise UserError(
                    "what was installed is not what the recorded lock says",
                    where=str(folder),
                    cure="Look at pip's settings, or leave --at-commit out.",
                )
    return str(python)


def _wanted(sources: Path) -> list[Requirement]:
    """What the project depends on, with its development tools, as `make setup` installs it; no addresses."""
    from packaging.requirements import InvalidRequirement, Requirement

    file = sources / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        named = [*project["dependencies"], *project.get("optional-dependencies", {}).get("dev", ())]
        wanted = [Requirement(one) for one in named]
    except (ValueError, KeyError, TypeError, AttributeError, InvalidRequirement) as error:
        raise UserError(
            f"names no dependencies that can be read ({error})",
            where=str(file),
            cure="Leave --at-commit out.",
        ) from error
    for requirement in wanted:
        if requirement.url is not None:
            raise UserError(
                f"{requirement.name} is to come from an address, not from an index",
                where=str(file),
                cure="Leave --at-commit out.",
            )
    return [one for one in wanted if one.marker is None or one.marker.evaluate()]


def is_complete(folder: Path, lock: Lock, wanted: Iterable[Requirement]) -> bool:
    """Whether the environment has `wanted` and all that those need, pinned as in `lock`, and no file is short."""
    if not (folder / "bin" / "python").exists():
        return False
    site = [str(path) for path in folder.glob("lib/python3*/site-packages")]
    found = {normal_name(dist.metadata["Name"]): dist for dist in metadata.distributions(path=site)}
    waiting, seen = list(wanted), set[str]()
    while waiting:
        requirement = waiting.pop()
        name = normal_name(requirement.name)
        dist = found.get(name)
        if dist is None or not _is_pinned(dist, lock.versions.get(name)):
            return False
        if str(requirement) not in seen:
            seen.add(str(requirement))
            waiting += _needs(dist, requirement.extras)
    return all(_is_whole(dist) for dist in found.values())


def _is_pinned(dist: metadata.Distribution, versions: frozenset[str] | None) -> bool:
    """A local part of a version, as in 2.13.0+cpu, says where it was built and is not pinned."""
    return versions is None or dist.version in versions or dist.version.partition("+")[0] in versions


def _needs(dist: metadata.Distribution, extras: set[str]) -> list[Requirement]:
    from packaging.requirements import Requirement

    asked = [Requirement(one) for one in dist.requires or ()]
    return [
        one
        for one in asked
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def _is_whole(dist: metadata.Distribution) -> bool:
    """Read from the list that pip left: the library's own `files` leaves out what is missing."""
    listed = dist.read_text("RECORD")
    if listed is None:
        return False
    for name, _, size in csv.reader(listed.splitlines()):
        path = Path(str(dist.locate_file(name)))
        if size and not (path.is_file() and path.stat().st_size == int(size)):
            return False
    return True


def _install(folder: Path, lock_file: Path, lock: Lock, wanted: Sequence[str], *, own: bool) -> None:
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    if not own:
        pip += ["--only-binary", ":all:"]
    if lock.hashed:
        pip += ["--require-hashes", "--no-deps", "--requirement", str(lock_file)]
    else:
        pip += ["--constraint", str(lock_file), "--", *wanted]
    for command in ([sys.executable, "-I", "-m", "venv", "--clear", str(folder)], pip):
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode:
            raise UserError(
                f"the recorded lock cannot be installed ({missing(process.stdout, process.stderr)})",
                where=LOCK_FILE,
                cure="Give pip an index that has it, or leave --at-commit out.",
            )


def missing(stdout: str, stderr: str) -> str:
    """What pip says is missing: the pins of the lock that it could not have are on its stdout, the error is not."""
    errors = [
        line
        for line in stderr.splitlines()
        if line.startswith("ERROR") and not line.startswith("ERROR: Ignored")  # for another Python: a notice
    ]
    why = (errors or stderr.splitlines() or ["no reason given"])[0][:_SHOWN]
    pins = [line.partition("(constraint) ")[2] for line in stdout.splitlines() if "(constraint) " in line]
    return ", ".join([why, *dict.fromkeys(pins)][: 1 + _SHOWN_PINS])
