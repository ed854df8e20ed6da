"""A tokenizer of whole words, as vectors of words have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "sep_token": "[SEP]"}
# As the Penn Treebank parts words, whose form SST-2 and GloVe have: "don't" is "do n't", "it's" is "it 's"; marks stand
# alone but for dots and dashes in a row. A hyphen stands alone, too: vectors have the parts of a word and seldom it.
_ENDING = r"'(?:s|m|d|re|ve|ll)\b"
_WORD = (
    rf"[^\W_]+?(?=n't\b)|n't\b|{_ENDING}"
    rf"|[^\W_]+(?:(?:[.,]|(?!{_ENDING})')[^\W_]+)*|\.{{2,}}|-{{2,}}|`{{2}}|'{{2}}|[^\w\s]|_"
)


def train_word_tokenizer(
    texts: Iterable[str], *, vocab_size: int, known: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """Lower-cased words, the most frequent of `texts`, of equal ones the first in the alphabet; `[SEP]` ends a text.

    known: words that are beside those `vocab_size`, but for what no text is parted into.
    Counted here: the library's own trainer numbers words of equal count differently from run to run.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = list(_SPECIAL.values())
    normalizer = normalizers.BertNormalizer(strip_accents=False, handle_chinese_chars=True, lowercase=True)
    parts = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)

    def parted(text: str) -> list[str]:
        return [word for word, _ in parts.pre_tokenize_str(normalizer.normalize_str(text))]

    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(parted(text))
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: vocab_size - len(special)]
    whole = (word for word in known if parted(word) == [word])
    numbers = {word: number for number, word in enumerate(dict.fromkeys([*special, *frequent, *whole]))}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token=_SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = parts
    ends = [(_SPECIAL["sep_token"], numbers[_SPECIAL["sep_token"]])]
    tokenizer.post_processor = processors.TemplateProcessing(single="$A [SEP]", special_tokens=ends)
    inputs = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=inputs, **_SPECIAL)
