r"""Problem extraction, final answers, reasoning steps and completeness against known ones.

    python benchmarks/quality_problems.py [DATA]

OpenStax: every exercise of 60 pages is known from the book's source. A pair, a question with its solution, is right
where both are equal in letters, digits and relation signs, or nearly (9 in 10 in order: the page and the book's source
spell formulas differently, `\bar{3}` and `\stackrel{\_}{3}`); the question may have its group's instruction before
it. Known pairs of which a part is only a picture cannot be found in text and are counted apart. "strictly" asks for
equal canonical spellings and counts pictures as misses: a lower bound. Sites: pages whose label says that regular
expressions found marks of problems or solutions, and what extraction found. Answers are compared as values; "marked" is
a solution as published, "unmarked" one whose `####` line or `\boxed` was taken out.
"""

import difflib
import re
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from shared_pages import arguments, pages, print_table, read_rows, share

from mathmill.core.answers import is_equivalent
from mathmill.core.mathnorm import normalise_formula
from mathmill.core.mathtext import find_formulas
from mathmill.curation.problems import Problem, from_html, from_text, segment_steps
from mathmill.curation.problems.completeness import COMPLAINTS, complaints


def main() -> None:
    """Print the tables."""
    data = arguments(__doc__).data
    by_page = defaultdict(list)
    for row in read_rows(data / "web" / "openstax_gold_qa.jsonl.zst"):
        by_page[row["record_id"]].append(row)
    sites: dict[str, Counter[str]] = defaultdict(Counter)
    tally: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for page in pages(data, "math_pages", "nonmath_pages"):
        problems = from_html(page.html, page.label["url"])
        solved = [problem for problem in problems if problem.solution is not None]
        count_site(sites[page.site], page.label, problems, solved)
        whole.update(word for p in solved for word in complaints(p.question, p.solution, p.answer))
        whole["solved"] += len(solved)
        if page.label["record_id"] in by_page:
            compare(tally, by_page[page.label["record_id"]], solved)
    pictures = f"{tally['pictures']:,} known with a picture as a part"
    print(f"OpenStax: {tally['found']:,} pairs found, {tally['known']:,} known in text, {pictures}")
    print(f"precision {share(tally['right'], tally['found'])}, recall {share(tally['right'], tally['known'])}")
    strict, known = tally["strict"], tally["known"] + tally["pictures"]
    print(f"strictly: precision {share(strict, tally['found'])}, recall {share(strict, known)}")
    rows = [(site, *(count[column] for column in SITE_COLUMNS)) for site, count in sites.items()]
    print_table("Pages with marks of problems, and with problems found", ("site", *SITE_COLUMNS), rows)
    rows = [("all pages", whole["solved"], *(share(whole[word], whole["solved"]) for word in COMPLAINTS))]
    for name, path in COLLECTIONS:
        count: Counter[str] = Counter()
        items = read_rows(data / path)
        for row in items:
            count.update(complaints(row["question"], row["solution"] or None, row["answer"] and str(row["answer"])))
        rows.append((name, len(items), *(share(count[word], len(items)) for word in COMPLAINTS)))
    print_table("Complaints", ("collection", "problems", *COMPLAINTS), rows)

    rows = []
    for name, path, unmark in SETS:
        for marked in (True, False) if unmark else (True,):
            n = stated = correct = 0
            for row in read_rows(data / path):
                if not row["solution"]:
                    continue
                solution = row["solution"] if marked or not unmark else unmark(row["solution"])
                answer = answer_of(row["question"], solution)
                n += 1
                stated += answer is not None
                correct += answer is not None and is_equivalent(answer, row["answer"])
            rows.append((name, "marked" if marked else "unmarked", n, share(stated, n), share(correct, stated)))
    print_table("Final answers", ("set", "solutions", "number", "answered", "of these right"), rows)

    rows = []
    train = read_rows(data / "problems/gsm8k_train.jsonl.zst")
    for name, change in (("as published", str), ("joined to a paragraph", joined)):
        errors = [len(segment_steps(change(row["solution"]))) - row["n_steps"] for row in train]
        exact, near = sum(e == 0 for e in errors), sum(abs(e) <= 1 for e in errors)
        rows.append((name, len(train), share(exact, len(train)), share(near, len(train))))
    print_table("Steps of GSM8K's training solutions", ("solutions", "number", "exact", "within 1"), rows)


SITE_COLUMNS = (
    "pages", "problem marks", "of these found", "solution marks", "of these solved", "unmarked, solved",
    "problems", "pairs",
)  # fmt: skip
COLLECTIONS = (
    ("GSM8K train", "problems/gsm8k_train.jsonl.zst"),
    ("MATH train", "problems/math_train.jsonl.zst"),
    ("Ape210K valid (zh)", "problems/ape210k_valid.jsonl.zst"),
    ("CMATH dev (zh)", "problems/cmath_dev.jsonl.zst"),
    ("TAL-SCQ5K (zh)", "problems/tal_scq5k_cn_train.jsonl.zst"),
    ("TAL-SCQ5K (en)", "problems/tal_scq5k_en_train.jsonl.zst"),
    ("OlympiadBench", "benchmarks/olympiadbench_oe_maths_en.jsonl.zst"),
    ("GAOKAO-Bench (zh)", "benchmarks/gaokao_bench_math.jsonl.zst"),
)


