import json
import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.stage import CONTAMINATION_PORT, DROPPED_PORT, OUT, StageContext
from mathmill.curation.benchmarks import benchmark_files, read_benchmark
from mathmill.curation.decontaminate import Decontaminate, DecontaminateConfig, Decontaminator, Hit
from mathmill.curation.ngram_index import EMBEDDED, MIN_WORDS, NONE, TEMPLATE, build_index, scan
from mathmill.curation.token_kinds import NUMBER, SIGN, WORD, Tokens, classify_tokens

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

DUCKS = (
    "Janet's ducks lay 16 eggs per day. She eats three for breakfast every morning and bakes muffins for her friends "
    "every day with 4. She sells the remainder at the farmers' market daily for $2 per fresh duck egg. How much in "
    "dollars does she make every day at the farmers' market?"
)
QUADRATIC = r"Let $f(x)=\frac{x^2-5x+6}{x-3}$ for $x\neq 3$. Find all real numbers $a\leq 10$ such that $f(a)=\frac12$."
SINE = r"Compute $\sin 60^\circ + \cos 45^\circ$."
CHINESE = "小明有3个苹果，他的妈妈又给他买了12个苹果，他把其中的一半送给了妹妹。请问小明现在还有多少个苹果？"
TINY = "1+1=?"
ITEMS = [DUCKS, QUADRATIC, SINE, CHINESE, TINY]
CHECK = Decontaminator(ITEMS)


def hit(text: str) -> tuple[int, str] | None:
    (found,) = CHECK.check([text])
    return None if found is None else (found.item, found.kind)


@pytest.mark.parametrize("item", range(len(ITEMS)))
def test_an_item_itself_is_exact(item: int) -> None:
    assert CHECK.check([ITEMS[item]]) == [Hit(item, "exact", 1.0)]


@pytest.mark.parametrize(("item", "kind"), [(0, "embedded"), (1, "embedded"), (2, "short"), (3, "embedded")])
def test_an_item_in_a_paragraph_is_found(item: int, kind: str) -> None:
    text = f"Here is what we did in class today. {ITEMS[item]} Then the bell rang, and 25 of us went home.\n" * 2
    assert hit("Nothing to see here.\n" * 200 + text) == (item, kind)


def test_spacing_and_case_do_not_hide_an_item() -> None:
    assert hit("Solve this: " + DUCKS.upper().replace(" ", "\n  ")) == (0, "embedded")
    assert hit("解答：" + CHINESE.replace("，", " ， ").replace("3", " 3 ")) == (3, "embedded")


def test_another_notation_does_not_hide_a_formula() -> None:
    other = "Let f(x) = (x² − 5x + 6)/(x − 3) for x ≠ 3. Find all real numbers a ≤ 10 such that \\(f(a) = 1/2\\)."
    assert hit(other) == (1, "exact")
    assert hit("compute sin 60° + cos 45° and explain") == (2, "short")


def test_the_same_template_with_other_numbers_is_told_apart() -> None:
    assert hit(DUCKS.replace("16", "23").replace("$2", "$5")) == (0, "template")
    assert hit("今天的题目。" + CHINESE.replace("12", "18")) == (3, "template")
    assert hit(SINE.replace("60", "30")) is None  # too short to say


@pytest.mark.parametrize(
    "text",
    [
        "Find the value of x.",
        "How much does she make every day at the farmers' market?",
        r"$\sin^2 x + \cos^2 x = 1$ and $\sin 60^\circ = \frac{\sqrt 3}{2}$, $\cos 45^\circ = \frac{\sqrt 2}{2}$.",
        "$(a+b)^2 = a^2 + 2ab + b^2$, so $x^2-5x+6=(x-2)(x-3)$ and 1+1=2.",
        "Let f(x) be a function for x ≠ 3. Find all real numbers a such that f(a) = 0.",
        "小明有3个苹果，小红有12个苹果，请问他们一共有多少个苹果？",
        "",
    ],
)
def test_innocent_look_alikes_pass(text: str) -> None:
    assert hit(text) is None


def test_an_item_with_an_edited_clause_is_found_at_a_lower_coverage() -> None:
    assert hit("Read this. " + DUCKS.replace("muffins", "cookies")) == (0, "embedded")
    edited = "Read this. " + DUCKS.replace("She eats three for breakfast every morning", "Her dog gets some of them")
    assert hit(edited) is None
    (found,) = Decontaminator(ITEMS, coverage=0.6).check([edited])
    assert found is not None
    assert found.kind == "embedded"
    assert 0.6 <= found.score < 0.9


