"""Whether a model and data hub answers."""

from __future__ import annotations

import os
import socket
from functools import cache
from urllib.parse import urlsplit


@cache
def hub_reachable(timeout_seconds: float = 4.0) -> bool:
    """Whether a connection to the hub can be opened; asked once per process.

    False at once when HF_HUB_OFFLINE is set. The hub's libraries themselves retry for minutes.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        with socket.create_connection((endpoint.hostname or "", port), timeout=timeout_seconds):
            return True
    except OSError:
        return False
