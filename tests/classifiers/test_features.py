import itertools
from collections import Counter

import numpy as np

from mathmill.classifiers.features import BASIC_KINDS, Features, Phrases, kinds_of
from mathmill.classifiers.kinds import SIGNS, phrases
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.school_lexicon import topic_phrases
from mathmill.classifiers.text_classifier import join_problem
from mathmill.classifiers.train import Example
from mathmill.classifiers.train_linear import CountedTexts, LinearConfig


def counts(text: str, found: Phrases) -> dict[str, tuple[float, float]]:
    """The kinds that occur, with their counts in the question and in the solution."""
    tokens, ends, _ = Normaliser().tokens([text])
    n = len(found.names)
    numbers = kinds_of(
        tokens, ends, found.table.keys, found.table.values, found.kind, found.first.keys, found.first.values,
        found.longest, n,
    )[0]  # fmt: skip
    both = np.round(2 ** numbers[1:] - 1).reshape(2, n)
    return {name: (both[0, i], both[1, i]) for i, name in enumerate(found.names) if both[:, i].any()}


def test_phrases_and_basics_are_counted_in_question_and_solution() -> None:
    found = Phrases({"fraction": [r"\frac"], "topic": ["等差数列", "simple interest"], "again": ["数列", r"\frac"]})
    assert counts(join_problem(r"等差数列 Simple interest: $\frac{12}{x}$", r"\frac12=345"), found) == {
        "bytes": (41.0, 11.0),
        "tokens": (17.0, 7.0),
        "digits": (2.0, 5.0),
        "digits of the longest number": (2.0, 3.0),
        "fraction": (1.0, 1.0),
        "topic": (2.0, 0.0),
        "again": (1.0, 0.0),
    }


def test_a_phrase_does_not_reach_over_the_solution_s_mark() -> None:
    found = Phrases({"topic": ["simple interest"]})
    assert "topic" not in counts(join_problem("simple", "interest"), found)


def test_all_kinds_have_names_and_topics_are_written_out() -> None:
    topics = topic_phrases()
    assert phrases().names == (*BASIC_KINDS, *SIGNS, *topics)
    assert {"grade 7", "grade 8", "grade 9"} <= set(topics["middle, strong"])
    assert {"system of equations", "systems of linear equations"} <= set(topics["high, strong"])
    assert not [phrase for words in topics.values() for phrase in words if set(phrase) & set("()[]|?.*\\")]


def test_n_grams_are_counted_and_damped_like_the_slow_reference() -> None:
    text = "a b a b a b a c"
    config = LinearConfig(features=Features(word_ngrams=2))
    counted = CountedTexts.of([Example(text, "l", "g", "en", "s", "c")], config.normaliser, config.features)
    tokens = text.split()
    expected = Counter(tokens) + Counter(itertools.pairwise(tokens))
    assert sorted(counted.counts.tolist()) == sorted(float(n.bit_length()) for n in expected.values())


def test_question_alone_question_with_solution_and_solution_have_words_of_their_own() -> None:
    config = LinearConfig()
    texts = ["prime", join_problem("prime", "x"), join_problem("x", "prime")]
    examples = [Example(text, "l", "g", "en", "s", "c") for text in texts]
    counted = CountedTexts.of(examples, config.normaliser, config.features)
    keys = [set(counted.keys[a:b].tolist()) for a, b in zip(counted.starts, counted.starts[1:], strict=False)]
    assert [len(k) for k in keys] == [1, 2, 2]
    assert not keys[0] & keys[1]
    assert not keys[1] & keys[2]


def test_presence_counts_a_repeated_feature_once() -> None:
    example = Example("one one one one two", "a", "g", "en", "s", "CC0-1.0")
    for presence, expected in ((False, [1.0, 3.0]), (True, [1.0, 1.0])):
        config = LinearConfig(features=Features(presence=presence))
        assert sorted(CountedTexts.of([example], config.normaliser, config.features).counts.tolist()) == expected