def test_the_halves_of_an_item_far_apart_are_no_hit() -> None:
    words = DUCKS.split()
    halves = [" ".join(words[:25]), " ".join(words[25:])]
    filler = "Something quite different was said in between, about gardens and weather. " * 10
    assert hit(f"{halves[0]} {filler} {halves[1]}") is None


def test_a_stock_phrase_of_many_items_is_no_evidence() -> None:
    stock = (
        " Give your answer as a common fraction in lowest terms with a positive denominator and nothing else please."
    )
    names = ["".join(random.Random(i).choices("abcdefghijklmnop", k=7)) for i in range(400)]
    items = [" ".join(names[i * 8 : i * 8 + 8]) + stock for i in range(40)]
    check = Decontaminator(items)
    assert check.check(["Some other question altogether." + stock]) == [None]
    found = check.check([items[5] + " Good luck."])[0]
    assert found is not None
    assert (found.item, found.kind) == (5, "embedded")


def test_of_equal_items_the_first_is_named_and_no_items_hit_nothing() -> None:
    assert Decontaminator(["Find x.", DUCKS, DUCKS]).check(["So. " + DUCKS])[0] == Hit(1, "embedded", 1.0)
    assert Decontaminator([]).check([DUCKS, ""]) == [None, None]
    assert Decontaminator(["", " "]).check(["", DUCKS]) == [None, None]
    assert CHECK.check([]) == []


@pytest.mark.parametrize("leak", ["3. （5 分）", "（12）", ""])
def test_an_exams_heading_is_no_part_of_an_item(leak: str) -> None:
    check = Decontaminator(["17. (12 分) 已知函数 $f(x)=\\ln x-a x$, 讨论函数 $f(x)$ 的单调性, 并求 $f(x)$ 的最大值."])
    (found,) = check.check(["例题 " + leak + "已知函数 f(x)=lnx-ax，讨论函数f(x)的单调性，并求f(x)的最大值。"])
    assert found is not None
    assert found.kind == "embedded"


def test_options_in_another_order_do_not_hide_an_item() -> None:
    item = "The sum of the first 20 terms of $a_n = 3n + 2$ equals\nA. 650\nB. 670\nC. 690\nD. 710"
    check = Decontaminator([item])
    (found,) = check.check(["Here: the sum of the first 20 terms of a_n = 3n+2 equals (A) 710 (B) 650 (C) 670 (D) 690"])
    assert found is not None
    assert found.kind == "embedded"
    assert check.check(["Here is the sum of the first terms. Which equals A. 650 B. 670 C. 690 D. 710?"]) == [None]


def test_one_text_in_place_of_a_list_is_refused_and_none_is_empty() -> None:
    with pytest.raises(TypeError, match="give a list of texts"):
        CHECK.check(DUCKS)
    with pytest.raises(TypeError, match="give a list of texts"):
        Decontaminator(DUCKS)
    assert CHECK.check([None, DUCKS]) == [None, Hit(0, "exact", 1.0)]


# The pieces.


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("x^2-5x", [WORD, SIGN, NUMBER, SIGN, NUMBER, WORD]),
        ("x² ½", [WORD, SIGN, NUMBER, NUMBER, SIGN, NUMBER]),
        (r"\frac12 \leq \alpha", [NUMBER, SIGN, NUMBER, SIGN, WORD]),
        ("1,000 and .5", [NUMBER, WORD, NUMBER]),
        ("有３个", [WORD, NUMBER, WORD]),
        (r"\sin\theta", [WORD, WORD]),
    ],
)
def test_kinds_of_tokens(text: str, kinds: list[int]) -> None:
    tokens = classify_tokens(["before", text, "after"])
    assert tokens.kinds[1:-1].tolist() == kinds
    assert tokens.offsets.tolist() == [0, 1, 1 + len(kinds), 2 + len(kinds)]


def as_tokens(texts: list[list[int]]) -> Tokens:
    """Numbers below 4 stand for numbers, others for words."""
    flat = np.array([token for text in texts for token in text], np.uint64)
    kinds = np.where(flat < 4, NUMBER, WORD).astype(np.uint8)
    return Tokens(flat * np.uint64(0x9E3779B97F4A7C15), kinds, np.cumsum([0, *map(len, texts)]))


