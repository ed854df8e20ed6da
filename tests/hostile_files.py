"""Code, pickles, links, and files that are none, planted into a model folder."""

from __future__ import annotations

import json
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from tests.strange_folders import edited


def _code(marker: Path) -> str:
    return f"from pathlib import Path\nPath({str(marker)!r}).write_text('ran')\n"


class _Touch:
    """Unpickled, it leaves the marker."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def _written(folder: Path, **files: str | bytes) -> list[str]:
    """Files by names in which `__` stands for the slash and the last `_` for the dot."""
    names: list[str] = []
    for key, content in files.items():
        stem, _, extension = key.rpartition("_")
        name = f"{stem.replace('__', '/')}.{extension}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        names.append(name)
    return names


# Code in the folder, and keys that lead to it.


def custom_generate(folder: Path, marker: Path) -> list[str]:
    code = _code(marker) + "def generate(model, *_, **__):\n    return None\n"
    return _written(folder, custom_generate__generate_py=code)


def auto_map(folder: Path, marker: Path) -> list[str]:
    code = _code(marker) + "class Evil: pass\n"
    maps = {"AutoConfig": "modeling_evil.Evil", "AutoModelForCausalLM": "modeling_evil.Evil",
            "AutoModelForSequenceClassification": "modeling_evil.Evil"}  # fmt: skip
    return [*_written(folder, modeling_evil_py=code), *edited(folder, "config.json", auto_map=maps)]


def auto_map_of_tokenizer(folder: Path, marker: Path) -> list[str]:
    code = _code(marker) + "class Evil: pass\n"
    maps = {"AutoTokenizer": ["tokenization_evil.Evil", "tokenization_evil.Evil"]}
    changes = {"auto_map": maps, "tokenizer_class": "Evil"}
    return [*_written(folder, tokenization_evil_py=code), *edited(folder, "tokenizer_config.json", **changes)]


def trust_remote_code(folder: Path, marker: Path) -> list[str]:
    return [*auto_map(folder, marker), *edited(folder, "config.json", trust_remote_code=True)]


def custom_pipelines(folder: Path, marker: Path) -> list[str]:
    pipelines = {"text-classification": {"impl": "pipeline_evil.Evil", "pt": ["AutoModel"]}}
    code = _code(marker) + "class Evil: pass\n"
    return [
        *_written(folder, pipeline_evil_py=code),
        *edited(folder, "config.json", custom_pipelines=pipelines),
    ]


def key(file: str, **changes: Any) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        return edited(folder, file, **changes)

    return plant


# Pickles, adapters, links and what is no file.


def pickle_beside(folder: Path, marker: Path) -> list[str]:
    return _written(
        folder, pytorch_model_bin=pickle.dumps(_Touch(marker)), training_args_bin=pickle.dumps(_Touch(marker))
    )


def pickle_instead(folder: Path, marker: Path) -> list[str]:
    (folder / "model.safetensors").unlink()
    return ["model.safetensors", *pickle_beside(folder, marker)]


def adapter(folder: Path, marker: Path) -> list[str]:
    adapter = {"peft_type": "LORA", "base_model_name_or_path": str(marker.parent), "task_type": "SEQ_CLS"}
    files = {"adapter_config_json": json.dumps(adapter), "adapter_model_bin": pickle.dumps(_Touch(marker))}
    return _written(folder, **files)


def index(**map_of: str) -> Callable[[Path, Path], list[str]]:
    """The only weights lie outside and an index leads to them; `{}` stands for the folder outside."""

    def plant(folder: Path, marker: Path) -> list[str]:
        outside = marker.parent / "outside.safetensors"
        (folder / "model.safetensors").rename(outside)
        named = map_of["file"].format(os.path.relpath(marker.parent, folder))
        names = dict.fromkeys(load_file(outside), named)
        index = json.dumps({"metadata": {"total_size": 1}, "weight_map": names})
        (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
        return ["model.safetensors", "model.safetensors.index.json"]

    return plant


def index_of_pickles(folder: Path, marker: Path) -> list[str]:
    (folder / "pytorch_model-00001.bin").write_bytes(pickle.dumps(_Touch(marker)))
    names = dict.fromkeys(load_file(folder / "model.safetensors"), "pytorch_model-00001.bin")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}), encoding="utf-8")
    return ["model.safetensors", "model.safetensors.index.json", "pytorch_model-00001.bin"]


def link_out(file: str) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, marker: Path) -> list[str]:
        outside = marker.parent / f"outside-{file}"
        (folder / file).rename(outside)
        (folder / file).symlink_to(outside)
        return [file]

    return plant


def device(folder: Path, _marker: Path) -> list[str]:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("/dev/zero")
    return ["tokenizer.json"]


def fifo(file: str) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        (folder / file).unlink(missing_ok=True)
        os.mkfifo(folder / file)
        return [file]

    return plant


def socket_instead(folder: Path, _marker: Path) -> list[str]:
    (folder / "special_tokens_map.json").unlink()
    before = Path.cwd()
    os.chdir(folder)  # the address of a socket holds 108 characters
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("special_tokens_map.json")
    finally:
        os.chdir(before)
    return ["special_tokens_map.json"]


def folder_instead(folder: Path, _marker: Path) -> list[str]:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    return ["config.json"]


# Names of chat templates and of other files.


def chat_template_names(folder: Path, _marker: Path) -> list[str]:
    templates = [{"name": name, "template": "escaped"} for name in ("default", "../../escaped", "../escaped")]
    return edited(folder, "tokenizer_config.json", chat_template=templates)


def chat_template_files(folder: Path, _marker: Path) -> list[str]:
    template = "{{ messages }}"
    return _written(folder, chat_template_jinja=template, additional_chat_templates__tool_jinja=template)


def elsewhere(key: str, name: str, content: str) -> Callable[[Path, Path], list[str]]:
    """A key of tokenizer_config.json that names a file outside."""

    def plant(folder: Path, marker: Path) -> list[str]:
        outside = marker.parent / name
        outside.write_text(content, encoding="utf-8")
        return edited(folder, "tokenizer_config.json", **{key: str(outside)})

    return plant
