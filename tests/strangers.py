"""A process that has MLflow and the libraries of a model, and nothing of Encore."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.checkout import REPOSITORY

_ROOMS = ["encore_harness", *(path.parent.name for path in REPOSITORY.glob("*/__init__.py"))]
_ASK = """
import json, sys
from importlib.abc import MetaPathFinder

class NoEncore(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ROOMS and path is None:
            raise ImportError(f"{name}: nothing of Encore is installed here")

ROOMS, uri, asked = json.load(sys.stdin)
sys.meta_path.insert(0, NoEncore())
import mlflow
mlflow.set_tracking_uri(uri)
answers = {}
for model, texts, params in asked:
    loaded = mlflow.pyfunc.load_model(model)
    answers[model] = json.loads(loaded.predict(texts, params=params).to_json(orient="records", double_precision=15))
print(json.dumps(answers), flush=True)
"""


def asked_of_models(
    uri: str, asked: Sequence[tuple[str, Sequence[str], Mapping[str, Any] | None]], cwd: Path
) -> dict[str, list[dict[str, Any]]]:
    """By the URI of a model the rows that it answers. asked: of each model, which texts, with which params."""
    found = subprocess.run(
        [sys.executable, "-P", "-c", _ASK],
        input=json.dumps([_ROOMS, uri, asked]),
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=180,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])
