"""The linear classifier: what n-grams count, by hand and by scikit-learn; its answers; its folder."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_info, threadpool_limits

from errors import RunError, UserError
from lightning_modules.linear import LinearClassifier
from lightning_modules.linear_fit import LinearFit, idf, log_count_ratio
from lightning_modules.linear_folder import LinearModel, read_linear
from lightning_modules.linear_network import LinearNetwork, LinearSize
from lightning_modules.ngrams import key_of, known_ngrams
from lightning_modules.settings import Features, LinearLoss

PAD, UNKNOWN, END, GOOD, BAD, FILM, A = range(7)
VOCABULARY, MARKS = 7, (PAD, UNKNOWN, END)
TEXTS = [[A, GOOD, GOOD, FILM, END], [A, BAD, FILM, END], [GOOD, UNKNOWN, FILM, END]]
LABELS = np.array([1, 0, 1])
LOGISTIC = LinearFit("logistic", 2.0, 1.0)


def made(
    texts: list[list[int]] = TEXTS, features: Features = "tfidf", longest: int = 2, least: int = 1
) -> LinearNetwork:
    """The network of these texts' n-grams, without weights."""
    keys, held = known_ngrams(
        np.concatenate(texts),
        np.array([len(text) for text in texts]),
        vocabulary=VOCABULARY,
        longest=longest,
        marks=MARKS,
        least_texts=least,
    )
    network = LinearNetwork(LinearSize(VOCABULARY, longest, len(keys), features, ("negative", "positive")))
    network.keys.copy_(torch.from_numpy(keys))
    if features == "tfidf":
        network.scale.copy_(torch.from_numpy(idf(held, len(texts))))
    return network


def padded(texts: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, texts))
    return torch.tensor([text + [PAD] * (longest - len(text)) for text in texts])


def batch(texts: list[list[int]], labels: np.ndarray, rows: list[int]) -> dict[str, torch.Tensor]:
    ids = padded([texts[row] for row in rows])
    return {
        "input_ids": ids,
        "attention_mask": (ids != PAD).long(),
        "labels": torch.from_numpy(labels[rows]),
        "row": torch.tensor(rows),
    }


def fitted(
    texts: list[list[int]],
    labels: np.ndarray,
    *,
    features: Features = "tfidf",
    fit: LinearFit = LOGISTIC,
    batches: list[list[int]] | None = None,
) -> LinearClassifier:
    learner = LinearClassifier(made(texts, features), fit)
    optimiser = learner.configure_optimizers()
    for rows in batches or [list(range(len(texts)))]:
        loss = learner.training_step(batch(texts, labels, rows), 0)
    optimiser.step(lambda: float(loss.detach()))
    return learner.eval()


def drawn(count: int = 60) -> tuple[list[list[int]], np.ndarray]:
    """Texts of any length from an end alone, whose labels follow from their words, but for noise."""
    draw = np.random.Generator(np.random.PCG64(3))
    texts = [[*draw.integers(GOOD, VOCABULARY, draw.integers(0, 9)).tolist(), END] for _ in range(count)]
    labels = np.array([(text.count(GOOD) > text.count(BAD)) ^ (draw.random() < 0.1) for text in texts])
    return texts, labels.astype(np.int64)


def ngrams_of(text: list[int]) -> Counter[tuple[int, ...]]:
    """Of words alone: none goes over an unknown one."""
    spans = [(i, i + length) for length in (1, 2) for i in range(len(text) - length + 1)]
    return Counter(tuple(text[i:j]) for i, j in spans if not set(text[i:j]) & set(MARKS))


def test_ngrams_are_those_of_words_and_of_enough_texts() -> None:
    assert ngrams_of(TEXTS[2]) == {(GOOD,): 1, (FILM,): 1}
    counts = Counter(ngram for text in TEXTS for ngram in ngrams_of(text))
    for least in (1, 2, 3):
        expected = sorted(
            key_of(list(ngram), VOCABULARY) for ngram, texts in counts.items() if texts >= least
        )
        assert made(least=least).keys.tolist() == expected
    assert key_of([A, BAD], VOCABULARY) == (A + 1) * (VOCABULARY + 1) + BAD + 1
    assert (
        len(made([[A], [GOOD]]).keys) == 2
    )  # none goes from one text into the next, also without a mark between


