"""Where a library is called on something from outside: what is patched, what is run, what must be named."""

from __future__ import annotations

from dataclasses import dataclass

TINY = ["data.train_examples=40", "data.selection_examples=6", "train.max_steps=2", "train.validations=1",
        "train.threads=1", "model.layers=1", "model.heads=2", "model.dim=16", "model.vocab_size=300"]  # fmt: skip
SWEEP = """
name: tiny
description: Learning rates of a tiny language model
experiment: demo_stories
overrides: {data.train_examples: 40, data.selection_examples: 6, data.max_tokens: 32, train.max_steps: 4,
            train.validations: 2, train.threads: 1, export.when: never, model.layers: 1, model.heads: 2,
            model.dim: 16, model.vocab_size: 300}
space:
  optim.learning_rate: {kind: float, low: 2.0e-4, high: 1.0e-2, log: true}
sampler: {kind: random}
pruner: {kind: median, startup_trials: 10, warmup_steps: 0}
budget: {trials: 4}
"""
CLASSIFY = ["train", "demo_reviews", "model.hidden_dim=16", "export.max_accuracy_drop=1",
            "export.latency_seconds=0", *TINY]  # fmt: skip
TRAIN = [*CLASSIFY, "export.when=never", "seed=5"]  # no run of it yet
EXPORTED = [*CLASSIFY, "seed=6"]
STORIES = ["train", "demo_stories", "data.max_tokens=32", "export.max_loss_increase=1", *TINY]
MORE = ["sweep", "{sweep}", "budget.trials=5"]


@dataclass(frozen=True)
class Place:
    """`library`: what raises instead, by its dotted name. `named`: a pattern that the one line must hold.

    left: what the command leaves behind: "nothing", a run that "failed", one that "finished", or "goes on" (exit code
    0 and a note that holds `named`).
    """

    library: str
    verb: list[str]
    named: str
    left: str = "nothing"

    def __str__(self) -> str:
        return f"{self.verb[0]}-{self.library.rpartition('.')[0].rpartition('.')[2]}.{self.library.rpartition('.')[2]}"


_MLFLOW = "mlflow.tracking.MlflowClient."
_STUDY = "optuna.study.Study."
_TRIAL = "optuna.trial.Trial."
_IN_STORE = r"mlflow\.db"
_IN_STUDY = r"study tiny-\w{8} in .*optuna\.db"
_FOLDER = "model.pretrained={model}"

