"""What others would build: LitServe with the same session, one of it.

`python benchmarks/serving/peer_litserve.py FOLDER PORT`; FOLDER: of an exported variant, with its tokenizer.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve as ls
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

_MOST_TOKENS = 64


class Api(ls.LitAPI):
    """Of this file, since LitServe's worker is a process that imports it again."""

    folder: Path

    def setup(self, device: str) -> None:  # noqa: ARG002
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(_MOST_TOKENS)

    def decode_request(self, request):  # type: ignore[no-untyped-def]
        """LitServe reads the annotation, and takes one that is written as text for a parameter of the address."""
        return np.array([self.tokenizer.encode(request["text"]).ids], np.int64)

    def predict(self, ids: Any) -> Any:
        return self.session.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]

    def encode_response(self, logits: Any) -> Any:
        powers = np.exp(logits - logits.max())
        return {"scores": (powers / powers.sum()).tolist(), "logits": logits.tolist()}


if __name__ == "__main__":
    api = Api(api_path="/v1/classify")
    api.folder = Path(sys.argv[1])
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1)
    print("http", flush=True)
    server.run(port=int(sys.argv[2]), num_api_servers=1, log_level="error", generate_client_file=False)