def test_tfidf_of_three_texts_is_that_worked_out_by_hand() -> None:
    network = made()
    held = network.held(padded(TEXTS))
    found = {
        (text, int(network.keys[ngram])): value
        for text, ngram, value in zip(
            held.text_N.tolist(), held.ngram_N.tolist(), network.counted(held, 3).tolist(), strict=True
        )
    }
    # "a good good film": a and film stand in 2 and 3 texts of 3, good, twice here, in 2, the pairs in 1 each.
    shares = {
        (A,): math.log(4 / 3) + 1, (FILM,): 1.0, (GOOD,): (1 + math.log(2)) * (math.log(4 / 3) + 1),
        (A, GOOD): math.log(2) + 1, (GOOD, GOOD): math.log(2) + 1, (GOOD, FILM): math.log(2) + 1,
    }  # fmt: skip
    length = math.sqrt(sum(share**2 for share in shares.values()))
    for ngram, share in shares.items():
        assert found[0, key_of(list(ngram), VOCABULARY)] == pytest.approx(share / length, abs=1e-7)
    assert sum(text == 0 for text, _ in found) == len(shares)


def test_tfidf_is_that_of_scikit_learn() -> None:
    texts, _ = drawn()
    network = made(texts)
    held = network.held(padded(texts))
    size = len(texts), network.size.ngrams
    ours = csr_matrix((network.counted(held, len(texts)), (held.text_N, held.ngram_N)), shape=size).toarray()
    vectoriser = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, tokenizer=str.split, lowercase=False, token_pattern=None
    )
    theirs = vectoriser.fit_transform(
        [" ".join(map(str, text[:-1])) for text in texts]
    ).toarray()  # no end, which is no word
    words = [[int(word) for word in ngram.split()] for ngram in vectoriser.get_feature_names_out().tolist()]
    order = np.argsort([key_of(ngram, VOCABULARY) for ngram in words])
    assert np.abs(ours - theirs[:, order]).max() < 1e-6


def test_the_log_count_ratio_of_three_texts_is_that_worked_out_by_hand() -> None:
    network = made(features="nb")
    held = network.held(padded(TEXTS))
    once = csr_matrix((network.counted(held, 3), (held.text_N, held.ngram_N)), shape=(3, network.size.ngrams))
    ratios = dict(zip(network.keys.tolist(), log_count_ratio(once, LABELS), strict=True))
    # 9 n-grams are known: a, good, bad, film and 5 pairs; "a good good film" holds 6 of them, "good … film" 2 and
    # "a bad film" 5, and 1 is added to each.
    positive, negative = 6 + 2 + 9, 5 + 9
    assert len(ratios) == 9
    for ngram, (in_positive, in_negative) in {
        (GOOD,): (2, 0), (BAD,): (0, 1), (FILM,): (2, 1), (A,): (1, 1), (GOOD, GOOD): (1, 0), (BAD, FILM): (0, 1),
    }.items():  # fmt: skip
        expected = math.log((1 + in_positive) / positive / ((1 + in_negative) / negative))
        assert ratios[key_of(list(ngram), VOCABULARY)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
@pytest.mark.parametrize("features", ["tfidf", "nb"])
def test_its_margin_is_scikit_learns_decision_function(features: Features, loss: LinearLoss) -> None:
    texts, labels = drawn()
    learner = fitted(texts, labels, features=features, fit=LinearFit(loss, 2.0, 1.0))
    network = learner.model
    held = network.held(padded(texts))
    values = network.counted(held, len(texts)).numpy()
    matrix = csr_matrix((values, (held.text_N, held.ngram_N)), shape=(len(texts), network.size.ngrams))
    if features == "nb":
        matrix = matrix.multiply(log_count_ratio(matrix, labels)).tocsr()
    model = LogisticRegression(C=2.0, max_iter=1000) if loss == "logistic" else LinearSVC(C=2.0, dual=False)
    expected = model.fit(matrix, labels).decision_function(matrix)
    with torch.inference_mode():
        logits = network(padded(texts))
    assert np.abs((logits[:, 1] - logits[:, 0]).numpy() - expected).max() < 1e-6
    assert expected.std() > 0.5


def test_beta_leads_from_what_is_fitted_to_naive_bayes() -> None:
    texts, labels = drawn()
    whole, half, bayes = (
        fitted(texts, labels, features="nb", fit=LinearFit("logistic", 2.0, beta)).model.weight.detach()
        for beta in (1.0, 0.5, 0.0)
    )
    assert torch.allclose(half, (whole + bayes) / 2, atol=1e-6)
    network = made(texts, "nb")
    held = network.held(padded(texts))
    once = csr_matrix((np.ones(len(held.text_N)), (held.text_N, held.ngram_N)), (len(texts), len(bayes)))
    ratio = torch.from_numpy(log_count_ratio(once, labels)).float()
    assert torch.allclose(bayes / bayes[0], ratio / ratio[0], rtol=1e-4)


@pytest.mark.parametrize("features", ["tfidf", "nb"])
def test_a_row_in_a_padded_batch_answers_as_it_does_alone(features: Features) -> None:
    texts, labels = drawn()
    network = fitted(texts, labels, features=features).model
    with torch.inference_mode():
        together = network(padded(texts))
        for row, text in enumerate(texts):
            assert torch.equal(together[row], network(torch.tensor([text]))[0])


def test_a_text_without_a_known_word_has_the_bias_alone() -> None:
    network = fitted(*drawn()).model
    with torch.inference_mode():
        for text in ([END], [UNKNOWN, UNKNOWN, END], [PAD]):
            logits = network(torch.tensor([text]))
            assert float(logits[0, 1] - logits[0, 0]) == pytest.approx(float(network.bias.detach()), rel=1e-6)


def test_neither_the_order_of_the_batches_nor_their_size_decides_a_bit() -> None:
    texts, labels = drawn()
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(texts)).tolist()
    one = fitted(texts, labels)
    other = fitted(texts, labels, batches=[order[:7], order[7:8], order[8:]])
    for name, weight in one.model.state_dict().items():
        assert torch.equal(weight, other.model.state_dict()[name]), name


