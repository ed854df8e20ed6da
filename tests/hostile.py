"""Model folders as somebody may prepare them: what runs code, writes elsewhere, fills the memory, or never ends.

Each case is planted into a healthy folder, of an encoder or of a GPT-2, or into the `model/` of a finished run. Code
that runs all the same leaves `marker`, outside the folder; the files that a case needs outside lie beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import hostile_contents as contents_of
from tests import hostile_files as files
from tests.strange_folders import contents, edited, encoder, fake_kernels, storyteller

__all__ = ["CASES", "Case", "contents", "edited", "encoder", "fake_kernels", "storyteller"]
FAMILIES = ("distilbert", "gpt2")


@dataclass(frozen=True)
class Case:
    """plant(folder, marker) returns the files of the folder, by relative path, that it added, changed or removed.

    families: the `model_type`s that it makes sense for.
    """

    name: str
    plant: Callable[[Path, Path], list[str]]
    families: tuple[str, ...] = FAMILIES


KERNEL = "somebody/kernel:attend"
CASES: tuple[Case, ...] = (
    Case("custom-generate", files.custom_generate),
    Case("auto-map", files.auto_map),
    Case("auto-map-of-tokenizer", files.auto_map_of_tokenizer),
    Case("trust-remote-code", files.trust_remote_code),
    Case("custom-pipelines", files.custom_pipelines),
    Case("attention-internal", files.key("config.json", _attn_implementation_internal=KERNEL)),
    Case("attention-underscore", files.key("config.json", _attn_implementation=KERNEL)),
    Case("attention", files.key("config.json", attn_implementation=KERNEL)),
    Case("flash-attention", files.key("config.json", _attn_implementation="flash_attention_2")),
    Case("bitsandbytes", files.key("config.json", quantization_config={"quant_method": "bitsandbytes"})),
    Case("tokenizer-class-in-config", files.key("config.json", tokenizer_class="BertJapaneseTokenizer")),
    Case("other-weights", files.key("config.json", transformers_weights="../outside.safetensors")),
    Case("other-config", files.key("config.json", configuration_files=["config.4.0.0.json", "../x.json"])),
    Case("pickle-beside", files.pickle_beside),
    Case("pickle-instead", files.pickle_instead),
    Case("adapter", files.adapter),
    Case("index-out-of-the-folder", files.index(file="{}/outside.safetensors")),
    Case("index-absolute", files.index(file="/dev/zero")),
    Case("index-of-pickles", files.index_of_pickles),
    Case("weights-link-out", files.link_out("model.safetensors")),
    Case("config-link-out", files.link_out("config.json")),
    Case("tokenizer-device", files.device),
    Case("config-fifo", files.fifo("config.json")),
    Case("weights-fifo", files.fifo("model.safetensors")),
    Case("added-tokens-fifo", files.fifo("added_tokens.json")),
    Case("special-tokens-socket", files.socket_instead),
    Case("config-folder", files.folder_instead),
    Case("chat-template-names", files.chat_template_names),
    Case("chat-template-files", files.chat_template_files),
    Case("tokenizer-file-elsewhere", files.elsewhere("tokenizer_file", "other.json", "{}")),
    Case("vocab-file-elsewhere", files.elsewhere("vocab_file", "other.txt", "[PAD]\nsecret\n")),
    Case("merges-file-elsewhere", files.elsewhere("merges_file", "other.txt", "#version: 0.2\ns e\n")),
    Case("python-tokenizer", files.key("tokenizer_config.json", tokenizer_class="BertJapaneseTokenizer")),
    Case("sentencepiece-tokenizer", files.key("tokenizer_config.json", tokenizer_class="T5Tokenizer")),
    Case("config-200-mib", contents_of.large("config.json")),
    Case("tokenizer-200-mib", contents_of.large("tokenizer.json")),
    Case("vocab-200-mib", contents_of.large("vocab.txt"), ("distilbert",)),
    Case("merges-200-mib", contents_of.large("merges.txt"), ("gpt2",)),
    Case("config-nested-1500", contents_of.nested("config.json", 1_500)),
    Case("config-nested-100000", contents_of.nested("config.json", 100_000)),
    Case("tokenizer-nested-10000", contents_of.nested("tokenizer.json", 10_000)),
    Case("tokenizer-tables-nested-10000", contents_of.nested("tokenizer.json", 10_000, '{"a": ', "}")),
    Case("tokenizer-config-nested-10000", contents_of.nested("tokenizer_config.json", 10_000)),
    Case("index-nested-10000", contents_of.nested("model.safetensors.index.json", 10_000)),
    Case("config-list", contents_of.whole("config.json", "[]")),
    Case("config-number", contents_of.whole("config.json", "9" * 5_000)),
    Case("config-latin-1", contents_of.latin_1),
    Case("tokenizer-empty", contents_of.whole("tokenizer.json", "{}")),
    Case("tokenizer-list", contents_of.whole("tokenizer.json", "[]")),
    Case("tokenizer-config-list", contents_of.whole("tokenizer_config.json", "[1]")),
    Case("special-tokens-list", contents_of.whole("special_tokens_map.json", "[1]")),
    Case("added-tokens-list", contents_of.whole("added_tokens.json", "[1]")),
    Case("tokenizer-of-an-unknown-kind", contents_of.unknown_model),
    Case("vocabulary-without-merges", contents_of.no_merges),
    Case("extra-tokens-list", files.key("tokenizer_config.json", extra_special_tokens=["<a>", "<b>"])),
    Case("extra-tokens-number", files.key("tokenizer_config.json", extra_special_tokens=7)),
    Case("special-token-number", files.key("tokenizer_config.json", pad_token=7)),
    Case("absurd-token-ids", contents_of.absurd_ids),
    Case("many-labels", contents_of.many_labels),
    Case("vocabulary-of-10-to-the-12", files.key("config.json", vocab_size=10**12)),
    Case("width-below-zero", contents_of.size_key("dim", "n_embd", -1)),
    Case("a-million-layers", contents_of.size_key("n_layers", "n_layer", 10**6)),
    Case("a-million-layers-by-another-name", files.key("config.json", num_hidden_layers=10**6)),
    Case("no-heads", contents_of.size_key("n_heads", "n_head", 0)),
    Case("a-billion-positions", contents_of.size_key("max_position_embeddings", "n_positions", 10**9)),
    Case("inner-width", contents_of.size_key("hidden_dim", "n_inner", 10**9)),
    Case("width-in-words", contents_of.size_key("dim", "n_embd", "sixteen")),
    Case("activation-unknown", contents_of.size_key("activation", "activation_function", "os.system")),
    Case("dtype-odd", files.key("config.json", dtype="os.system", torch_dtype="float8_e4m3fn")),
    Case("tuples-instead-of-answers", files.key("config.json", return_dict=False, torchscript=True)),
    Case("pruned-heads", files.key("config.json", pruned_heads={"0": [0]})),
    Case("generation-config-odd", contents_of.whole("generation_config.json", '{"max_length": "x", "auto_map": []}')),
    Case("header-huge", contents_of.huge_header),
    Case("weights-overlapping", contents_of.overlapping),
    Case("weights-of-whole-numbers", contents_of.whole_numbers),
    Case("weights-of-tensorflow", contents_of.of_tensorflow),
    Case("weights-cut-short", contents_of.cut_short),
    Case("weights-not-a-number", contents_of.not_a_number),
)  # fmt: skip
