"""Benchmarks and prompts: what names mean, which columns count, and the very texts that models read."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from mathmill.core.answers import extract_answer
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.request import Request
from mathmill.train_hooks.evaluation.benchmarks import Item, load, registry
from mathmill.train_hooks.evaluation.prompts import build_request, local_style, most_shots, prompts

COUNTS = {
    "gsm8k": 1319, "gsm_hard": 1319, "mgsm_zh": 250, "math": 5000, "math500": 500, "gaokao": 183, "zhongkao": 101,
    "gaokao2023": 92, "gaokao2023en": 383, "gaokao2024": 91, "gaokao_bench": 599, "agieval_gaokao": 469,
    "gaokao_mathqa": 351, "gaokao_mathcloze": 118, "sat_math": 220, "cmath": 1095, "cn_middle_school": 101,
    "aime24": 30, "amc23": 40, "olympiadbench": 675, "aqua": 254,
}  # fmt: skip
NO_BENCHMARKS = {"exact_overlaps.jsonl", "tir_tora70b_gsm8k_test.jsonl.zst"}  # overlaps; another model's answers


def write_rows(path: Path, *rows: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def item(question: str = "1+1?", kind: str = "word", language: str = "en") -> Item:
    return Item("q", question, ("2",), language, kind)  # type: ignore[arg-type]


def test_every_shared_benchmark_file_has_a_name_and_every_name_its_problems(shared_data: Path) -> None:
    folder = shared_data / "benchmarks"
    files = {path.name for path in folder.iterdir()} - NO_BENCHMARKS
    assert {entry.local + ".jsonl.zst" for entry in registry().values() if entry.local} == files
    assert {name: len(load(name, str(folder)).items) for name in registry()} == COUNTS


def test_examples_are_no_benchmark_items(shared_data: Path) -> None:
    seen = {
        "".join(item.question.split())
        for name in ("gsm8k", "math", "cmath", "gaokao", "zhongkao", "agieval_gaokao", "aqua", "sat_math")
        for item in load(name, str(shared_data / "benchmarks")).items
    }
    kinds = (prompts().word, prompts().math, prompts().choice, prompts().program)
    ours = {"".join(shot.question.split()) for kind in kinds for prompt in kind.values() for shot in prompt.shots}
    assert len(ours) == 24  # programs solve problems of the other kinds
    assert not ours & seen


@pytest.mark.parametrize("kind", ["word", "math", "choice"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_answer_of_every_example_is_found(kind: str, language: str) -> None:
    for shot in getattr(prompts(), kind)[language].shots:
        assert extract_answer(shot.solution) == shot.answer


def test_names_that_stand_for_something_unpublished_say_so() -> None:
    assert "not public" in registry()["gaokao"].title
    assert "not public" in registry()["zhongkao"].title


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.zst", ".json", ".parquet"])
def test_a_file_of_ones_own_is_a_benchmark(tmp_path: Path, suffix: str) -> None:
    rows = [{"problem": "2+2?", "solution": "So $\\boxed{4}$.", "level": "Level 3", "type": "Algebra"}]
    path = tmp_path / f"mine{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        data = json.dumps(rows[0]).encode() + b"\n"
        path.write_bytes(zstandard.compress(data) if suffix.endswith(".zst") else data)
    found = load(str(path))
    assert found.name == "mine"
    assert found.items == (
        Item("mine-0", "2+2?", ("4",), "en", "math", {"level": "3", "subject": "Algebra"}, "So $\\boxed{4}$."),
    )


@pytest.mark.parametrize(
    ("row", "golds", "question"),
    [
        ({"question": "q", "answer": "2*3 = <<2*3=6>>6\n#### 6"}, ("6",), "q"),  # GSM8K on the hub
        ({"query": "q", "choices": ["(A)1", "(B)2"], "gold": [1]}, ("B", "2"), "q\nA. 1\nB. 2"),  # AGIEval on the hub
        ({"question": "q", "options": {"A": "1", "B": "2"}, "answer": "A"}, ("A", "1"), "q\nA. 1\nB. 2"),
        ({"question": "q", "qtype": "choice", "answer": "C", "answer_text": "C. 5"}, ("C", "5"), "q"),
        ({"question": "q", "final_answer": ["$3$"]}, ("$3$",), "q"),  # OlympiadBench on the hub
        ({"question": "q", "answer": 7}, ("7",), "q"),
    ],
)
def test_columns_are_understood(tmp_path: Path, row: object, golds: tuple[str, ...], question: str) -> None:
    [found] = load(write_rows(tmp_path / "b.jsonl", row)).items
    assert (found.golds, found.question) == (golds, question)


def test_rows_without_a_gold_answer_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "b.jsonl", {"question": "a", "answer": "1"}, {"question": "b"}, {"answer": "1"}, 5)
    assert (len(load(path).items), load(path).unusable) == (1, 3)


def test_items_of_one_id_stay_apart(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "b.jsonl", *[{"id": "x", "question": "a", "answer": "1"}] * 2)
    assert [item.item_id for item in load(path).items] == ["x", "x#2"]


def test_a_smaller_limit_is_part_of_a_larger_one(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "b.jsonl", *[{"id": f"{i}", "question": "a", "answer": "1"} for i in range(50)])
    small, large = ({item.item_id for item in load(path, limit=n).items} for n in (5, 20))
    assert len(small) == 5
    assert small < large
    assert small != {item.item_id for item in load(path, limit=5, seed=1).items}


def test_mistakes_are_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="there is no benchmark 'gsm9k'; there are gsm8k, "):
        load("gsm9k")
    with pytest.raises(ConfigError, match=r"gsm8k: there is no gsm8k_test.jsonl.zst .*HF_HUB_OFFLINE is set"):
        load("gsm8k", str(tmp_path))
    with pytest.raises(ConfigError, match="there is no file"):
        load(str(tmp_path / "none.jsonl"))
    (tmp_path / "broken.jsonl").write_text('{"question": ')
    with pytest.raises(DataError, match="cannot be read"):
        load(str(tmp_path / "broken.jsonl"))
    with pytest.raises(DataError, match="no problem with a question and a gold answer"):
        load(write_rows(tmp_path / "empty.jsonl", {"text": "a"}))


def test_the_raw_zero_shot_prompt() -> None:
    found = build_request(item("How much is 2 + 3?"), "k", 0, "raw", 64)
    assert found == Request(
        "k",
        prompt='Solve the following problem step by step. End with "The answer is" and the number.\n\n'
        "Question: How much is 2 + 3?\nSolution:",
        max_tokens=64,
        stop=("\nQuestion:", "\nProblem:"),
        purpose="evaluation",
    )


def test_the_raw_few_shot_prompt_in_chinese() -> None:
    found = build_request(item("2加3等于几？", language="zh"), "k", 1, "raw", 64)
    assert found.prompt == (
        "请一步一步解答下面的题目，最后写“答案是”和结果的数值。\n\n"
        "问题：果园里有4行苹果树，每行15棵，又种了8棵梨树。果园里一共有多少棵树？\n"
        "解答：苹果树有4×15=60棵。加上8棵梨树，一共有60+8=68棵。答案是68。\n\n"
        "问题：2加3等于几？\n解答："
    )
    assert found.stop == ("\n问题：", "\n题目：")


def test_the_chat_few_shot_prompt() -> None:
    found = build_request(item("Find $x$.", kind="math"), "k", 1, "chat", 64)
    task = "Solve the following problem step by step. Put the final answer in \\boxed{}."
    assert found.messages == (
        {"role": "user", "content": f"{task}\n\nFind the sum of all solutions of $x^2-7x+10=0$."},
        {
            "role": "assistant",
            "content": "The polynomial factors as $(x-2)(x-5)$, so the solutions are $2$ and $5$. "
            "Their sum is $2+5=7$. The final answer is $\\boxed{7}$.",
        },
        {"role": "user", "content": f"{task}\n\nFind $x$."},
    )
    assert found.stop == ()


def test_the_raw_prompt_for_a_program_ends_where_the_block_begins() -> None:
    found = build_request(item("1+1?", kind="choice"), "k", 1, "raw", 64, programs=True)
    assert found.prompt is not None
    assert found.prompt.endswith(
        "Solution:\n```python\nrolls = 6 * 12\nanswer = rolls - 47\n```\n\nQuestion: 1+1?\nSolution:"
    )


def test_there_are_four_examples_of_every_kind() -> None:
    assert most_shots() == 4


def test_a_chat_template_in_the_files_makes_a_chat(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF....\x17\0\0\0\0\0\0\0tokenizer.chat_template....")
    (tmp_path / "b.gguf").write_bytes(b"GGUF....tokenizer.ggml.model....")
    assert local_style(tmp_path / "a.gguf") == "chat"
    assert local_style(tmp_path / "b.gguf") == "raw"
    with pytest.raises(ConfigError, match="there is no model"):
        local_style(tmp_path / "none")