# On an empty store: each takes a second or two.
STORE = [
    Place(f"{_MLFLOW}__init__", TRAIN, _IN_STORE),
    Place(f"{_MLFLOW}search_experiments", TRAIN, _IN_STORE),
    Place(f"{_MLFLOW}search_runs", TRAIN, _IN_STORE),
    Place("sqlite3.connect", ["runs"], _IN_STORE),
    Place("mlflow.utils.rest_utils.http_request", ["runs", "http://127.0.0.1:1"], r"127\.0\.0\.1:1: .*answer"),
    Place("socket.create_connection", ["runs", "postgresql://u:p@127.0.0.1:1/x"], r"127\.0\.0\.1:1/x: .*answer"),
    Place("sqlalchemy.create_engine", ["train", "sqlite:///{root}/other.db", "demo_reviews"], r"other\.db"),
    Place("subprocess.Popen", ["ui", "--port", "{port}"], "MLflow UI cannot be started"),
    Place("socket.socket.bind", ["ui", "--port", "{port}"], r"127\.0\.0\.1:\d+: cannot listen"),
    Place("huggingface_hub.HfApi.repo_info", ["train", "sst2_distilbert"], "sst2"),
]  # fmt: skip
BEGINNING = [
    Place("datasets.Dataset.from_list", TRAIN, "demo_reviews"),
    Place("tokenizers.Tokenizer.train_from_iterator", TRAIN, "demo_reviews"),
    Place("json.JSONDecoder.raw_decode", [*TRAIN, "data.path={jsonl}"], "jsonl"),
    Place("pyarrow.parquet.ParquetFile.__init__", [*TRAIN, "data.path={parquet}"], "parquet"),
    Place("transformers.PreTrainedTokenizerFast.from_pretrained", [*TRAIN, "model.tokenizer={model}"], "reviews|model"),
    Place("transformers.DistilBertForSequenceClassification.from_pretrained", [*TRAIN, _FOLDER], "model.pretrained"),
    Place("transformers.GPT2Config.__init__", [*STORIES, "seed=5"], "model"),
    Place("psutil.virtual_memory", TRAIN, "runs on"),
    Place(f"{_MLFLOW}get_experiment_by_name", TRAIN, _IN_STORE),
    Place(f"{_MLFLOW}create_run", TRAIN, _IN_STORE),
    Place(f"{_MLFLOW}log_inputs", TRAIN, _IN_STORE, "failed"),
    Place(f"{_MLFLOW}log_batch", TRAIN, _IN_STORE, "failed"),
]  # fmt: skip
TRAINING = [
    Place("torch.save", TRAIN, r"\.ckpt", "failed"),
    Place("safetensors.torch.save_model", TRAIN, r"\.safetensors", "failed"),
    Place("safetensors.torch.load_model", TRAIN, r"best\.safetensors", "failed"),
    Place("evaluate.module.EvaluationModule.compute", TRAIN, "Accuracy", "failed"),
    Place("pandas.DataFrame.to_parquet", TRAIN, r"predictions\.parquet", "failed"),
    Place("transformers.PreTrainedModel.save_pretrained", TRAIN, "model", "failed"),
    Place("transformers.PreTrainedTokenizerFast.save_pretrained", TRAIN, "model", "failed"),
    Place(f"{_MLFLOW}set_terminated", TRAIN, _IN_STORE, "finished"),
    Place("psutil.cpu_percent", TRAIN, "could not be asked", "goes on"),
    Place("tracking.provenance.gpus", TRAIN, "runs on"),
]  # fmt: skip
EXPORT = [
    Place("transformers.DistilBertForSequenceClassification.from_pretrained", EXPORTED, "export", "finished"),
    Place("optimum.exporters.onnx.onnx_export_from_model", EXPORTED, "ONNX", "finished"),
    Place("onnx.load", EXPORTED, "ONNX", "finished"),
    Place("scipy.linalg.cholesky", EXPORTED, "INT8", "finished"),
    Place("onnxruntime.InferenceSession.__init__", EXPORTED, "ONNX", "finished"),
    Place("onnxruntime.InferenceSession.run", EXPORTED, "onnxruntime cannot run", "finished"),
    Place("scipy.linalg.cholesky", ["export", "{classifier}"], "INT8"),
    Place(f"{_MLFLOW}get_run", ["export", "{classifier}"], _IN_STORE),
    Place("onnxruntime.InferenceSession.__init__", ["generate", "{stories}", "--variant", "int8"], r"model\.onnx"),
    Place("sqlite3.connect", ["diff", "{first}", "{second}"], _IN_STORE),
    Place("pandas.read_parquet", ["diff", "{first}", "{second}"], r"predictions\.parquet"),
]  # fmt: skip
SWEEPING = [
    Place("optuna.create_study", MORE, _IN_STUDY),
    Place(f"{_STUDY}enqueue_trial", MORE, _IN_STUDY),
    Place(f"{_STUDY}get_trials", MORE, _IN_STUDY),
    Place(f"{_MLFLOW}update_run", MORE, _IN_STORE),
    Place(f"{_STUDY}ask", MORE, _IN_STUDY, "nothing new"),
    Place(f"{_TRIAL}report", MORE, _IN_STUDY, "failed"),
    Place(f"{_TRIAL}should_prune", MORE, _IN_STUDY, "failed"),
    Place(f"{_TRIAL}set_user_attr", MORE, _IN_STUDY, "finished"),
    Place(f"{_STUDY}tell", MORE, _IN_STUDY, "finished"),
    Place("optuna.importance.get_param_importances", MORE, "what mattered cannot be computed", "goes on"),
    Place("matplotlib.figure.Figure.savefig", MORE, "the settings cannot be shown", "goes on"),
]  # fmt: skip
