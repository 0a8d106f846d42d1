"""Exports of problems as text: messages and verl, from a run folder and from tokens."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from mathmill.core.errors import DataError
from mathmill.core.schemas import CONVERSATION, PROBLEM
from mathmill.core.storage import Folder
from mathmill.tokenize.export import export
from mathmill.tokenize.exports.problems import VERL
from mathmill.tokenize.exports.rows import Selection
from mathmill.tokenize.exports.texts import RunTexts, TokenTexts
from mathmill.tokenize.mixture import MixtureConfig, plan_mixture
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize.tokenizer import Tokenizer

PROBLEMS = [
    {"problem_id": "p0", "question": "What is $1+1$?", "solution": "It is two.", "answer": "2", "lang": "en"},
    {"problem_id": "p1", "question": "求 $x$。", "solution": "显然。\n\n答案：$x=3$", "answer": "3", "lang": "zh"},
    {"problem_id": "p2", "question": "Prove it.", "solution": "Trivial \u2028 \"quoted\"\tand\x00 done.", "lang": "en"},
    {"problem_id": "p3", "question": "How many?", "answer": "7", "lang": "zh", "difficulty": "hard"},
    {"problem_id": "p4", "question": "Left open?", "lang": "en"},
]  # fmt: skip


def problem_row(problem):
    row = {field.name: None for field in PROBLEM}
    row |= {name: [] for name in ("question_formulas", "solution_formulas", "steps")}
    row |= {"doc_id": "page", "source": "books", "n_steps": 1, "method": "extracted", "loss_weight": 1.0}
    return row | {"locator": {"file": "a", "record": 0, "offset": 0}} | problem


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """A tokenizer of bytes: what a text is in tokens is plain to see."""
    path = tmp_path_factory.mktemp("bytes") / "tokenizer.json"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    library = tokenizers.Tokenizer(models.BPE({char: i for i, char in enumerate(alphabet)}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens(["<|endoftext|>", "<|pad|>", "<|bos|>"])
    library.save(str(path))
    return Tokenizer.load(str(path))


def encoded(tokenizer, text, learned_from, **labels):
    tokens = [*tokenizer.encode_batch([text])[0].tolist(), tokenizer.eos_id]
    first = len(tokenizer.encode_batch([text[:learned_from]])[0])
    return {"tokens": tokens, "loss": [(first, len(tokens))], "corpus": "problems", **labels}


@pytest.fixture(scope="module")
def run(tmp_path_factory, encoded_table, write_folder, tokenizer):
    """A run folder: problems in two files, shards in another order, with a document and a cut problem between them."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "problems").mkdir()
    for number, part in enumerate((PROBLEMS[:2], PROBLEMS[2:])):
        table = pa.Table.from_pylist([problem_row(problem) for problem in part], schema=PROBLEM)
        pq.write_table(table, folder / "problems" / f"problems-{number}.parquet")
    labels = {problem["problem_id"]: {"lang": problem["lang"], "source": "books"} for problem in PROBLEMS}
    labels["p1"]["difficulty_p"] = float("nan")
    records = [
        encoded(tokenizer, "How many?\n\n答案：7", 11, record_id="p3", difficulty="hard", **labels["p3"]),
        {"tokens": [1, 2, 3], "record_id": "page"},
        encoded(tokenizer, "Prove it.\n\n" + "Trivial. " * 12, 11, record_id="p2", cuts=[(60, 0)], **labels["p2"]),
        encoded(tokenizer, "What is $1+1$?\n\nIt is two.", 16, record_id="p0", answer=(22, 25), **labels["p0"]),
        encoded(tokenizer, "求 $x$。\n\n显然。\n\n答案：$x=3$", 8, record_id="p1", **labels["p1"]),
        encoded(tokenizer, "Left open?", 9, record_id="p4", **labels["p4"]),
    ]
    table = encoded_table(records, tokenizer.vocab_size)
    write_folder(
        folder / "shards", {"all": [table]}, seq_len=64, vocab_size=tokenizer.vocab_size, pad_id=tokenizer.pad_id
    )
    return folder


@pytest.fixture
def from_run(run):
    return lambda scratch: RunTexts(Folder(run), scratch)


@pytest.fixture
def from_tokens(run, tokenizer):
    return lambda _: TokenTexts(tokenizer, str(run / "shards"))


def lines(out):
    text = (out / "data" / "train-00000-of-00001.jsonl").read_bytes().decode()
    return [json.loads(line, parse_constant=pytest.fail) for line in text.removesuffix("\n").split("\n")]


def begun_in_order(shards):
    return [segment.record_id for row in ShardReader(shards) for segment in row.segments if segment.part == 0]


