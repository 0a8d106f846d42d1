"""Chats from their files to shards, and back: a recipe with a source of the kind `conversations`."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from servers import Store

from mathmill.core.errors import ConfigError
from mathmill.core.ledger import Entry
from mathmill.core.schemas import record_id
from mathmill.core.storage import Folder
from mathmill.jobs.check import verify_run
from mathmill.jobs.console import funnel_lines, summary_json
from mathmill.jobs.engine import Unwatched
from mathmill.jobs.estimate import estimate
from mathmill.jobs.example import demo_recipe
from mathmill.jobs.export import export_shards
from mathmill.jobs.plan import Segment
from mathmill.jobs.recipe import Recipe, load_recipe, parse_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.shards import show_lines
from mathmill.jobs.trace import trace_record
from mathmill.tokenize.exports.rows import Selection

RECIPE = """\
name: sft
sources:
  - {name: chats, path: chats/*, kind: conversations, license: MIT}
  - {name: bulk, path: bulk, kind: conversations, lang: en}
  - {name: quiz, path: quiz.jsonl, kind: problems, lang: en}
conversations:
  - dedup
  - decontaminate: {benchmarks: [benchmark.jsonl]}
tokenize:
  tokenizer: tokenizer.json
  chat: {template: chatml}
shards:
  seq_len: 256
  groups: {zh: "conversations[lang=zh]", chats: "conversations[source=chats]", bulk: conversations, quiz: problems}
task_bytes: 65536
"""

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "What is $1+1$?"}
MESSAGES = [
    *(SYSTEM, USER, {"role": "assistant", "content": "It is \\boxed{2}."}),
    *({"role": "user", "content": "And 2+2?"}, {"role": "assistant", "content": "5", "weight": 0}),
    *({"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "No, 4.", "weight": 0.5}),
]
LEAK = "A snail climbs 5 feet up a well every day and slides back 3 feet every night. How deep is the well of 27 feet?"
LINES = [
    {"messages": MESSAGES},
    '{"messages": [',
    {"messages": [{"role": "system", "content": "Be kind."}, *MESSAGES[1:5], MESSAGES[5], MESSAGES[6]]},
    {"messages": [USER, {"role": "narrator", "content": "x"}, *MESSAGES[2:3]]},
    {"messages": [SYSTEM, {"role": "user", "content": f"Please help me. {LEAK}"}, *MESSAGES[2:3]]},
    {"messages": [USER, {"role": "assistant", "content": "Two.", "weight": -1}]},
]
CHINESE = [("human", "一加一等于几？"), ("gpt", "等于 $2$。")]
FOLDED = {"conversations": [{"from": role, "value": value} for role, value in CHINESE], "lang": "zh"}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversations")
    for name in ("chats", "bulk"):
        (folder / name).mkdir()
    (folder / "chats" / "a.jsonl").write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in LINES))
    (folder / "chats" / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps(FOLDED).encode(), mtime=0))
    for part in range(5):
        talks = [
            [
                {"role": "user", "content": f"What is {i} times {part + 7}? " + f"Count {i} apples with care. " * 8},
                {"role": "assistant", "content": f"{i * (part + 7)}"},
            ]
            for i in range(part * 100, part * 100 + 16)
        ]
        lines = "".join(json.dumps({"messages": talk}) + "\n" for talk in talks)
        (folder / "bulk" / f"{part}.jsonl").write_text(lines)
    (folder / "quiz.jsonl").write_text(json.dumps({"question": "3+3?", "solution": "6"}))
    (folder / "benchmark.jsonl").write_text(json.dumps({"question": LEAK}))
    (folder / "recipe.yaml").write_text(RECIPE)
    write_tokenizer(folder / "tokenizer.json")
    return folder


def write_tokenizer(path: Path) -> None:
    """The bundled tokenizer with the control tokens of ChatML."""
    tokenize = demo_recipe().tokenize
    assert tokenize is not None
    content = json.loads(Path(tokenize.tokenizer).read_text("utf-8"))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    for number, name in enumerate(("<|im_start|>", "<|im_end|>"), 8192):
        content["added_tokens"].append({"id": number, "content": name, **flags})
    path.write_text(json.dumps(content), "utf-8")


@pytest.fixture(scope="module")
def run(work: Path) -> Finished:
    return run_recipe(load_recipe(work / "recipe.yaml"), work / "out", workers=1)


def line_id(number: int) -> str:
    """The id of a line of a.jsonl."""
    begin = sum(len(x if isinstance(x, str) else json.dumps(x)) + 1 for x in LINES[:number])
    return record_id("chats", "a.jsonl", begin)


def rows_of(run: Finished, folder: str) -> list[dict[str, object]]:
    paths = sorted(Path(run.run.root, folder).glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_of_each_turn_only_what_the_assistant_says_is_learned(run: Finished) -> None:
    lines = show_lines(run.run.path("shards"), 0, "chats")
    assert lines[2].startswith(f"--- conversations {line_id(0)}: tokens 0..")
    assert lines[3] == "weight 1, source chats, license MIT, method source"
    assert lines[4] == (
        "[[<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nWhat is $1+1$?<|im_end|>\n"
        "<|im_start|>assistant\n]]It is \\boxed{2}.<|im_end|>[[\n"
        "<|im_start|>user\nAnd 2+2?<|im_end|>\n"
        "<|im_start|>assistant\n5<|im_end|>\n"
        "<|im_start|>user\nSure?<|im_end|>\n"
        "<|im_start|>assistant\n]]((x0.5 No, 4.<|im_end|>))[[\n]]"
    )


def test_sharegpt_and_chinese_become_the_same(run: Finished) -> None:
    lines = show_lines(run.run.path("shards"), 0, "zh")
    assert lines[3] == "weight 1, source chats, license MIT, lang zh, method source"
    assert lines[4] == (
        "[[<|im_start|>user\n一加一等于几？<|im_end|>\n<|im_start|>assistant\n]]等于 $2$。<|im_end|>[[\n]]"
    )


def test_what_goes_is_named_and_its_neighbours_stay(run: Finished) -> None:
    kept = {row["conversation_id"] for row in rows_of(run, "conversations")}
    assert len(kept) == 1 + 1 + 5 * 16
    assert {line_id(0), record_id("chats", "b.jsonl.gz", 0)} < kept
    dropped = {row["id"]: (row["stage"], row["reason"], row["detail"]) for row in rows_of(run, "dropped")}
    assert dropped == {
        line_id(2): ("dedup", "duplicate_exact", line_id(0)),
        line_id(3): ("read", "unknown_role", "narrator"),
        line_id(4): ("decontaminate", "contaminated", "benchmark.jsonl:1"),
    }
    hits = [(row["id"], row["column"], row["kind"]) for row in rows_of(run, "contamination")]
    assert hits == [(line_id(4), "messages", "embedded")]
    errors = {row["id"]: row["error"] for row in rows_of(run, "quarantine")}
    assert errors.keys() == {line_id(1), line_id(5)}
    assert errors[line_id(5)] == "the weight of message 2 of 'messages' is not a number from 0 on"


def test_the_funnel_the_card_and_the_report_count_them(run: Finished) -> None:
    lines = funnel_lines(run.summary)
    begin = next(i for i, line in enumerate(lines) if line.startswith("conversations "))
    assert [line.split() for line in lines[begin:]] == [
        ["conversations", "in", "out", "left", "out"],
        ["read", "84", "unknown_role", "1,", "quarantined", "2"],
        ["dedup", "84", "83", "duplicate_exact", "1"],
        ["decontaminate", "83", "82", "contaminated", "1"],
        [],
        ["tokens", "in", "out", "left", "out"],
        ["encode", "83", "83"],
    ]
    assert summary_json(run.summary)["conversations"] == 82
    card = run.run.read("README.md").decode()
    assert "\n0 documents, 1 problems and 82 conversations.\n" in card
    assert "| Conversations by lang | count |\n|---|---:|\n| en | 80 |\n| not stated | 1 |\n| zh | 1 |\n" in card
    assert "| read: unknown_role | 1 |" in card
    report = run.run.read("report.html").decode()
    assert "<b>82</b> conversations" in report
    assert "Conversations that were kept" in report
    assert "一加一等于几？" in report


def test_the_plan_counts_them_before_the_run(work: Path) -> None:
    found = {source.source: source for source in estimate(load_recipe(work / "recipe.yaml"), 2).sources}
    assert (found["bulk"].files, found["bulk"].sampled, found["bulk"].documents) == (5, 48, 0)
    assert found["bulk"].conversations == pytest.approx(80, rel=0.02)
    assert (found["chats"].conversations, found["chats"].problems) == (3, 0)
    assert (found["quiz"].conversations, found["quiz"].problems) == (0, 1)


def test_one_is_followed_from_its_file_to_its_row(run: Finished) -> None:
    found = trace_record(line_id(0), run.run.root)
    assert [name.partition("/")[0] for name, _ in found.places] == ["work", "conversations", "tokens", "shards"]
    assert found.places[0][1]["locator"] == {"file": "a.jsonl", "record": 0, "offset": 0}
    assert trace_record(line_id(3), run.run.root).places[0][1]["reason"] == "unknown_role"


def test_an_export_gives_the_conversations_back(run: Finished, tmp_path: Path) -> None:
    selection = Selection(None, ("zh", "chats"), 0, None, None)
    export_shards(run.run.path("shards"), str(tmp_path / "m"), "messages", selection, (), True)
    files = (tmp_path / "m").rglob("*.jsonl")
    found = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    chinese = [{"role": "user", "content": CHINESE[0][1]}, {"role": "assistant", "content": CHINESE[1][1]}]
    assert sorted((row["messages"] for row in found), key=len) == [chinese, MESSAGES]


class Stopping(Unwatched):
    """Stops a run when the first task of a segment has ended; notes how many tasks each segment has to do."""

    def __init__(self, at: str = "") -> None:
        self.at, self.todo = at, dict[str, int]()

    def begin(self, segment: Segment, todo: int) -> None:
        self.todo[segment.name] = todo

    def advance(self, segment: Segment, entry: Entry) -> None:
        if segment.name == self.at:
            raise KeyboardInterrupt


def test_a_stopped_run_goes_on_to_the_same_bytes(
    work: Path, run: Finished, answers: Callable[[Path], dict[str, str]], tmp_path: Path
) -> None:
    recipe = load_recipe(work / "recipe.yaml")
    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe, tmp_path, progress=Stopping("conversations"))
    rest = Stopping()
    run_recipe(recipe, tmp_path, progress=rest)
    assert (rest.todo["chats"], rest.todo["conversations-sketch"]) == (0, 0)
    assert 0 < rest.todo["conversations"] < 7
    assert answers(tmp_path) == answers(Path(run.run.root))
    assert verify_run(tmp_path).ok


@pytest.mark.slow
def test_four_workers_give_the_bytes_of_one(
    work: Path, run: Finished, answers: Callable[[Path], dict[str, str]], tmp_path: Path
) -> None:
    run_recipe(load_recipe(work / "recipe.yaml"), tmp_path, workers=4)
    assert answers(tmp_path) == answers(Path(run.run.root))


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_chats_on_s3_give_the_bytes_of_chats_on_a_disk(
    work: Path, run: Finished, answers: Callable[[Path], dict[str, str]], tmp_path: Path, s3: Store
) -> None:
    folder = Folder(s3.url("input"))
    for path in [*work.glob("chats/*"), *work.glob("bulk/*")]:
        folder.write(str(path.relative_to(work)), path.read_bytes())
    text = RECIPE.replace("path: chats/", f"path: {folder}/chats/").replace("path: bulk", f"path: {folder}/bulk")
    run_recipe(parse_recipe(text.encode(), work / "recipe.yaml"), tmp_path)
    found, local = answers(tmp_path), answers(Path(run.run.root))
    assert {name for name in local if found.get(name) != local[name]} == {"shards/manifest.json"}  # it names the recipe


def test_a_recipe_of_chats_alone_needs_no_list_of_stages(work: Path, tmp_path: Path) -> None:
    text = "sources:\n  - {name: chats, path: chats/*, kind: conversations}\nstages: [dedup]\nproblems: [dedup]\n"
    found = run_recipe(parse_recipe(text.encode(), work / "recipe.yaml"), tmp_path)
    assert len(rows_of(found, "conversations")) == 4
    assert found.summary.problems.num_rows == 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("  chat: {template: chatml}\n", "", "9 tokenize: conversations become texts by a chat template; add `chat: "),
        ('chats: "conversations[source=chats]", bulk: conversations, ', "", None),
        (
            'zh: "conversations[lang=zh]", chats: "conversations[source=chats]", bulk: conversations, ',
            "",
            "14 shards.groups: none of the groups takes conversations; add `chats: conversations`",
        ),
        ("  - dedup\n", "  - language\n", "7 conversations[0].language: language needs the column 'text', which"),
        ("  - dedup\n", "  - dedup\n  - dedup\n", "6 conversations: `dedup` may stand in it once"),
        ("  - dedup\n", "  - extract_problems\n", "6 conversations: `extract_problems` belongs at the head of `probl"),
        ("lang: en}\n  - {name: q", "format: warc}\n  - {name: q", "4 sources[1]: format warc does not give conver"),
    ],
)
def test_mistakes_name_their_line(work: Path, old: str, new: str, sentence: str | None) -> None:
    def parsed() -> Recipe:
        assert old in RECIPE
        return parse_recipe(RECIPE.replace(old, new).encode(), work / "recipe.yaml")

    if sentence is None:
        assert list(parsed().shards.groups) == ["zh", "quiz"]
        return
    with pytest.raises(ConfigError) as caught:
        parsed()
    assert str(caught.value).startswith(f"{work}/recipe.yaml:{sentence}")
