"""Whether a model and data hub answers."""

from __future__ import annotations

import socket
from functools import cache
from urllib.parse import urlsplit


@cache
def hub_reachable(timeout_seconds: float = 4.0) -> bool:
    """Whether a connection to the hub can be opened; asked once per process.

    False at once where the hub library was told to stay offline (HF_HUB_OFFLINE). When no
    connection opens, the libraries are told so: by themselves they would retry for minutes.
    """
    from datasets import config
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE and _connects(constants.ENDPOINT, timeout_seconds):
        return True
    constants.HF_HUB_OFFLINE = True
    config.HF_HUB_OFFLINE = True
    return False


def _connects(address: str, timeout_seconds: float) -> bool:
    endpoint = urlsplit(address)
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        with socket.create_connection((endpoint.hostname or "", port), timeout=timeout_seconds):
            return True
    except OSError:
        return False