def reference_finding(item: list[int], text: list[int], n: int, coverage: float) -> tuple[int, float]:
    """What one item makes of one text, gram by gram."""

    def grams(tokens: list[int]) -> list[tuple[int, ...]]:
        return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]

    def key(gram: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(0 if t < 4 else t for t in gram) if sum(t >= 4 for t in gram) >= MIN_WORDS else gram

    best, last, matched, equal = (NONE, 0.0), None, set(), set()
    for place, gram in [*enumerate(grams(text)), (10**9, None)]:
        fits = [i for i, own in enumerate(grams(item)) if gram is not None and key(own) == key(gram)]
        if last is not None and (fits or gram is None) and place - last > 3 * n:
            covered = len({token for start in matched for token in range(start, start + n)}) / len(item)
            if covered >= (1.0 if len(item) < 2 * n else coverage):
                best = max(best, (EMBEDDED if equal == matched else TEMPLATE, covered))
            matched, equal = set(), set()
        if fits:
            last = place
            matched |= set(fits)
            equal |= {i for i in fits if grams(item)[i] == gram}
    return best


@given(st.integers(0, 10_000))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_the_scan_equals_the_slow_reference(seed: int) -> None:
    rng = random.Random(seed)
    item = [rng.randrange(9) for _ in range(rng.randint(3, 12))]
    texts = []
    for _ in range(5):
        pieces = [item[: rng.randint(1, len(item))], item[rng.randrange(len(item)) :], item]
        texts.append([])
        for _ in range(rng.randint(0, 4)):
            texts[-1] += rng.choice(pieces) + [rng.randrange(9) for _ in range(rng.randint(0, 14))]
    index = build_index(as_tokens([item]), np.zeros(1, np.bool_), n=3, coverage=0.6)
    tokens = as_tokens(texts)
    found = scan(tokens.hashes, tokens.kinds, tokens.offsets, index)
    expected = [reference_finding(item, text, 3, 0.6) for text in texts]
    assert found.kinds.tolist() == [kind for kind, _ in expected]
    assert found.scores.tolist() == pytest.approx([score for _, score in expected])


# The stage and its files.


def run(
    config: DecontaminateConfig, rows: dict[str, list[str | None]], folder: Path
) -> dict[str, list[dict[str, object]]]:
    schema = pa.schema([(name, pa.string() if name.endswith("id") else pa.large_string()) for name in rows])
    stage = Decontaminate(config)
    stage.output_schemas(schema)
    stage.open(StageContext(scratch=folder))
    outputs: dict[str, list[dict[str, object]]] = {OUT: [], DROPPED_PORT: [], CONTAMINATION_PORT: []}
    for port, batch in stage.process(iter(pa.table(rows, schema=schema).to_batches())):
        outputs[port] += batch.to_pylist()
    stage.close()
    return outputs


@pytest.fixture
def benchmark(tmp_path: Path) -> str:
    path = tmp_path / "ducks.jsonl.zst"
    lines = [{"id": "d-1", "question": DUCKS, "solution": "She makes 9 * 2 = 18."}, {"question": CHINESE}]
    path.write_bytes(zstandard.compress("\n".join(map(json.dumps, lines)).encode()))
    return str(path)


def test_dropped_documents_name_the_file_and_the_item(benchmark: str, tmp_path: Path) -> None:
    config = DecontaminateConfig(benchmarks=[benchmark])
    assert config.file_paths() == [benchmark]
    rows = {"doc_id": ["a", "b", "c"], "text": ["Look: " + DUCKS, "Fine.", DUCKS.replace("16", "20")]}
    outputs = run(config, rows, tmp_path)
    assert [row["doc_id"] for row in outputs[OUT]] == ["b", "c"]
    assert outputs[DROPPED_PORT] == [
        {
            "id": "a",
            "stage": "decontaminate",
            "reason": "contaminated",
            "score": 1.0,
            "detail": "ducks.jsonl.zst:d-1",
        }
    ]


def test_every_hit_is_reported_whether_the_row_stays_or_goes(benchmark: str, tmp_path: Path) -> None:
    rows = {"doc_id": ["a", "b", "c"], "text": ["Look: " + DUCKS, "Fine.", DUCKS.replace("16", "20")]}
    report = run(DecontaminateConfig(benchmarks=[benchmark]), rows, tmp_path)[CONTAMINATION_PORT]
    common = {"column": "text", "file": "ducks.jsonl.zst", "item": "d-1", "score": 1.0, "item_text": DUCKS}
    assert report == [
        {"id": "a", "kind": "embedded", "dropped": True, **common},
        {"id": "c", "kind": "template", "dropped": False, **common},
    ]


def test_a_folder_stands_for_its_files_and_a_json_array_for_its_objects(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "b.json").write_text(json.dumps([{"question": DUCKS}]), encoding="utf-8")
    (folder / "a.txt").write_text(SINE, encoding="utf-8")
    (folder / "README.md").write_text("no benchmark", encoding="utf-8")
    files = benchmark_files([str(folder)])
    assert files == [str(folder / "a.txt"), str(folder / "b.json")]
    assert [item for file in files for item in read_benchmark(file, ["question"])] == [
        ("a.txt", "1", SINE),
        ("b.json", "1", DUCKS),
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="has no file that ends in"):
        benchmark_files([str(tmp_path / "empty")])


def test_templates_go_if_the_recipe_says_so(benchmark: str, tmp_path: Path) -> None:
    config = DecontaminateConfig(benchmarks=[benchmark], drop_templates=True)
    rows = {"problem_id": ["a", "b"], "question": [DUCKS.replace("16", "20"), "Why?"], "solution": [None, CHINESE]}
    dropped = run(config, rows, tmp_path)[DROPPED_PORT]
    assert [(row["reason"], row["detail"]) for row in dropped] == [
        ("contaminated_template", "ducks.jsonl.zst:d-1"),
        ("contaminated", "ducks.jsonl.zst:2"),
    ]


def test_parquet_and_text_benchmarks_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [7], "question": [DUCKS], "n": [1]}), tmp_path / "b.parquet")
    (tmp_path / "b.txt").write_text(f"{DUCKS}\n\n{SINE}\n", encoding="utf-8")
    assert read_benchmark(str(tmp_path / "b.parquet"), ["question"]) == [("b.parquet", "7", DUCKS)]
    assert read_benchmark(str(tmp_path / "b.txt"), ["question"]) == [("b.txt", "1", DUCKS), ("b.txt", "3", SINE)]


