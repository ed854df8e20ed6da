"""Whether a model and data hub answers."""

from __future__ import annotations

import socket
from functools import cache
from urllib.parse import urlsplit


@cache
def hub_reachable(timeout_seconds: float = 4.0) -> bool:
    """Whether a connection to the hub can be opened; asked once per process.

    False at once where the hub library was told to stay offline (HF_HUB_OFFLINE). The libraries
    themselves would retry for minutes.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    endpoint = urlsplit(constants.ENDPOINT)
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        with socket.create_connection((endpoint.hostname or "", port), timeout=timeout_seconds):
            return True
    except OSError:
        return False
