"""The example crawl is what its script builds, and its truth is true."""

import html
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "jobs" / "demo"
SCRIPT = ROOT / "examples" / "build_crawl.py"
FILES = ("crawl.warc.gz", "truth.jsonl", "benchmark.jsonl", "README.md")

sys.path.insert(0, str(SCRIPT.parent))

import build_crawl  # noqa: E402
from crawl import assemble, exercises, leaks, templates, tex  # noqa: E402
from crawl.page import Formula, parse_inlines  # noqa: E402

assert exercises.MODULES  # registers the templates


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DEMO / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def truth() -> list[dict]:
    return rows("truth.jsonl")


@pytest.fixture(scope="module")
def members(truth: list[dict]) -> list[bytes]:
    """The records, decompressed; of the corrupt one as much as there is."""
    return decompressed((DEMO / "crawl.warc.gz").read_bytes(), [row["offset"] for row in truth])


def decompressed(data: bytes, offsets: list[int]) -> list[bytes]:
    ends = [*offsets[1:], len(data)]
    return [zlib.decompressobj(31).decompress(data[start:end]) for start, end in zip(offsets, ends, strict=True)]


def run(*arguments: str, hash_seed: str = "1") -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, str(SCRIPT), *arguments], check=True, env=environment, timeout=120)


def payload(member: bytes) -> bytes:
    return member.split(b"\r\n\r\n", 2)[2].removesuffix(b"\r\n\r\n")


def shingles(text: str, lang: str) -> set:
    units = re.sub(r"\s", "", text) if lang == "zh" else re.findall(r"\w+|[^\w\s]", text.lower())
    return {tuple(units[i : i + 5]) for i in range(len(units) - 4)}


def jaccard(a: set, b: set) -> float:
    return len(a & b) / len(a | b)


def test_the_committed_files_are_what_the_script_builds(tmp_path, truth, members):
    run("--out", str(tmp_path))
    same_zlib = f"zlib {zlib.ZLIB_RUNTIME_VERSION} " in (DEMO / "README.md").read_text(encoding="utf-8")
    if same_zlib:
        for name in FILES:
            assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes(), name
    built = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    remade = decompressed((tmp_path / "crawl.warc.gz").read_bytes(), [row["offset"] for row in built])
    sound = [i for i, row in enumerate(truth) if row["outcome"] != "quarantined"]
    assert [remade[i] for i in sound] == [members[i] for i in sound]
    assert [{**row, "offset": 0} for row in built] == [{**row, "offset": 0} for row in truth]


def test_the_files_stay_under_a_megabyte():
    assert sum((DEMO / name).stat().st_size for name in FILES) <= 1_000_000


def test_every_member_has_its_line_of_truth(truth, members):
    assert [row["record"] for row in truth] == list(range(len(members)))
    assert b"WARC-Type: warcinfo" in members[0]
    for row, member in zip(truth[1:], members[1:], strict=True):
        fields = dict(line.split(": ", 1) for line in member.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:])
        assert fields["WARC-Target-URI"] == row["url"]
        expected = row["family"] if row["outcome"] == "skipped" else "response"
        assert fields["WARC-Type"] == expected
        block = member.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n\r\n")
        if row["outcome"] != "quarantined":
            assert int(fields["Content-Length"]) == len(block)


def test_the_corrupt_member_is_cut_and_its_neighbours_are_whole(truth, members):
    (corrupt,) = [row["record"] for row in truth if row["outcome"] == "quarantined"]
    assert len(members) // 3 < corrupt < len(members) * 2 // 3
    assert not members[corrupt].endswith(b"\r\n\r\n")
    assert members[corrupt - 1].endswith(b"\r\n\r\n")
    assert members[corrupt + 1].startswith(b"WARC/1.0\r\n")