def test_solutions_are_protected_on_request(benchmark: str) -> None:
    items = read_benchmark(benchmark, ["question", "solution"])
    assert [item.text for item in items] == [DUCKS, "She makes 9 * 2 = 18.", CHINESE]


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("absent.jsonl", None, ConfigError, "absent.jsonl does not exist"),
        ("b.csv", b"x", ConfigError, "b.csv is none of"),
        ("b.jsonl", b'{"prompt": "x"}', ConfigError, "b.jsonl has no `question`"),
        ("b.jsonl", b'{"question": "x"}\n{', DataError, "b.jsonl is not JSON at line 2"),
        ("b.jsonl", b"[1]", DataError, "no JSON object at line 1"),
        ("b.txt", b"\xff\xfe\x00", DataError, "b.txt is not UTF-8"),
        ("b.jsonl.zst", b"nothing compressed", DataError, "b.jsonl.zst is not valid Zstandard"),
        ("b.json", b'{"question": "x"}', DataError, "b.json is no JSON array"),
        ("b.json", b"[", DataError, "b.json is not JSON"),
        ("b.parquet", b"no parquet at all", DataError, "b.parquet is not Parquet"),
    ],
)
def test_a_bad_benchmark_file_is_one_clear_sentence(
    name: str, content: bytes | None, error: type[Exception], message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=re.escape(message)):
        read_benchmark(str(tmp_path / name), ["question"])


def test_a_stream_without_texts_is_refused(benchmark: str) -> None:
    with pytest.raises(ConfigError, match="documents"):
        Decontaminate(DecontaminateConfig(benchmarks=[benchmark])).output_schemas(pa.schema([("id", pa.string())]))


# Quality, on the real benchmarks.


@pytest.fixture(scope="module")
def protected() -> tuple[list[str], Decontaminator]:
    files = sorted((SHARED / "benchmarks").glob("*.jsonl.zst"))
    if not files:
        pytest.skip("the shared benchmarks are not here")
    texts = [item.text for file in files for item in read_benchmark(str(file), ["question"])]
    return texts, Decontaminator(texts)


def respaced(text: str) -> str:
    return re.sub(r"(?<=[\w)}])(-(?=\d)|[+=<>])", r" \1 ", text).replace(". ", ".\n\n").replace(" ", "  ")


def renotated(text: str) -> str:
    text = re.sub(r"\\d?frac\{(\w+)\}\{(\w+)\}", r"{\1 \\over \2}", text)
    text = re.sub(r"\^(\d)(?!\w)", lambda power: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(power[1])], text)
    for command, sign in {"leq": "≤", "geq": "≥", "le": "≤", "times": "×", "cdot": "·", "pi": "π", "neq": "≠"}.items():
        text = re.sub(rf"\\{command}(?![a-z])", sign, text)
    return text


