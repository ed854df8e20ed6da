"""Names of folders, models and runs, and what machines number them by, that begin or read as credentials do."""

from __future__ import annotations

from tests.tracking.planted import HEX, drawn


def harmless_names() -> list[str]:
    """Names of folders, models and runs with what machines number them by."""
    numbers = {"h40": drawn(40, HEX, "x"), "h32": drawn(32, HEX, "y"), "h64": drawn(64, HEX, "z")}
    return [line.format(**numbers) for line in _NAMES.splitlines() if line]


_NAMES = """
/data/wandb/{h40}
/data/wandb/run-20261126_141500-3xk2p9qf
/data/wandb/{h40}/files/model.safetensors
data.path=/data/wandb/{h40}
data.path=/data/wandb/{h40}/train.parquet
wandb/run-20261126/{h40}/checkpoint
the files of wandb run {h40}
wandb artifact sha256 {h64}
wandb_run_id: 3xk2p9qf
wandb commit {h40}
WANDB_DIR=/data/wandb/{h40}
sk-learn-distilbert-base
sk-distilbert-base-uncased-v2
sk-learn-distilbert-base-uncased-v1-2
sk-2024-11-05-distilbert-sst2-seed0
sk-gpt2-medium-tinystories-33M
sk-ablation-03-warmup-0-1-long-run
sk-ablation-lr3e-05-warmup01-bs32
sk-reviews_cleaned-2024-train
sk-sentiment-classification-fp16-a100
data.path=/models/sk-my-distilbert-model-2024-with-words
data.path=/models/sk-sentence-pairs-of-reviews-v2/train
data.path=/data/task-specific/sk-stories-cleaned-2024
model.pretrained=/models/sk-distilbert-base-uncased-finetuned-sst2
model.pretrained=/models/hf_distilbert_base_uncased_finetuned
model.pretrained=/models/hf_DistilBertForSequenceClassification
model.tokenizer=/models/sk-byte-level-bpe-8k-v2
description=sk-baseline-2024-seed0 with a longer warm-up
name=sk-baseline-distilbert-seed0
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
hf_TinyStoriesLanguageModel
gsk_InvestorRelationsReviewsDataset
npm_PackageDescriptionsDataset
/cache/models--distilbert-base-uncased/snapshots/{h40}
/cache/huggingface/hub/models--gpt2/snapshots/{h40}
/cache/huggingface/hub/models--gpt2/blobs/{h64}
/cache/datasets--stanfordnlp--sst2/refs/main
git {h40} beside a token
token {h40}
the token study at {h40}
the tokens of commit {h40}
tokenizer commit {h40}
tokenizer revision: {h40}
tokenizer_{h40}
token_commit={h40}
token_run_id={h32}
tokenizer.digest: {h64}
"tokens.train": "{h64}",
encore.ran.fingerprint.tokens.train: {h64}
api commit {h40}
the api at {h40}
api={h40}
api_version=2024-11-26
api/v1/models/{h40}
https://huggingface.co/api/models/gpt2/revision/{h40}
https://github.com/anna/encore/commit/{h40}
git+https://github.com/anna/encore.git@{h40}
data.revision={h40}
model.revision={h40}
run_id: {h32}
mlflow run {h32}
mlruns/1/{h32}/artifacts/model
mlflow-artifacts:/1/{h32}/artifacts
runs:/{h32}/model
encore.parent_run={h32}
"run_id": "{h32}", "status": "FINISHED"
models:/distilbert-reviews/3
docker.io/library/python@sha256:{h64}
token@sha256:{h64}
ghcr.io/huggingface/text-generation-inference@sha256:{h64}
nvcr.io/nvidia/pytorch:24.10-py3
sha256:{h64}  tokenizer.json
{h64}  model.safetensors
{h32}  train.csv
md5={h32}
etag: "{h32}-12"
/data/key-{h32}
/cache/key-{h32}/tokens.bin
cache_key={h64}
s3://bucket/key/data-2024/train.parquet
s3://bucket/secret-garden/train.parquet
s3://aws-bucket/models/{h40}/weights
aws s3 cp s3://bucket/{h40} .
s3://bucket/runs/{h32}/token-losses.npy
gs://bucket/token/2024-11-26/part-00001
abfss://data@account.dfs.core.windows.net/reviews/2024
hdfs://namenode:8020/user/anna/reviews
/data/heroku/123e4567-e89b-12d3-a456-426614174000
heroku app 123e4567-e89b-12d3-a456-426614174000
/data/password-strength/v2/train.csv
password-strength-classifier-v2
/data/secrets/run1
secret-agent-stories-2024
/data/label=positive/part-0
/data/sort_key=length/2024
/data/key=abc123def/part-0.parquet
token=distilbert-base-uncased-v2
token-classification-2024
token-ablation-lr3e-05
token_dropout=0.1
auth-study-2024
bearer-of-news-2024
Bearer of-better-news-2024
xoxb-experiments-2024
xoxo-love-stories-2024
hvs.model-compare-2024-distilbert-gpt2
glimt-dataset-2024-long-name
glft-fine-tuning-long-name
glpat-tern-recognition
sq0abc-reviews-dataset-2024-long
whsec_dataset_reviews_2024
1732619533:{h40}
{h32}-us-east-1
https://host.example/c?sig=distilbert-base-uncased
Basic distilbert
tokenizer=/data/tokenizers/bpe-8k-v2
tokenizer.model_max_length=512
"tokenizer_class": "DistilBertTokenizerFast",
tokenizer.padding_side=right
tokenizer_config.json
"clean_up_tokenization_spaces": true,
"model_input_names": ["input_ids", "attention_mask"],
"added_tokens_decoder": {{"50256": {{"content": "<|endoftext|>"}}}},
Salesforce/codegen-350M-mono
sentence-transformers/all-MiniLM-L6-v2
cardiffnlp/twitter-roberta-base-sentiment-latest
distilbert/distilbert-base-uncased-finetuned-sst-2-english
roneneldan/TinyStories-33M
nlptown/bert-base-multilingual-uncased-sentiment
"""