def count_site(count: Counter[str], label: dict[str, Any], problems: list[Problem], solved: list[Problem]) -> None:
    """Count a page by what its label says and what was found."""
    marked, marked_solution = bool(label["has_problem"]), bool(label["has_solution"])
    count.update(pages=1, problems=len(problems), pairs=len(solved))
    count["problem marks"] += marked
    count["of these found"] += marked and bool(problems)
    count["solution marks"] += marked_solution
    count["of these solved"] += marked_solution and bool(solved)
    count["unmarked, solved"] += not marked_solution and bool(solved)


def compare(tally: Counter[str], gold: list[dict[str, Any]], solved: list[Problem]) -> None:
    """Match the pairs found on a page with the known ones, each at most once."""
    loose = [(signs(p.question), signs(p.solution or "")) for p in solved]
    strict = [(letters(p.question), letters(p.solution or "")) for p in solved]
    free, free_strict = set(range(len(solved))), set(range(len(solved)))
    tally["found"] += len(solved)
    for row in gold:
        if not row["solution"]:
            continue
        question, solution = signs(row["question"]), signs(row["solution"])
        tally["known" if question and solution else "pictures"] += 1
        if not (question and solution):
            continue
        hit = next((i for i in sorted(free) if loose[i][0].endswith(question) and loose[i][1] == solution), None)
        if hit is None:
            hit = next((i for i in sorted(free) if is_pair(loose[i], question, solution)), None)
        if hit is not None:
            free.remove(hit)
            tally["right"] += 1
        question, solution = letters(row["question"]), letters(row["solution"])
        hit = next((i for i in sorted(free_strict) if question in strict[i][0] and strict[i][1] == solution), None)
        if hit is not None and question:
            free_strict.remove(hit)
            tally["strict"] += 1


def is_pair(found: tuple[str, str], question: str, solution: str) -> bool:
    """Whether a pair is the known one, in another spelling."""
    asked = question in found[0] or is_nearly(found[0][-len(question) :], question)
    return asked and is_nearly(found[1], solution)


def is_nearly(a: str, b: str) -> bool:
    """Whether nine in ten signs of two texts agree, in order."""
    if a == b:
        return True
    if abs(len(a) - len(b)) > 0.1 * max(len(a), len(b)) + 3:
        return False
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    return matcher.quick_ratio() >= 0.9 and matcher.ratio() >= 0.9


def signs(text: str) -> str:
    """Letters, digits and relation signs outside of LaTeX commands."""
    return "".join(c for c in _COMMANDS.sub(" ", text).casefold() if c.isalnum() or c in "<>=")


_COMMANDS = re.compile(
    r"\[(?:image|link)\]|\\begin\{[a-z]+\*?\}(?:\{[rcl|]*\})?|\\end\{[a-z]+\*?\}|\\[a-zA-Z]+|^\d+\. ", re.MULTILINE
)


def answer_of(question: str, solution: str) -> str | None:
    """The answer that problem extraction gives to a labelled problem."""
    problems = from_text(f"Problem 1. {question}\n\nSolution. {solution}")
    return problems[0].answer if problems else None


def joined(solution: str) -> str:
    """GSM8K's lines as sentences of one paragraph."""
    return " ".join(line.rstrip(".") + "." for line in solution.rpartition("\n####")[0].splitlines())


def without_hashes(solution: str) -> str:
    """GSM8K's solution without its last line and its calculator marks."""
    return re.sub(r"<<[^>]*>>", "", solution.rpartition("####")[0]).rstrip()


def without_boxes(solution: str) -> str:
    r"""A solution with `\boxed{x}` replaced by x."""
    while (start := solution.rfind("\\boxed{")) >= 0:
        depth, end = 1, start + 7
        while depth and end < len(solution):
            depth += {"{": 1, "}": -1}.get(solution[end], 0)
            end += 1
        solution = solution[:start] + solution[start + 7 : end - 1] + solution[end:]
    return solution


SETS = (
    ("GSM8K train", "problems/gsm8k_train.jsonl.zst", without_hashes),
    ("GSM8K test", "benchmarks/gsm8k_test.jsonl.zst", without_hashes),
    ("MATH train", "problems/math_train.jsonl.zst", without_boxes),
    ("MATH test", "benchmarks/math_test.jsonl.zst", without_boxes),
    ("GAOKAO-Bench (zh)", "benchmarks/gaokao_bench_math.jsonl.zst", None),
    ("TAL-SCQ5K (zh)", "problems/tal_scq5k_cn_train.jsonl.zst", None),
)


def letters(text: str) -> str:
    """Letters, digits and operators in a canonical spelling of the formulas, without spaces and delimiters."""
    spans = find_formulas(text)
    bounds = [0, *(place for span in spans for place in (span.start, span.end)), len(text)]
    parts = [text[a:b] if i % 2 == 0 else normalise_formula(text[a:b]) for i, (a, b) in enumerate(pairwise(bounds))]
    return _NOISE.sub("", "".join(parts)).replace("stackrel", "overset").casefold()


_NOISE = re.compile(
    r"\[(?:image|link)\]|\\(?:begin|end|left|right)|hfill|array|matrix|cases|mathrm|text|[\s$.,:;*_\\|&{}()⎧⎨⎩ⓐⓑⓒⓓ]"
)


if __name__ == "__main__":
    main()