def test_messages_are_the_texts_of_the_run_in_the_order_of_the_shards(run, from_run, tmp_path):
    result = export(run / "shards", tmp_path / "out", "messages", texts=from_run)
    found = {line["record_id"]: line for line in lines(tmp_path / "out")}
    assert [line["record_id"] for line in lines(tmp_path / "out")] == [
        name for name in begun_in_order(run / "shards") if name not in ("page", "p4")
    ]
    assert {name: [message["content"] for message in line["messages"]] for name, line in found.items()} == {
        "p0": ["What is $1+1$?", "It is two.\n\nAnswer: 2"],
        "p1": ["求 $x$。", "显然。\n\n答案：$x=3$"],  # which states its answer
        "p2": ["Prove it.", 'Trivial \u2028 "quoted"\tand\x00 done.'],
        "p3": ["How many?", "答案：7"],
    }
    assert {tuple(message["role"] for message in line["messages"]) for line in found.values()} == {
        ("user", "assistant")
    }
    assert (found["p3"]["difficulty"], found["p3"]["group"], found["p3"]["source"]) == ("hard", "all", "books")
    assert found["p1"]["difficulty_p"] is None  # NaN is no JSON
    assert (result["texts"], result["records_written"]) == ("run", 4)
    assert result["left_out"] == {"of the corpus documents": 1, "without a solution": 1}
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == [
        "data", "export.json", "train-00000-of-00001.jsonl"
    ]  # fmt: skip


def test_messages_are_decoded_where_there_is_no_run(run, from_tokens, tmp_path):
    result = export(run / "shards", tmp_path / "out", "messages", texts=from_tokens)
    found = {
        line["record_id"]: [message["content"] for message in line["messages"]] for line in lines(tmp_path / "out")
    }
    assert found == {
        "p0": ["What is $1+1$?", "It is two."],
        "p1": ["求 $x$。", "显然。\n\n答案：$x=3$"],
        "p3": ["How many?", "答案：7"],
        "p4": ["Left open", "?"],
    }
    assert result["texts"] == "tokens"
    assert result["left_out"] == {"cut into several rows": 1, "of the corpus documents": 1}


def test_problems_that_were_learned_whole_need_the_run(tmp_path, encoded_table, write_folder, tokenizer):
    table = encoded_table([encoded(tokenizer, "What? That.", 0, record_id="p0")], tokenizer.vocab_size)
    write_folder(tmp_path / "s", {"all": [table]}, seq_len=64, vocab_size=tokenizer.vocab_size)
    with pytest.raises(DataError, match="nothing says where the question of 'p0' ends: it was learned"):
        export(tmp_path / "s", tmp_path / "out", "messages", texts=lambda _: TokenTexts(tokenizer, "shards"))
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_shards_of_another_run_are_found_out(run, tmp_path, from_run, encoded_table, write_folder, tokenizer):
    table = encoded_table([encoded(tokenizer, "What? That.", 5, record_id="p9")], tokenizer.vocab_size)
    write_folder(tmp_path / "s", {"all": [table]}, seq_len=64, vocab_size=tokenizer.vocab_size)
    with pytest.raises(DataError, match="does not hold 'p9'; the shards are of another run"):
        export(tmp_path / "s", tmp_path / "out", "messages", texts=from_run)


def test_shards_of_documents_have_no_messages(tmp_path, from_run, encoded_table, write_folder):
    write_folder(tmp_path / "s", {"all": [encoded_table([{"tokens": [1, 2]}] * 3)]})
    with pytest.raises(DataError, match="nothing to export: of the records in these rows, 3 of the corpus documents"):
        export(tmp_path / "s", tmp_path / "out", "messages", texts=from_run)


def test_broken_problem_files_are_one_sentence(run, tmp_path):
    problems = tmp_path / "problems"
    problems.mkdir()
    broken = pa.table({name: ["a"] for name in ("problem_id", "question", "solution")})
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    pq.write_table(broken, tmp_path / "short.parquet")
    pq.write_table(broken.append_column("answer", bad), tmp_path / "bytes.parquet")
    contents = [b"no parquet", b"", *((tmp_path / f"{name}.parquet").read_bytes() for name in ("short", "bytes"))]
    for content in contents:
        (problems / "a.parquet").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.parquet: not the problems of a run"):
            export(run / "shards", tmp_path / "out", "messages", texts=lambda at: RunTexts(Folder(tmp_path), at))


