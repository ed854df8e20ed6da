"""The verb that writes a bundle."""

from __future__ import annotations

import shlex
from pathlib import Path

from cli.console import print_json
from cli.session import OK, named_run
from export.bundle_file import BUNDLE_FILE, named_in


def bundle_verb(run_id: str, folder: Path, variant: str, root: Path, *, as_json: bool) -> int:
    """A run that is exported with golden answers already is not exported again."""
    out, reporter, run = named_run(run_id, root)
    from experiments.training.exporting import exported_with_golden
    from export.bundle import check_place
    from runs.bundling import bundle_of

    folder = folder.absolute()
    check_place(folder)
    whole = exported_with_golden(run, variant, reporter=reporter)
    replaces, stood = (folder / BUNDLE_FILE).is_file(), named_in(folder)
    about = bundle_of(whole, variant, folder)
    if replaces:
        told = "a bundle that cannot be read" if stood is None else f"the bundle of {stood.told()}"
        reporter.say(f"It takes the place of {told} that stood there; --bundle names another folder.")
    if as_json:
        print_json(about.model_dump(mode="json"))
    else:
        out.print(
            f"{folder} holds {variant} of run {about.run_id[:8]}: {len(about.files) + 1} files."
            f" `encore serve {shlex.quote(str(folder))}` serves it.",
            markup=False,
            highlight=False,
        )
    return OK
