"""The keys of config.json: those that are obeyed, those that must have one value, and those that name code."""

from __future__ import annotations

import re
from typing import Literal

Family = Literal["distilbert", "bert", "gpt2"]

CODE = re.compile(
    r"auto_map|_auto_class|trust_remote_code|custom_.*|_?attn_implementation.*|use_kernels|kernel.*|"
    r"quantization_config|configuration_files|transformers_weights|.*_class"
)
_COMMON = frozenset((
    "model_type", "architectures", "dtype", "torch_dtype", "transformers_version", "id2label", "label2id",
    "num_labels", "problem_type", "pad_token_id", "bos_token_id", "eos_token_id", "initializer_range",
    "tie_word_embeddings", "vocab_size", "hidden_size", "num_attention_heads", "num_hidden_layers",
    "max_position_embeddings", "use_cache",
))  # fmt: skip
OWN: dict[Family, frozenset[str]] = {
    "distilbert": _COMMON.union((
        "activation", "attention_dropout", "dim", "dropout", "hidden_dim", "n_heads", "n_layers", "qa_dropout",
        "seq_classif_dropout", "sinusoidal_pos_embds", "tie_weights_", "output_past",
    )),
    "bert": _COMMON.union((
        "attention_probs_dropout_prob", "classifier_dropout", "hidden_act", "hidden_dropout_prob", "intermediate_size",
        "layer_norm_eps", "type_vocab_size",
    )),
    "gpt2": _COMMON.union((
        "activation_function", "attn_pdrop", "embd_pdrop", "layer_norm_epsilon", "n_ctx", "n_embd", "n_head",
        "n_inner", "n_layer", "n_positions", "resid_pdrop", "summary_activation", "summary_first_dropout",
        "summary_proj_to_labels", "summary_type", "summary_use_proj",
    )),
}  # fmt: skip
# What changes the function that the weights compute, and the one value with which Encore computes it.
OBEYED: dict[str, object] = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "reorder_and_upcast_attn": False,
    "add_cross_attention": False,
    "is_encoder_decoder": False,
    "pruned_heads": {},
}
# Likewise, of a family alone.
ALSO_OBEYED: dict[Family, dict[str, object]] = {
    "bert": {"is_decoder": False, "position_embedding_type": "absolute"},
}
SIZES = frozenset((
    "vocab_size", "dim", "n_embd", "hidden_dim", "n_inner", "n_heads", "n_head", "n_layers", "n_layer",
    "n_positions", "n_ctx", "hidden_size", "num_attention_heads", "num_hidden_layers",
    "max_position_embeddings", "num_labels", "intermediate_size", "type_vocab_size",
))  # fmt: skip
NUMBERS = frozenset((
    "initializer_range", "layer_norm_epsilon", "layer_norm_eps", "hidden_dropout_prob",
    "attention_probs_dropout_prob", "dropout", "attention_dropout", "qa_dropout",
    "seq_classif_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop",
))  # fmt: skip
# Defaults of generation and output, which transformers 4 used to write into every config: nothing here reads them.
UNREAD = frozenset((
    "_name_or_path", "name_or_path", "_num_labels", "finetuning_task", "task_specific_params", "is_decoder",
    "return_dict", "torchscript", "output_attentions", "output_hidden_states", "chunk_size_feed_forward",
    "gradient_checkpointing", "_commit_hash", "cross_attention_hidden_size", "decoder_start_token_id",
    "prefix", "sep_token_id", "tie_encoder_decoder", "tf_legacy_loss", "use_bfloat16", "bad_words_ids",
    "begin_suppress_tokens", "diversity_penalty", "do_sample", "early_stopping",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size",
    "num_beam_groups", "num_beams", "num_return_sequences", "output_scores", "remove_invalid_values",
    "repetition_penalty", "return_dict_in_generate", "suppress_tokens", "temperature", "top_k", "top_p",
    "typical_p",
))  # fmt: skip
