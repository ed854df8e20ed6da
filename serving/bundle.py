"""A bundle as it is found: nothing missing, nothing altered, nothing besides, and nothing that leads out of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from errors import UserError
from export.bundle_file import BUNDLE_FILE, FILES, BundleFile, named_in
from export.golden import GOLDEN_FILE, Golden, labels_of
from export.onnx_protobuf import external_tensor
from export.original import MODEL_FILE
from export.variants import DEPLOYED
from host.files import entries, file_digest
from host.model_folder import CONFIG

_SHORT = 8
_LARGEST = 64 * 2**20  # bytes of bundle.json and golden.json
File = TypeVar("File", bound=BaseModel)


@dataclass(frozen=True)
class Bundle:
    """A folder whose every file is the one that bundle.json names, and what two of them say.

    lasting: somebody keeps the folder; else it goes with the server, and something can be done about the run alone.
    """

    folder: Path
    about: BundleFile
    golden: Golden
    lasting: bool = True

    @property
    def where(self) -> str:
        return str(self.folder) if self.lasting else f"run {self.about.run_id[:_SHORT]}"

    @property
    def cure(self) -> str:
        """Of a bundle that is not what it was."""
        if self.lasting:
            return written_again(self.folder)
        return f"Export the run again: `encore export {self.about.run_id[:_SHORT]}`."


def is_bundle(folder: Path) -> bool:
    """Whether somebody wrote a bundle there, be it whole or not."""
    return (folder / BUNDLE_FILE).is_file()


def written_again(folder: Path) -> str:
    """The sentence with the command that writes the bundle of a folder again; it says whose, if bundle.json does."""
    of, into = named_in(folder), f"--bundle {shlex.quote(str(folder))}"
    if of is None:
        return f"Write the bundle again: `encore export ID {into}`, with the ID of its run."
    variant = "" if of.variant == DEPLOYED.name else f" --variant {of.variant}"
    return f"Write the bundle again: `encore export {of.run_id[:_SHORT]} {into}{variant}`."


def read_bundle(folder: Path, *, lasting: bool = True) -> Bundle:
    """UserError, naming the file, for what is missing, altered, a link, or none of a bundle's files; for labels that
    are not the model's, and for a model whose weights lie in another file."""
    if not is_bundle(folder):
        raise UserError(
            f"has no {BUNDLE_FILE}",
            where=str(folder),
            cure="`encore export ID --bundle FOLDER` writes a bundle into a new folder.",
        )
    _check_entries(folder)
    about = _read(BundleFile, folder, BUNDLE_FILE)
    _check_digests(folder, about.files)
    golden = _read(Golden, folder, GOLDEN_FILE)
    bundle = Bundle(folder, about, golden, lasting)
    _check_agreement(bundle)
    return bundle


def _check_entries(folder: Path) -> None:
    found = entries(folder)
    for name in (BUNDLE_FILE, *FILES):
        if name not in found:
            raise UserError(f"{name} is missing", where=str(folder), cure=written_again(folder))
    for name, entry in found.items():
        if entry.kind == "link":
            raise UserError(f"{name} is a link", where=str(folder), cure="Put the file itself there.")
        if name not in (BUNDLE_FILE, *FILES) or entry.kind != "file":
            raise UserError(
                f"{name} ({entry.kind}) is none of a bundle's files", where=str(folder), cure="Move it away."
            )


def _read(kind: type[File], folder: Path, name: str) -> File:
    path = folder / name
    if path.stat().st_size > _LARGEST:
        raise UserError(f"{name} is larger than any is", where=str(folder), cure=written_again(folder))
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise UserError(
            f"{name} is malformed ({place}: {problem['msg']})", where=str(folder), cure=written_again(folder)
        ) from error


def _check_digests(folder: Path, files: Mapping[str, str]) -> None:
    if set(files) != set(FILES):
        raise UserError(
            f"{BUNDLE_FILE} does not name the files of a bundle",
            where=str(folder),
            cure=written_again(folder),
        )
    for name, digest in files.items():
        if file_digest(folder / name) != digest:
            raise UserError(
                f"{name} is not the file that {BUNDLE_FILE} names (sha256)",
                where=str(folder),
                cure=written_again(folder),
            )


def _check_agreement(bundle: Bundle) -> None:
    """What is said in two places is the same in both."""
    about, golden, where, cure = bundle.about, bundle.golden, bundle.where, bundle.cure
    if about.labels is not None and about.labels != labels_of(bundle.folder, len(about.labels)):
        raise UserError(f"the labels are not those of {CONFIG}", where=where, cure=cure)
    said = (golden.variant, golden.max_tokens, golden.cut, golden.under)
    if said != (about.variant, about.max_tokens, about.cut, about.under):
        raise UserError(f"{GOLDEN_FILE} is of another variant than {BUNDLE_FILE}", where=where, cure=cure)
    if (golden.answers[0].kind == "label") != (about.labels is not None):
        raise UserError(f"{GOLDEN_FILE} is of another task than {BUNDLE_FILE}", where=where, cure=cure)
    tensor = external_tensor(bundle.folder / MODEL_FILE)
    if tensor is not None:
        raise UserError(
            f"{MODEL_FILE} has weights in another file ({tensor!r:.60})",
            where=where,
            cure="A bundle's model is one file. " + cure,
        )