def test_verl_gets_prompts_with_their_answers(run, from_run, tmp_path):
    result = export(run / "shards", tmp_path / "out", "verl", texts=from_run)
    path = tmp_path / "out" / "data" / "train-00000-of-00001.parquet"
    assert pq.read_schema(path).equals(VERL)
    rows = {row["extra_info"]["record_id"]: row for row in pq.read_table(path).to_pylist()}
    assert [row["extra_info"]["index"] for row in rows.values()] == [0, 1, 2]
    order = [name for name in begun_in_order(run / "shards") if name in ("p0", "p1", "p3")]
    assert list(rows) == order
    three = rows["p3"]
    assert {name: three[name] for name in ("data_source", "prompt", "ability", "reward_model")} == {
        "data_source": "books",
        "prompt": [{"role": "user", "content": "How many?"}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "7"},
    }
    labels = {name: three["extra_info"][name] for name in ("split", "answer", "difficulty", "lang", "school_stage")}
    assert labels == {"split": "train", "answer": "7", "difficulty": "hard", "lang": "zh", "school_stage": None}
    assert result["records_written"] == 3
    assert result["left_out"] == {"of the corpus documents": 1, "without an answer": 2}


def test_verl_takes_answers_from_tokens_where_there_is_no_run(run, from_tokens, tmp_path):
    result = export(run / "shards", tmp_path / "out", "verl", texts=from_tokens)
    rows = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert [(row["prompt"][0]["content"], row["reward_model"]["ground_truth"]) for row in rows] == [
        ("What is $1+1$?", "two")
    ]
    assert result["left_out"] == {"cut into several rows": 1, "of the corpus documents": 1, "without an answer": 3}


def test_a_problem_that_a_mixture_repeats_comes_each_time(run, from_run, tmp_path):
    sizes = {"all": ShardReader(run / "shards").row_tokens}
    mixture = plan_mixture(MixtureConfig.model_validate({"groups": {"all": 1}, "max_repetition": 2}), sizes)
    once = export(run / "shards", tmp_path / "once", "messages", texts=from_run)
    twice = export(run / "shards", tmp_path / "twice", "messages", Selection(mixture), texts=from_run)
    assert twice["records_written"] == 2 * once["records_written"]


def test_conversations_keep_their_turns(tmp_path, encoded_table, write_folder):
    turns = [
        {"role": "system", "content": "Be brief.", "weight": None},
        {"role": "user", "content": "1+1?", "weight": None},
        {"role": "assistant", "content": "3", "weight": 0.0},
        {"role": "user", "content": "Sure?", "weight": None},
        {"role": "assistant", "content": "No, the answer is 2.", "weight": 1.0},
    ]
    row = problem_row({"conversation_id": "c0", "messages": turns, "lang": "en"})
    table = pa.Table.from_pylist([{field.name: row[field.name] for field in CONVERSATION}], schema=CONVERSATION)
    (tmp_path / "conversations").mkdir()
    pq.write_table(table, tmp_path / "conversations" / "a.parquet")
    records = [{"tokens": [1, 2, 3], "corpus": "conversations", "record_id": "c0"}]
    write_folder(tmp_path / "shards", {"all": [encoded_table(records)]})
    for to in ("messages", "verl"):
        export(tmp_path / "shards", tmp_path / to, to, texts=lambda at: RunTexts(Folder(tmp_path), at))
    (line,) = lines(tmp_path / "messages")
    assert [message["content"] for message in line["messages"]] == [turn["content"] for turn in turns]
    assert line["messages"][2] == {"role": "assistant", "content": "3", "weight": 0.0}
    assert line["messages"][4] == {"role": "assistant", "content": "No, the answer is 2."}
    (row,) = pq.read_table(tmp_path / "verl" / "data").to_pylist()
    assert row["prompt"] == [{name: turn[name] for name in ("role", "content")} for turn in turns[:4]]
    assert row["reward_model"] == {"style": "rule", "ground_truth": "2"}


def test_datasets_reads_messages_and_verls_parquet(run, from_run, tmp_path):
    datasets = pytest.importorskip("datasets")
    cache = str(tmp_path / "cache")
    for to in ("messages", "verl"):
        export(run / "shards", tmp_path / to, to, texts=from_run)
    messages = datasets.load_dataset(str(tmp_path / "messages"), split="train", cache_dir=cache)
    assert messages["messages"][:] == [line["messages"] for line in lines(tmp_path / "messages")]
    files = str(tmp_path / "verl" / "data" / "train-00000-of-00001.parquet")
    verl = datasets.load_dataset("parquet", data_files=files, cache_dir=cache)["train"]  # as verl's RLHFDataset does
    assert [row["prompt"][0]["role"] for row in verl] == ["user"] * 3
    assert [row["extra_info"]["index"] for row in verl] == [0, 1, 2]
