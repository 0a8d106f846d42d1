"""Critique models: data, figures, calibration, the linear variant and the head on a tiny random Llama."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from mathmill.classifiers.critique import (
    evaluate_critique,
    judge_scores,
    load_critique,
    platt,
    train_critique,
)
from mathmill.classifiers.critique_data import CritiqueData, read_critique_data, trl_records
from mathmill.classifiers.critique_linear import LinearCriticConfig, fit_linear
from mathmill.classifiers.solution_checks import NAMES, calculations, check_solutions, value_of
from mathmill.core.errors import ConfigError, DataError


def slips(n: int = 60) -> list[dict[str, Any]]:
    """Sums that hold, each beside one that does not."""
    return [
        {
            "question": f"What is {a} plus {3 * a + 1}?",
            "chosen": f"{a} + {3 * a + 1} = {4 * a + 1}\nThe answer is {4 * a + 1}.",
            "rejected": f"{a} + {3 * a + 1} = {4 * a + 3}\nThe answer is {4 * a + 3}.",
            "kind": "slip",
        }
        for a in range(5, 5 + n)
    ]


def linear(data: CritiqueData) -> Any:
    return fit_linear(data, LinearCriticConfig())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Natalia sold 48/2 = <<48/2=24>>24 clips.", [(24, 24, True)]),
        ("so <<48/2=24>>25", [(24, 24, True)]),
        ("$\\frac{1}{2}\\times 6=3$", [(3, 3, True)]),
        ("共3×4=12千米，12+5=18。", [(12, 12, True), (17, 18, False)]),
        ("(2+3)*4=20=5*4", [(20, 20, True)]),
        ("1,200 + 3 = 1,203 apples", [(1203, 1203, True)]),
        ("50 * 20% = 10", [(10, 10, True)]),
        ("2 + 2 = 5.", [(4, 5, False)]),
        ("10 / 4 = 2.5", [(2.5, 2.5, True)]),
        ("10 / 4 = 3", [(2.5, 3, False)]),
        ("2x + 3*4 = 12", []),
        ("x - 5 = 3", []),
        ("2 * 3 = 6 + x", []),
        ("5 * 2 = 10x", []),
        ("f(2) + 3 = 9", []),
    ],
)
def test_calculations_are_found_and_worked_out(text: str, found: list[tuple[float, float, bool]]) -> None:
    assert [(float(a), float(b), agrees) for a, b, agrees in calculations(text)] == found


def test_a_result_may_be_rounded_as_it_is_written() -> None:
    assert [agrees for *_, agrees in calculations("10/3 = 3.33\n10/3 = 3.30\n1/3 = 33.3%")] == [True, False, True]


@pytest.mark.parametrize("text", ["", "1/0", "((((1", "9^9^9", "2 +", "a", "1 2", "()", "(" * 5000, "9" * 99])
def test_what_is_no_calculation_has_no_value(text: str) -> None:
    assert value_of(text) is None


def test_checks_tell_a_sound_solution_from_a_faulty_one() -> None:
    question = "48 friends and 24 clips for 6 more"
    sound, faulty = check_solutions([question] * 2, ["48/2 = 24, 48+24 = 72\n#### 72", "48/2 = 25\n#### 77"])
    checks = dict(zip(NAMES, zip(sound, faulty, strict=True), strict=True))
    assert checks["right calculations"] == (pytest.approx(np.log2(3)), 0)
    assert checks["is any wrong"] == (0, 1)
    assert checks["is any unknown"] == (0, 1)
    assert checks["ends with a result"] == (1, 0)
    assert checks["question's numbers unused"] == (1, pytest.approx(np.log2(2)))
    assert checks["answer is marked"] == (1, 1)


def test_records_become_texts_and_pairs() -> None:
    data = read_critique_data(
        [
            {"question": "q", "solution": "a", "score": 1},
            {"question": "q", "solution": "b", "score": 0.5},
            {"question": "q", "solution": "c", "score": 0.4},
            {"question": "r", "chosen": "x", "rejected": "y", "kind": "slip"},
            {"question": "r", "chosen": "x", "rejected": "z"},
        ]
    )
    texts = [f"{question}{solution}" for question, solution in zip(data.questions, data.solutions, strict=True)]
    assert texts == ["qa", "qb", "qc", "rx", "ry", "rz"]
    pairs = [(texts[a], texts[b], kind) for (a, b), kind in zip(data.pairs.tolist(), data.kinds, strict=True)]
    assert pairs == [("rx", "ry", "slip"), ("rx", "rz", ""), ("qa", "qb", ""), ("qa", "qc", "")]
    assert data.targets().tolist() == [1, 0.5, 0.4, 1, 0, 0]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"question": "q", "solution": "a"}, "record 2: chosen is missing or empty"),
        ({"question": " ", "chosen": "a", "rejected": "b"}, "record 2: question is missing or empty"),
        ({"question": "q", "chosen": "a", "rejected": "a"}, "record 2: chosen and rejected are the same text"),
        ({"question": "q", "solution": "a", "score": 7}, "record 2: score is 7, and should be a number from 0 to 1"),
        ({"question": "q", "solution": "a", "score": float("nan")}, "record 2: score is nan"),
        ({"question": "q", "solution": "a", "score": True}, "record 2: score is True"),
        (["q"], "record 2: it should have question"),
    ],
)
def test_a_record_that_is_none_is_named(record: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_critique_data([{"question": "q", "chosen": "a", "rejected": "b"}, record])


def test_a_question_is_never_on_both_sides_of_a_split() -> None:
    data = read_critique_data(slips())
    training, rest = data.split(0.3)
    assert not set(training.questions) & set(rest.questions)
    assert len(training.questions) + len(rest.questions) == 120
    assert 10 <= len(rest.pairs) <= 26
    assert all(rest.questions[a] == rest.questions[b] for a, b in rest.pairs)


def test_what_others_have_split_can_still_be_trained_on() -> None:
    training, _ = read_critique_data(slips()).split(0.5)
    assert train_critique(training, linear, "sums", 0.3).card.metrics["questions"] > 3


def test_figures_against_reference_scores() -> None:
    data = read_critique_data(
        [
            {"question": "q", "chosen": "a", "rejected": "b", "kind": "one"},
            {"question": "r", "chosen": "c", "rejected": "d", "kind": "two"},
            {"question": "s", "chosen": "e", "rejected": "f", "kind": "two"},
        ]
    )
    figures = judge_scores(np.array([0.9, 0.1, 0.5, 0.5, 0.2, 0.8]), data)
    assert figures["pairwise_accuracy"] == 0.5
    assert figures["by_kind"] == {
        "one": {"pairs": 1, "pairwise_accuracy": 1.0},
        "two": {"pairs": 2, "pairwise_accuracy": 0.25},
    }
    assert figures["mae"] == pytest.approx((0.1 + 0.1 + 0.5 + 0.5 + 0.8 + 0.8) / 6, abs=1e-4)
    assert figures["spearman"] == 0.198
    scored = read_critique_data([{"question": "q", "solution": c, "score": s} for c, s in (("a", 0.1), ("b", 0.9))])
    assert judge_scores(np.array([0.2, 0.7]), scored) == {
        "questions": 1,
        "pairs": 1,
        "pairwise_accuracy": 1.0,
        "pairwise_accuracy_interval": [0.2065, 1.0],
        "by_kind": {},
        "texts": 2,
        "mae": 0.15,
        "spearman": 1.0,
    }


def test_platt_scaling_recovers_the_share_that_is_right() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=4000)
    right = 1 / (1 + np.exp(-(2 * raw - 1)))
    calibration = platt(raw, right)
    assert calibration.scale == pytest.approx(2, rel=0.02)
    assert -calibration.bias[1] == pytest.approx(-1, rel=0.02)


def test_the_linear_model_sees_slips_in_questions_that_are_new(tmp_path: Path) -> None:
    model = train_critique(read_critique_data(slips()), linear, "sums", 0.3)
    figures = model.card.metrics
    assert figures["pairwise_accuracy"] == 1.0
    assert figures["spearman"] > 0.8
    assert figures["mae"] < 0.2
    model.save(tmp_path / "critic")
    loaded = load_critique(tmp_path / "critic")
    questions = ["What is 70 plus 9?"] * 2
    solutions = ["70 + 9 = 79\nThe answer is 79.", "70 + 9 = 81\nThe answer is 81."]
    scores = loaded.predict(questions, solutions)
    assert scores[0] > 0.8 > 0.2 > scores[1]
    assert (scores == model.predict(questions, solutions)).all()
    assert loaded.predict([], []).tolist() == []
    model.save(tmp_path / "again")
    assert (tmp_path / "again/model.npz").read_bytes() == (tmp_path / "critic/model.npz").read_bytes()
    assert "| pairwise accuracy | 1.0 |" in (tmp_path / "critic/README.md").read_text()


def test_too_little_data_is_a_clear_error() -> None:
    with pytest.raises(DataError, match="of 1 questions too few are to train on"):
        train_critique(read_critique_data(slips(1)), linear, "none", 0.0001)


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"card.json is missing; make one with `mathmill critique train`"):
        load_critique(tmp_path)
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ConfigError, match="is not a critique model that this version can read"):
        load_critique(tmp_path)


def test_pairs_for_trl_make_the_text_that_our_head_reads() -> None:
    (row,) = trl_records(read_critique_data([{"question": "2+2?", "chosen": "4", "rejected": "5"}]))
    assert row == {"prompt": "Question: 2+2?\n\nSolution: ", "chosen": "4", "rejected": "5"}


@pytest.fixture(scope="module")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with a tokenizer of single characters."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("llama")
    letters = ["<unk>", "</s>", *map(chr, range(32, 127)), "\n"]
    tokenizer = Tokenizer(models.WordLevel({letter: i for i, letter in enumerate(letters)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
    fast.save_pretrained(folder)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(letters), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def marked(n: int = 40) -> list[dict[str, Any]]:
    """Good solutions say "so", bad ones "no": a tiny model can learn that."""
    return [{"question": f"Q{i}?", "chosen": f"so {i} is it", "rejected": f"no {i} is it"} for i in range(n)]


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_reward_head_learns_pairs_and_comes_back_from_its_folder(
    tiny_llama: Path, tmp_path: Path, pooling: str
) -> None:
    from mathmill.classifiers.critique_head import HeadConfig, fit_head_critic

    config = HeadConfig(
        pooling=pooling, epochs=4, batch=8, learning_rate=3e-3, head_learning_rate=1e-2, max_tokens=64, device="cpu"
    )  # type: ignore[arg-type]
    losses: list[float] = []
    data = read_critique_data(marked())
    model = train_critique(
        data,
        lambda part: fit_head_critic(part, tiny_llama, config, lambda _step, _steps, loss: losses.append(loss)),
        "so",
        0.25,
    )
    assert losses[0] == pytest.approx(np.log(2), abs=1e-5)  # a head of zeros knows nothing
    assert np.mean(losses[-5:]) < 0.2
    assert model.card.metrics["pairwise_accuracy"] == 1.0
    model.save(tmp_path)
    assert {"card.json", "config.json", "model.safetensors", "tokenizer.json"} <= {f.name for f in tmp_path.iterdir()}
    loaded = load_critique(tmp_path)
    texts = (["Q1?"] * 3, ["so 7 is it", "no 7 is it", "so"])
    assert loaded.predict(*texts) == pytest.approx(model.predict(*texts), abs=1e-5)
    assert evaluate_critique(loaded, data)["pairwise_accuracy"] >= 0.95


def test_scores_do_not_depend_on_the_batch_and_long_texts_keep_both_ends(tiny_llama: Path) -> None:
    from mathmill.classifiers.critique_head import HeadConfig, fit_head_critic

    config = HeadConfig(epochs=1, batch=4, max_tokens=32, trained_layers=1, device="cpu", learning_rate=1e-2)
    records = [{"question": "Q?", "solution": f"s{i}", "score": i / 10} for i in range(10)]
    critic = fit_head_critic(read_critique_data(records), tiny_llama, config)
    solutions = ["a", "b" * 90, "c", "so it is"]
    together = critic.raw(["Q?"] * 4, solutions)
    alone = [critic.raw(["Q?"], [solution])[0] for solution in solutions]
    assert together == pytest.approx(alone, abs=1e-5)
    (ids,) = critic.encode(["Q?"], ["x" * 100 + "y"])
    text = critic.tokenizer.convert_ids_to_tokens(ids)
    assert (len(ids), text[:3], text[-2:]) == (32, ["Q", "u", "e"], ["y", "</s>"])
    assert all(parameter.requires_grad for parameter in critic.model.parameters())


def test_only_the_last_layers_change_where_the_rest_is_frozen(tiny_llama: Path) -> None:
    from transformers import AutoModelForCausalLM

    from mathmill.classifiers.critique_head import HeadConfig, fit_head_critic

    before = dict(AutoModelForCausalLM.from_pretrained(tiny_llama).model.named_parameters())
    config = HeadConfig(epochs=1, batch=8, trained_layers=1, device="cpu", learning_rate=1e-2)
    critic = fit_head_critic(read_critique_data(marked(16)), tiny_llama, config)
    changed = {
        name.split(".")[1] if name.startswith("layers") else name
        for name, parameter in critic.model.base_model.named_parameters()
        if not parameter.equal(before[name])
    }
    assert changed == {"1", "norm.weight"}


def test_the_command_line_trains_judges_scores_and_exports(tmp_path: Path) -> None:
    from mathmill.jobs.cli_critique import critique

    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(json.dumps(record) + "\n" for record in slips()))
    problems = tmp_path / "problems.jsonl"
    problems.write_text('{"id": 1, "question": "What is 70 plus 9?", "solution": "70 + 9 = 79"}\n\n')

    def run(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(critique, list(arguments))
        if code:
            assert isinstance(result.exception, ConfigError | DataError)
            return str(result.exception)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    model = str(tmp_path / "critic")
    figures = json.loads(run("train", str(data), "--out", model, "--held-out", "0.3", "--set", "penalty=1", "--json"))
    assert figures["pairwise_accuracy"] == 1.0
    assert "slip (60 pairs)" in run("evaluate", model, str(data))
    run("score", model, str(problems), "--out", str(tmp_path / "scored.jsonl"))
    (row,) = map(json.loads, (tmp_path / "scored.jsonl").read_text().splitlines())
    assert (row["id"], row["critique_score"] > 0.5) == (1, True)
    assert "60 pairs" in run("export", str(data), "--out", str(tmp_path / "trl.jsonl"))
    assert set(json.loads((tmp_path / "trl.jsonl").read_text().splitlines()[0])) == {"prompt", "chosen", "rejected"}
    assert "not empty" in run("train", str(data), "--out", model, code=1)
    assert "penalty" in run("train", str(data), "--out", str(tmp_path / "b"), "--set", "penalti=1", code=1)
    assert "no text in the field 'solution'" in run("score", model, str(data), code=1)
    assert "cannot read" in run("evaluate", model, str(tmp_path / "missing.jsonl"), code=1)