def test_solvers_add_up_on_one_thread_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    solve = LogisticRegression.fit

    def watched(self: LogisticRegression, *arguments: Any) -> LogisticRegression:
        seen.update(pool["num_threads"] for pool in threadpool_info())
        return solve(self, *arguments)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    with threadpool_limits(2):
        assert 2 in {pool["num_threads"] for pool in threadpool_info()}
        fitted(*drawn())
    assert seen == {1}


def test_a_fit_without_an_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_modules.linear_fit._MOST_ROUNDS", 1)
    with pytest.raises(RunError, match=r"model\.C=1e\+06: scikit-learn found no end in 1 rounds"):
        fitted(*drawn(), fit=LinearFit("logistic", 1e6, 1.0))


@pytest.mark.parametrize("features", ["tfidf", "nb"])
def test_its_folder_is_read_again(features: Features, tmp_path: Path) -> None:
    texts, labels = drawn()
    model = fitted(texts, labels, features=features).text_model
    model.save(tmp_path)
    again = read_linear(tmp_path)
    ids = torch.tensor([texts[5]])
    with torch.inference_mode():
        assert torch.equal(again.logits(ids), model.logits(ids))
    assert (again.vocabulary, again.outputs, again.positions) == (VOCABULARY, 2, None)
    assert not again.network.training
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "lstm"}, "holds a 'lstm' model, not 'linear'"),
        ({"ngrams": 3}, "the weights are not those that config.json describes"),
        ({"features": "nb"}, "the weights are not those that config.json describes, first in 'scale'"),
        ({"features": "count"}, "config.json sets features to 'count', not tfidf or nb"),
        ({"longest_ngram": 4}, "config.json sets longest_ngram to 4"),
        ({"vocab_size": 2**40}, "config.json sets vocab_size to"),
        ({"id2label": {"0": "negative"}}, "names 1 labels; a linear model tells 2 apart"),
    ],
)
def test_a_config_that_describes_other_weights_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    LinearModel(made()).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match=said):
        read_linear(tmp_path)


def test_ngrams_out_of_order_are_refused(tmp_path: Path) -> None:
    network = made()
    network.keys.copy_(network.keys.flip(0))
    LinearModel(network).save(tmp_path)
    with pytest.raises(UserError, match="its n-grams do not stand in rising order"):
        read_linear(tmp_path)