def leaks(hits: list[Hit | None]) -> float:
    return sum(found is not None and found.kind != "template" for found in hits) / len(hits)


def test_planted_leaks_of_every_sort_are_found(
    protected: tuple[list[str], Decontaminator], capsys: pytest.CaptureFixture[str]
) -> None:
    texts, check = protected
    sample = random.Random(1).sample(texts, 1000)
    paragraph = "First we talked about homework. {} Write down every step, and compare with your neighbour."
    planted = {
        "exact": sample,
        "embedded": [paragraph.replace("{}", text) for text in sample],
        "re-spaced": [respaced(text) for text in sample],
        "re-cased": [text.upper() if "\\" not in text else text.capitalize() for text in sample],
        "re-notated": [renotated(text) for text in sample],
        "re-delimited": [re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text) for text in sample],
    }
    found = {sort: leaks(check.check(leaked)) for sort, leaked in planted.items()}
    with capsys.disabled():
        print("\nplanted leaks found:", ", ".join(f"{sort} {share:.4f}" for sort, share in found.items()))
    assert min(found.values()) >= 0.99


def test_formulas_phrases_and_definitions_that_everybody_writes_are_no_hits(
    protected: tuple[list[str], Decontaminator],
) -> None:
    _, check = protected
    innocent = [
        r"$\sin^2 x + \cos^2 x = 1$ and $\sin 2x = 2\sin x\cos x$, $\tan x = \frac{\sin x}{\cos x}$.",
        r"$(a+b)^n = \sum_{k=0}^n \binom{n}{k} a^{n-k} b^k$, so $(a+b)^2 = a^2 + 2ab + b^2$.",
        r"$x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}$ are the roots of $ax^2+bx+c=0$ if $a \neq 0$.",
        r"$a^3+b^3=(a+b)(a^2-ab+b^2)$, $1+2+\cdots+n=\frac{n(n+1)}{2}$, $e^{i\pi}+1=0$.",
        "Express your answer as a common fraction in simplest form. Round to the nearest hundredth.",
        "How many different ways are there? What is the value of x? Find the sum of all possible values of n.",
        "Which of the following is equal to the expression above? (A) 1 (B) 2 (C) 3 (D) 4 (E) 5",
        "A prime number is a positive integer greater than 1 that has no positive divisors other than 1 and itself.",
        "In a right triangle with legs a and b and hypotenuse c, a^2 + b^2 = c^2. Let ABC be a triangle.",
        "下列说法正确的是（ ）A. ①② B. ②③ C. ①③ D. ①②③",
        "已知函数f(x)的定义域为R，求f(x)的最大值和最小值。若a>b，则下列不等式一定成立的是",
        "解：设等差数列的首项为a₁，公差为d，则aₙ=a₁+(n-1)d，前n项和Sₙ=na₁+n(n-1)d/2。",
        "椭圆的标准方程为x²/a²+y²/b²=1 (a>b>0)，离心率e=c/a。两角和公式：sin(α+β)=sinαcosβ+cosαsinβ。",
        "| x | 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|\n| y | 2 | 4 | 6 | 8 | 10 |",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
    ]
    assert check.check(innocent) == [None] * len(innocent)


@pytest.mark.full
def test_other_texts_and_problems_are_hardly_ever_hit(
    protected: tuple[list[str], Decontaminator], capsys: pytest.CaptureFixture[str]
) -> None:
    _, check = protected
    overlaps = map(json.loads, (SHARED / "benchmarks" / "exact_overlaps.jsonl").open())
    known = {row["problem_id"] for row in overlaps if "problem_id" in row}
    innocent = problems = 0
    for file in sorted((SHARED / "problems").glob("*.jsonl.zst")):
        with zstandard.open(file, "rt", encoding="utf-8") as lines:
            rows = [row for row in map(json.loads, lines) if row["id"] not in known]
        innocent += round(leaks(check.check([row["question"] for row in rows])) * len(rows))
        problems += len(rows)
    with zstandard.open(SHARED / "text" / "math.jsonl.zst", "rt", encoding="utf-8") as lines:
        pages = [json.loads(line)["text"] for line in lines]
    with capsys.disabled():
        print(f"\nhit: {innocent} of {problems} problems of other sets, {leaks(check.check(pages)):.4f} of math pages")
    assert innocent <= 0.001 * problems  # of 36 read one by one, 20 are the item itself, 16 its last question changed
    assert leaks(check.check(pages)) <= 0.001
