"""The verb that writes a bundle."""

from __future__ import annotations

import shlex
from pathlib import Path

from cli.console import print_json
from cli.session import OK, named_run


def bundle_verb(run_id: str, folder: Path, variant: str, root: Path, *, as_json: bool) -> int:
    """A run that is exported with golden answers already is not exported again."""
    out, reporter, run = named_run(run_id, root)
    from experiments.training.exporting import exported_with_golden
    from runs.bundling import bundle_of

    whole = exported_with_golden(run, variant, reporter=reporter)
    about = bundle_of(whole, variant, folder.absolute())
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
