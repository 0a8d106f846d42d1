r"""Problem extraction, final answers and reasoning steps against known ones.

    python benchmarks/quality_problems.py [DATA]

OpenStax: every exercise of 60 pages is known from the book's source; a problem counts as found where its question holds
the letters, digits and operators of the known one, its solution as right where they are equal. Spellings of one formula
that differ more (`\frac{-1}{2}`, `-\frac{1}{2}`) count as errors: the shares are lower bounds. Answers are compared as
values; "marked" is a solution as published, "unmarked" one whose `####` line or `\boxed` was taken out.
"""

import re
from collections import defaultdict
from itertools import pairwise

from shared_pages import arguments, pages, print_table, read_rows, share

from mathmill.core.answers import is_equivalent
from mathmill.core.mathnorm import normalise_formula
from mathmill.core.mathtext import find_formulas
from mathmill.curation.problems import from_html, from_text, segment_steps


def main() -> None:
    """Print the tables."""
    data = arguments(__doc__).data
    by_page = defaultdict(list)
    for row in read_rows(data / "web" / "openstax_gold_qa.jsonl.zst"):
        by_page[row["record_id"]].append(row)
    found = known = matched = solved = right = 0
    for page in pages(data, "math_pages"):
        gold = by_page.get(page.label["record_id"])
        if gold is None:
            continue
        problems = [(letters(p.question), letters(p.solution or "")) for p in from_html(page.html, page.label["url"])]
        known, found = known + len(gold), found + len(problems)
        for row in gold:
            question, solution = letters(row["question"]), letters(row["solution"] or "")
            hits = [s for q, s in problems if question and question in q]
            matched += bool(hits)
            solved += bool(row["solution"])
            right += bool(row["solution"]) and solution in hits
    print(f"OpenStax: {found:,} problems found on {len(by_page)} pages, {known:,} known")
    print(f"questions found: {share(matched, known)}")
    print(f"of {solved:,} with a solution, question and solution right: {share(right, solved)}")

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
