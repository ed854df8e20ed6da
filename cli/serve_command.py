"""The command line of the verb that serves a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cli.options import (
    DEFAULT_ROOT,
    Root,
    ended_in_one_line,
    folder_option,
    name_argument,
    name_option,
    whole_option,
)


@ended_in_one_line
def serve(
    named: Annotated[
        str,
        name_argument(
            "A run, a bundle's folder, or a registered model and its alias.", "ID|BUNDLE|NAME@ALIAS"
        ),
    ],
    variant: Annotated[
        str | None, name_option("Which exported form; of NAME@ALIAS the one that is registered. [int8]")
    ] = None,
    host: Annotated[
        str, name_option("Address to listen on; another than this machine's needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, whole_option("Port to listen on; 0 for any that is free.", 0, 65535)] = 8000,
    threads: Annotated[int, whole_option("Threads that run the model.", 1, 256)] = 2,
    token_file: Annotated[
        Path | None, folder_option("A file with the token that is asked for.", "FILE")
    ] = None,
    allow_host: Annotated[
        list[str] | None, name_option("A name that this server is known by; may be given again.")
    ] = None,
    proof: Annotated[
        str, name_option("On another processor or version than measured: warn, or strict, which refuses.")
    ] = "warn",
    root: Root = DEFAULT_ROOT,
) -> int:
    """Serve a model over HTTP, until Ctrl-C.

    It has shown before the port opens that it answers as it did when it was exported.
    """
    from cli.serving import Asked, serve_verb

    asked = Asked(named, variant, host, port, threads, token_file, tuple(allow_host or ()), proof)
    return serve_verb(asked, root)