def test_both_languages_all_school_stages_and_all_lengths_of_solutions_occur(truth):
    kept = [row for row in truth if row["outcome"] == "kept"]
    languages = [row["lang"] for row in truth if row["lang"] in ("en", "zh")]
    assert 0.5 < languages.count("en") / len(languages) < 0.6
    problems = [problem for row in kept for problem in row["problems"]]
    for lang in ("en", "zh"):
        mine = [problem for problem in problems if problem["lang"] == lang]
        assert {problem["school_stage"] for problem in mine} == set(exercises.STAGES)
        assert {problem["n_steps"] for problem in mine} >= {1, 2, 3, 4, 5, 6}
    assert max(problem["n_steps"] for problem in problems) == 10
    questions = [problem["question"] for problem in problems]
    assert len(questions) == len(set(questions))


def test_problems_stand_in_the_body_of_their_page(truth):
    for row in truth:
        for problem in row["problems"]:
            for line in problem["question"].split("\n"):
                assert line in row["body"], row["url"]
            for step in filter(None, problem["solution"].split("\n")):
                assert step in row["body"], row["url"]
            assert problem["n_steps"] == len(problem["solution"].split("\n")) * bool(problem["solution"])


def test_formulas_stand_in_the_body_in_order(truth):
    for row in truth:
        at = 0
        for formula in row["formulas"]:
            fence = "$$" if formula["display"] else "$"
            at = row["body"].index(f"{fence}{formula['latex']}{fence}", at) + 1


def test_pages_whose_encoding_carries_latex_hold_every_formula(truth, members):
    carriers = (
        "tex_",
        "bbcode_",
        "mathjax2_",
        "katex",
        "mathml_annotation_",
        "mathml_alttext",
        "wikipedia",
        "latexml",
        "aops",
    )
    seen = set()
    for row, member in zip(truth, members, strict=True):
        if not (row["encoding"] or "").startswith(carriers) or row["family"] in ("charsets", "broken"):
            continue
        page = html.unescape(payload(member).decode())
        at = 0
        for formula in row["formulas"]:
            at = page.index(formula["latex"], at) + 1
        seen.add(row["encoding"])
    assert len(seen) >= 17


def test_copies_follow_their_originals_and_resemble_them(truth, members):
    place = {row["url"]: row["record"] for row in truth if row["outcome"] != "skipped"}
    copies = [row for row in truth if row["dup_of"]]
    assert {row["reason"] for row in copies} == {"duplicate_exact", "duplicate_near"}
    for row in copies:
        original = truth[place[row["dup_of"]]]
        assert original["record"] < row["record"]
        assert original["outcome"] == "kept"
        same = payload(members[row["record"]]) == payload(members[original["record"]])
        assert same == (row["reason"] == "duplicate_exact")


def test_pages_that_are_no_copies_differ(truth, members):
    """Word 5-grams (characters in Chinese) of the main text share less than half."""
    made, _ = assemble.pages(build_crawl.SEED, build_crawl.COUNTS)
    grams = {page.url: shingles(page.body, page.lang) for page in made}
    near = [page for page in made if page.reason == "duplicate_near"]
    assert len(near) >= 6
    assert min(jaccard(grams[page.url], grams[page.dup_of]) for page in near) >= 0.9
    originals = [page for page in made if not page.dup_of]
    for i, page in enumerate(originals):
        for other in originals[i + 1 :]:
            if page.lang == other.lang:
                assert jaccard(grams[page.url], grams[other.url]) < 0.5, (page.url, other.url)


def test_pages_without_math_hold_no_formula():
    made, _ = assemble.pages(build_crawl.SEED, build_crawl.COUNTS)
    plain = [page for page in made if not page.math]
    assert len(plain) > 100
    assert not any(page.formulas for page in plain)
    assert sum("$" in page.body for page in plain) >= 5  # prices and shell variables


