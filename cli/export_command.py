"""The command line of the verb that exports a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cli.options import (
    DEFAULT_ROOT,
    DEPLOYED,
    Json,
    Root,
    RunId,
    Variant,
    ended_in_one_line,
    folder_option,
    name_option,
    names_given,
    number_option,
)
from errors import UserError


@ended_in_one_line
def export(
    run_id: RunId,
    variants: Annotated[
        str | None,
        name_option("Besides those that it has: fp32, int8, int4, or of classifiers int8-rows, int8-static."),
    ] = None,
    gate: Annotated[
        float | None, number_option("Accuracy (a share) or loss (nats/token) that a variant may lose.")
    ] = None,
    explain: Annotated[
        str | None, name_option("Say which answers this variant changes, and which nodes carry its error.")
    ] = None,
    float32: Annotated[
        str | None,
        name_option("Nodes that quantized variants leave in float32, with commas between them; none: none."),
    ] = None,
    bundle: Annotated[
        Path | None, folder_option("Write a variant into a folder that is served by itself.")
    ] = None,
    variant: Variant = DEPLOYED,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Write and measure a finished run's ONNX variants.

    They are kept on that same run.
    """
    from cli.bundles import bundle_verb
    from cli.explanations import explain_verb
    from cli.exports import export_verb

    if bundle is not None and explain is not None:
        raise UserError("each does something else", where="--bundle, --explain", cure="Give one of them.")
    if bundle is not None:
        return bundle_verb(run_id, bundle, variant, root, as_json=json)
    if explain is not None:
        return explain_verb(run_id, explain, gate, root, as_json=json)
    nodes = () if float32 == "none" else names_given(float32, "--float32")
    return export_verb(run_id, names_given(variants, "--variants") or (), gate, nodes, root, as_json=json)
