"""What others would build: FastAPI that calls a transformers pipeline on the ORT model.

`python benchmarks/serving/peer_pipeline.py FOLDER PORT`; FOLDER: of an exported variant, with its tokenizer and config.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import Body, FastAPI
from optimum.onnxruntime import ORTModelForSequenceClassification
from transformers import AutoTokenizer, pipeline

if __name__ == "__main__":
    folder, port = sys.argv[1:]
    model: Any = ORTModelForSequenceClassification.from_pretrained(folder)
    ask: Any = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))
    app = FastAPI()

    @app.post("/v1/classify")
    def classify(text: str = Body(embed=True)) -> Any:
        return ask(text)

    print("http", flush=True)
    uvicorn.run(app, port=int(port), log_level="error")