def test_benchmark_problems_stand_only_on_the_pages_that_leak_them(truth):
    def letters(text: str) -> str:
        text = text.replace(r"\dfrac", r"\frac").replace(r"\leq", r"\le").replace(r"\ldots", r"\dots")
        text = re.sub(r"\\left|\\right", "", text)
        return re.sub(r"[\W_]", "", text).lower()

    bodies = [(row, letters(row["body"])) for row in truth if row["body"]]
    leaked = set()
    for item in rows("benchmark.jsonl"):
        question = letters(item["question"])
        for row, body in bodies:
            assert (question in body) == (row["contaminated_by"] == item["id"]), (row["url"], item["id"])
        leaked |= {item["id"]} & {row["contaminated_by"] for row in truth}
    assert len(leaked) == sum(row["reason"] == "contaminated" for row in truth) == 16


def test_leaks_come_in_other_spacing_case_and_notation():
    assert leaks.respaced(r"Solve $x+1=2$. Now.") == "Solve $x + 1 = 2$.\nNow."
    assert leaks.upper(r"Solve $x+a=2$ now") == r"SOLVE $x+a=2$ NOW"
    assert leaks.renotated(r"$\frac12\le\pi$, $\left(x\right)$") == r"$\dfrac12\leq\pi{}$, $(x)$"
    assert leaks.plain_digits(r"buy $12$ for $x$") == "buy 12 for $x$"
    assert leaks.halfwidth("求$x$，好。") == "求 $x$ ,好."


def test_broken_responses_are_as_the_truth_says(truth, members):
    by_end = {row["url"].rsplit("/", 1)[1]: members[row["record"]] for row in truth if row["site"] == "broken.example"}
    assert payload(by_end["empty"]) == b""
    assert payload(by_end["figure.png"]).startswith(b"\x89PNG\r\n")
    assert b"HTTP/1.1 404 Not Found" in by_end["gone"]
    assert b"Location: https://broken.example/new" in by_end["old"]
    cut = by_end["sheet-2"]
    assert int(re.findall(rb"Content-Length: (\d+)", cut)[1]) > len(payload(cut))
    charsets = {row["url"].rsplit("/", 1)[1]: members[row["record"]] for row in truth if row["family"] == "charsets"}
    assert "Möbius" in payload(charsets["utf8-called-latin1"]).decode("utf-8")
    assert b"charset=iso-8859-1" in charsets["utf8-called-latin1"]
    assert "角平分线定理" in payload(charsets["gbk-undeclared"]).decode("gbk")
    assert b"charset=" not in charsets["gbk-undeclared"]


@pytest.mark.parametrize("name", sorted(templates.TEMPLATES))
def test_templates_write_formulas_that_every_encoding_can_print(name):
    for seed in range(20):
        english, chinese = (templates.make(name, Random(seed), lang) for lang in ("en", "zh"))
        for problem in (english, chinese):
            for text in (problem.question, *problem.steps, problem.answer):
                for item in parse_inlines(text):
                    assert "$" not in item if isinstance(item, str) else tex.parse(item.latex)
                    assert not isinstance(item, Formula) or not re.search(r"\+-|--|\+\+", item.latex), item
        assert 1 <= len(english.steps) <= 10


def test_the_latex_of_the_crawl_is_checked():
    with pytest.raises(ValueError, match="outside the crawl's LaTeX"):
        tex.parse(r"\foo{x}")
    with pytest.raises(ValueError, match="ends too early"):
        tex.parse(r"\frac{1}")


def test_a_large_crawl_is_a_stream_of_distinct_pages_and_the_same_on_every_run(tmp_path):
    first, second = tmp_path / "a.warc.gz", tmp_path / "b.warc.gz"
    run("--scale", "60", "--out", str(first), hash_seed="1")
    run("--scale", "60", "--out", str(second), hash_seed="2")
    assert first.read_bytes() == second.read_bytes()
    data, records = first.read_bytes(), []
    while data:
        decompressor = zlib.decompressobj(31)
        records.append(decompressor.decompress(data))
        data = decompressor.unused_data
    assert len(records) == 61
    assert len({payload(record) for record in records[1:]}) == 60
