"""Lines that look a little like credentials and are none."""

from __future__ import annotations

from tests.tracking.harmless_names import harmless_names
from tests.tracking.planted import HEX, drawn


def harmless() -> list[str]:
    """Lines of this project, of its records and of the code of its trade: nothing in them is secret."""
    lines = [line for line in _HARMLESS.splitlines() if line]
    digests = [
        f'"{name}": "{drawn(64, HEX, name)}",'
        for name in ("tokenizer", "weights", "train", "lock_digest", "tokens")
    ]
    digests += [
        f"commit {drawn(40, HEX, 'c')}",
        f'"commit": "{drawn(40, HEX, "c")}",',
        f"index {drawn(40, HEX, 'i')}..0 100644",
    ]
    digests += [
        f"run {drawn(32, HEX, 'r')} of the sweep",
        f"reproduces: {drawn(32, HEX, 's')}",
        f"sha256:{drawn(64, HEX, 't')}",
    ]
    return lines + digests + harmless_names()


_HARMLESS = r"""
pad_token = "[PAD]"
eos_token: <|endoftext|>
"eos_token": "<|endoftext|>",
"bos_token": {"content": "<s>", "lstrip": false},
"mask_token": "[MASK]",
mask_token = "<mask>"
unk_token="[UNK]"
cls_token: str = "[CLS]"
sep_token: '[SEP]'
"pad_token_id": 50256,
eos_token_id=tokenizer.eos_token_id,
pad_token = tokenizer.eos_token
tokenizer.pad_token = tokenizer.eos_token
special_tokens_map = {"pad_token": "[PAD]"}
special_tokens_map.json
special_tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
"additional_special_tokens": ["<extra_id_0>", "<extra_id_1>"],
"extra_special_tokens": {"image_token": "<image>"},
add_special_tokens=False
skip_special_tokens=True,
max_tokens: 128
max_tokens: int = 16384
batch_tokens: 4096
data.max_tokens=128
train.batch_tokens=2048
"max_new_tokens": 256,
num_tokens = 1000000
tokens_per_second = tokens / seconds
train/tokens_per_s
"train/tokens_per_s": 15231.2,
token_losses = losses_BL.view(-1)
token_ids: Tensor = batch["input_ids"]
input_tokens = inputs["input_ids"]
last_token = "transformer2000"
first_token_logits
next_token = logits.argmax(-1)
next_token_logits = outputs.logits[:, -1, :]
for token in tokens:
token = tokens[index]
token = text[begin:end]
token: str
token: str | None = None
token = None
token=None,
token = ""
token: Optional[Union[bool, str]] = None
token (`str` or `bool`, *optional*):
token = os.environ["HF_TOKEN"]
token = os.environ.get("HF_TOKEN")
token = os.getenv("HF_TOKEN", "")
token=token,
token=self.token,
use_auth_token=True
use_auth_token = kwargs.pop("use_auth_token", None)
hf_token = get_token()
hf_token: str | None
login(token=hf_token)
HF_TOKEN=$HF_TOKEN
HF_TOKEN: ${{ secrets.HF_TOKEN }}
HF_TOKEN="${HF_TOKEN}"
export WANDB_API_KEY=<your key>
password: str
password: str = Field(min_length=8)
password: SecretStr
password = getpass()
password = getpass.getpass("Password: ")
password = os.environ['PASSWORD']
password = config["password"]
password = settings.database.password
password=password
password=password,
password=self._password,
password = input("Your password, please: ")
password is required
"password": "The password of the account."
"password": "",
"password": null
password: null
password: ~
password: ${DB_PASSWORD}
password: "{{ vault_password }}"
password: <your password>
--password PASSWORD
parser.add_argument("--password", help="of the tracking server")
parser.add_argument("--token", type=str, default=None)
raise ValueError("the password is wrong")
secret: Sequence[str]
secret=secret
secret = secrets.token_hex(4)
secrets.token_bytes(16)
import secrets
from secrets import token_hex
secret_key = derive(secret)
SECRET = None
api_key=None
api_key: str
api_key = os.environ["OPENAI_API_KEY"]
api_key=api_key
api_key: "YOUR_API_KEY"
OPENAI_API_KEY=your-key-here
client = OpenAI(api_key=os.getenv("OPENAI_API_KEY"))
authorization: str = Header(None)
headers = {"Authorization": f"Bearer {token}"}
Authorization: Bearer <token>
Authorization: Bearer $TOKEN
Bearer authentication is described below
Basic usage of the library
auth = None
auth=HTTPBasicAuth(user, password)
author = "A person with a name"
authors = ["a", "b"]
authentication: none
"google-auth": "2.40.3",
google-auth==2.40.3
secretstorage==3.3.3
keyring==25.6.0
"azure-identity": "1.25.0",
"tokenizers": "0.22.1",
tokenizers==0.22.1
tiktoken==0.11.0
sentencepiece==0.2.1
"tokenizer_class": "GPT2Tokenizer",
tokenizer = AutoTokenizer.from_pretrained("distilbert-base-uncased")
tokenizer: distilbert-base-uncased
model.tokenizer=/data/models/minilm-distilbert
model.pretrained=/data/models/minilm-distilbert
tokenizer_digest = "tokenizer.json"
TOKENIZERS_PARALLELISM=false
"TOKENIZERS_PARALLELISM": "true",
key: value
key = "data.path"
keys = sorted(mapping)
primary_key = True
foreign_key: "runs.run_uuid"
public_key = "ssh"
cache_key = f"{name}-{digest[:8]}"
sort_key=lambda run: run.start_ms
num_key_value_heads: 12
key_padding_mask = mask == 0
query, key, value = qkv.chunk(3)
key_BHLD = split_heads(key)
past_key_values=past
forward_pass = model(inputs)
backward_pass: 12.3 ms
passes = 2
first_pass = True
bypass: true
passed = report.passed
pass
assert passed == "passed"
encore.export_gate: passed
PWD=/home/anna/encore
OLDPWD=/home/anna
pwd = Path.cwd()
compass: north
def mask_token(self, token: str) -> str:
def token(self) -> str:
class Token(NamedTuple):
TokenType = Literal["word", "punctuation"]
"token": "the",
"token": "##ing",
{"id": 50256, "token": "<|endoftext|>", "special": true}
Token: a piece of text
tokens: list[str]
The token that ends a text is "<|endoftext|>".
https://host.example/a:b@c
https://github.com/huggingface/transformers
git@github.com:anna/encore.git
ssh://git@github.com/anna/encore.git
http://127.0.0.1:5000
http://localhost:5000/#/experiments/1/runs?token
sqlite:////home/anna/mlruns/mlflow.db
file:///home/anna/my%20runs/mlruns
f"postgresql://{user}:{password}@{host}/{name}"
postgresql://$USER:$PASSWORD@$HOST/db
s3://bucket/key
hf://datasets/stanfordnlp/sst2
optim.learning_rate=2e-05
"learning_rate": 2e-05,
data.revision=main
data.revision=refs/pr/12
description=a run at 3e-5, warm-up 0.1
encore train sst2_distilbert optim.learning_rate=5e-5 seed=1
sst2_distilbert learning_rate=3e-05 seed=0
encore.ran.fingerprint.tokenizer
run/record_digests.json
mlflow.note.content
mlflow.parentRunId
123e4567-e89b-12d3-a456-426614174000
"run_uuid": "123e4567-e89b-12d3-a456-426614174000",
2026-11-26 11:12:13
host.example:12345:1732619533.12
sk-learn
task-specific-fine-tuning-of-language-models
risk-averse-reinforcement-learning-agents
disk-usage-of-the-cache-folder-and-more
skip-connections-in-transformers
mask-language-modelling-for-everyone
hf_transfer
hf_hub_download(repo_id="gpt2")
npm_config_prefix
pypi-server
AIza
Once upon a time there was a little girl who had a secret: she loved apples.
He told her the password, and the door opened.
"The secret," she said, "is to share."
the film's key : a token effort , with a pass for style
[tool.pyright]
typeCheckingMode = "strict"
# noqa: S105
"S105", "S106",
@pytest.mark.parametrize("token", ["a", "b"])
hashlib.sha256(text.encode()).hexdigest()
CUBLAS_WORKSPACE_CONFIG=:4096:8
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
"credentials": "include"
credentials: None
credential = DefaultAzureCredential()
cookie: str
signature = inspect.signature(function)
"""
