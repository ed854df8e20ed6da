"""What others would build: a server each, run by the Python of an environment of its own.

`python benchmarks/serving/peers.py KIND FOLDER PORT`; FOLDER: of an exported variant, with its tokenizer and config.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def pipeline(folder: Path, port: int) -> None:
    """FastAPI that calls a transformers pipeline on the ORT model."""
    import uvicorn
    from fastapi import Body, FastAPI
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from transformers import AutoTokenizer
    from transformers import pipeline as of

    model: Any = ORTModelForSequenceClassification.from_pretrained(folder)
    ask: Any = of("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))
    app = FastAPI()

    @app.post("/v1/classify")
    def classify(text: str = Body(embed=True)) -> Any:
        return ask(text)

    print("http", flush=True)
    uvicorn.run(app, port=port, log_level="error")


def litserve(folder: Path, port: int) -> None:
    """LitServe with the same session."""
    import litserve as ls
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    class Api(ls.LitAPI):
        def setup(self, device: str) -> None:  # noqa: ARG002
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(
                folder / "model.onnx", options, providers=["CPUExecutionProvider"]
            )
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self.tokenizer.no_padding()
            self.tokenizer.enable_truncation(64)

        def decode_request(self, request: Any) -> Any:
            return np.array([self.tokenizer.encode(request["text"]).ids], np.int64)

        def predict(self, ids: Any) -> Any:
            return self.session.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]

        def encode_response(self, logits: Any) -> Any:
            powers = np.exp(logits - logits.max())
            return {"scores": (powers / powers.sum()).tolist(), "logits": logits.tolist()}

    server = ls.LitServer(Api(api_path="/v1/classify"), accelerator="cpu", workers_per_device=1)
    print("http", flush=True)
    server.run(port=port, num_api_servers=1, log_level="error", generate_client_file=False)


if __name__ == "__main__":
    kind, where, number = sys.argv[1:]
    {"pipeline": pipeline, "litserve": litserve}[kind](Path(where), int(number))
