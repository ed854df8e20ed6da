"""The verb that serves a model; of a bundle's server nothing of torch, transformers or MLflow is imported."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.text import shown
from serving.authorisation import read_token
from serving.bundle import is_bundle, read_bundle
from serving.server import Listening, bound, is_local, serve
from serving.service import service_of

if TYPE_CHECKING:
    from serving.bundle import Bundle
    from serving.proof import Mode

_OK = 0
_MODES: dict[str, Mode] = {"warn": "warn", "strict": "strict"}


@dataclass(frozen=True)
class Asked:
    """What is served, and how; see the command's options. variant: none that was named."""

    named: str
    variant: str | None
    host: str
    port: int
    threads: int
    token_file: Path | None
    names: tuple[str, ...]
    proof: str


def serve_verb(asked: Asked, root: Path) -> int:
    mode = _mode(asked.proof)
    listening = Listening(asked.host, asked.port, asked.names, _token(asked))
    with bound(listening) as taken, _bundle(asked, root) as folder:
        bundle = read_bundle(folder, lasting=_is_folder(asked))
        _check_variant(asked, bundle)
        service = service_of(bundle, threads=asked.threads, mode=mode)
        for warning in service.proof.warnings:
            _say(f"warning: {warning}")
        about, proof = service.about, service.proof
        equal = "bit for bit" if proof.bit_equal else f"within {proof.largest_difference:.2g}"
        _say(
            f"{about.variant} of run {about.run_id[:8]}: {proof.answers} golden answers are what they were, {equal}."
        )
        serve(service, listening, taken, announce=_announce)
    return _OK


def _mode(text: str) -> Mode:
    if text not in _MODES:
        raise UserError(f"{shown(text)} is no such proof", where="--proof", cure="Give warn or strict.")
    return _MODES[text]


def _token(asked: Asked) -> str | None:
    if asked.token_file is not None:
        return read_token(asked.token_file)
    if not is_local(asked.host):
        raise UserError(
            "other machines can reach it, and no token is asked for",
            where=f"--host {asked.host}",
            cure="Give --token-file FILE.",
        )
    return None


@contextmanager
def _bundle(asked: Asked, root: Path) -> Generator[Path]:
    """The folder that is named, or one of its own with the bundle of the run that is."""
    folder = Path(asked.named).expanduser()
    if _is_folder(asked):
        yield folder
        return
    if asked.named in (".", "..") or ("/" in asked.named and "@" not in asked.named):
        raise UserError(
            "is no bundle" if folder.exists() else "there is no such folder",
            where=asked.named,
            cure="`encore export ID --bundle FOLDER` writes a bundle.",
        )
    from cli.served_run import run_bundle

    with run_bundle(asked.named, asked.variant, root) as made:
        yield made


def _is_folder(asked: Asked) -> bool:
    """Whether it is a bundle that was named, and no run."""
    return is_bundle(Path(asked.named).expanduser())


def _check_variant(asked: Asked, bundle: Bundle) -> None:
    """UserError for a bundle of another variant than the one that is named."""
    has = bundle.about.variant
    if asked.variant not in (None, has):
        raise UserError(
            f"is a bundle of {shown(has)}", where=asked.named, cure="Leave --variant out: a bundle has one."
        )


def _announce(address: str) -> None:
    """On stdout, when the port is open."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
