import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.core.errors import ConfigError
from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DOCUMENT, PAGE, PROBLEM, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, QUARANTINE_PORT, StageContext
from mathmill.curation.changed_text import CutSpan, TextChange
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.registry import stage_names, stage_spec
from mathmill.jobs.run import run_recipe

FILTER = "mathmill.curation.datatrove_filter:DatatroveFilter"
Rows = dict[str, list[dict[str, Any]]]
FORMATTER = "mathmill.curation.datatrove_filter:DatatroveFormatter"

OWN = '''
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter

def is_long(doc):
    return len(doc.text) > 20

class Metadata(BaseFilter):
    """Keeps what has the metadata that it is told to want."""
    def __init__(self, wanted: dict):
        super().__init__()
        self.wanted = wanted
    def filter(self, doc):
        shown = dict(doc.metadata)
        return all(shown.get(key) == value for key, value in self.wanted.items())

class Score(BaseFilter):
    def filter(self, doc):
        return 0.0 if "zero" in doc.text else 0.5

class Batched(BaseFilter):
    """Drops whatever stands in a batch of two beside a text with "bad"; raises over "burst"."""
    def __init__(self):
        super().__init__(batch_size=2)
    def filter(self, doc):
        raise AssertionError("the batch is asked")
    def filter_batch(self, batch):
        if any("burst" in doc.text for doc in batch):
            raise RuntimeError("burst")
        return [(False, "bad_company") if any("bad" in doc.text for doc in batch) else True for _ in batch]

class Cutter(BaseFilter):
    """Removes all lines that begin with '#', and whatever stands between '<' and '>'."""
    def filter(self, doc):
        import re
        lines = [line.strip() for line in doc.text.splitlines() if not line.startswith("#")]
        doc.text = re.sub("<.*?>", "", "\\n".join(lines), flags=re.DOTALL)
        return True

class WholeStream(BaseFilter):
    def filter(self, doc):
        return True
    def run(self, data, rank=0, world_size=1):
        yield from data
'''


@pytest.fixture(autouse=True)
def own_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module of somebody's own filters, and the two stages under their names."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "own_filters.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(stage_names(), "datatrove_filter", FILTER)
    monkeypatch.setitem(stage_names(), "datatrove_formatter", FORMATTER)
    yield folder / "own_filters.py"
    sys.modules.pop("own_filters", None)


def documents(*texts: str, **columns: Any) -> pa.RecordBatch:
    rows = []
    for i, text in enumerate(texts):
        spans = [{"start": s.start, "end": s.end, "display": s.display, "encoding": "tex"} for s in find_formulas(text)]
        counts = [{"encoding": "tex", "found": len(spans), "kept": len(spans)}] if spans else []
        locator = {"file": "f", "record": i, "offset": 0}
        row = {"doc_id": str(i), "source": "s", "locator": locator, "text": text, "formulas": spans, "blocks": []}
        rows.append({**row, "formula_counts": counts, **columns})
    return to_batch(rows, DOCUMENT)


def run(
    cls: str, config: dict[str, Any], batch: pa.RecordBatch, task_index: int = 0
) -> dict[str, list[dict[str, Any]]]:
    stage = stage_spec(cls, config).load()
    assert stage.output_schemas(batch.schema) == {OUT: batch.schema}
    stage.open(StageContext(scratch=Path(), task_index=task_index))
    ports: Rows = {OUT: [], DROPPED_PORT: [], QUARANTINE_PORT: []}
    for port, out in stage.process(iter([batch])):
        if port == OUT:
            assert out.schema == batch.schema
        ports[port] += out.to_pylist()
    stage.close()
    return ports


def verdicts(config: dict[str, Any], *texts: str, **columns: Any) -> list[str]:
    """What becomes of each text: "kept", or the reason."""
    ports = run(FILTER, config, documents(*texts, **columns))
    found = {row["doc_id"]: "kept" for row in ports[OUT]} | {row["id"]: row["reason"] for row in ports[DROPPED_PORT]}
    return [found[str(i)] for i in range(len(texts))]


SENTENCE = "To find the roots of a polynomial we have to factor it and that is the way to go with these. "
STORY = """The first even number that we have to look at is two, and it is prime.
Every other even number has the factor two, so none of them can be prime.
An odd number may be prime or not, as seven and nine show to all of us.
With a sieve one strikes out the multiples of each prime that is left.
What remains at the end are the primes below the limit that was chosen."""

needs_spacy = pytest.mark.skipif(importlib.util.find_spec("spacy") is None, reason="datatrove's words need spaCy")


@pytest.mark.parametrize(
    ("name", "options", "good", "bad", "reason"),
    [
        ("C4ParagraphFilter", {}, "\n".join([SENTENCE * 3] * 3), SENTENCE * 9, "< 3 paragraphs"),
        ("RegexFilter", {"regex_exp": "lorem +ipsum"}, "A sum.", "A lorem  ipsum.", "RegexFilter"),
        ("LambdaFilter", {"filter_function": "own_filters:is_long"}, "x" * 21, "x" * 20, "LambdaFilter"),
        ("own_filters:Score", {}, "one half", "zero", "Score"),
        pytest.param("C4QualityFilter", {}, STORY, "One line.", "too_few_sentences", marks=needs_spacy),
        pytest.param("FineWebQualityFilter", {}, STORY, "No stop\nat all", "line_punct_ratio", marks=needs_spacy),
        pytest.param(
            "FineWebQualityFilter", {"stop_chars": ["l"]}, "A line of more than thirty letters ends with all",
            "A line of more than thirty letters ends.", "line_punct_ratio", marks=needs_spacy,
        ),
        pytest.param(
            "GopherQualityFilter", {"min_doc_words": 9}, SENTENCE, "A sum.", "gopher_short_doc", marks=needs_spacy
        ),
        pytest.param(
            "GopherRepetitionFilter", {"top_n_grams": [[2, 0.3]]}, STORY, "ab\n" * 9, "dup_line_frac", marks=needs_spacy
        ),
    ],
)  # fmt: skip
def test_a_filter_of_datatrove_decides(name: str, options: dict[str, Any], good: str, bad: str, reason: str) -> None:
    assert verdicts({"filter": name, "options": options}, good, bad, good) == ["kept", reason, "kept"]


def test_a_dropped_row_says_the_stage() -> None:
    ports = run(FILTER, {"filter": "C4ParagraphFilter"}, documents("short"))
    assert ports[DROPPED_PORT] == [
        {"id": "0", "stage": "datatrove_filter", "reason": "< 3 paragraphs", "score": None, "detail": None}
    ]


def test_a_sampler_repeats_itself_and_draws_otherwise_in_another_task() -> None:
    batch = documents(*["text"] * 200)
    kept = [
        [row["doc_id"] for row in run(FILTER, {"filter": "SamplerFilter", "options": options}, batch, task)[OUT]]
        for options, task in [({"rate": 0.3}, 0), ({"rate": 0.3}, 0), ({"rate": 0.3}, 7), ({"rate": 0.3, "seed": 7}, 0)]
    ]
    assert kept[0] == kept[1] != kept[2] == kept[3]
    assert 30 < len(kept[0]) < 90


def test_a_filter_sees_the_plain_columns_under_our_names_and_its_own() -> None:
    columns = {"lang": "de", "lang_score": 0.75, "crawl_date": "2026-01-02", "url": "http://a.example/"}
    wanted = {**columns, "language": "de", "language_score": 0.75, "date": "2026-01-02", "source": "s"}
    config = {"filter": "own_filters:Metadata", "options": {"wanted": wanted}}
    assert verdicts(config, "a text", **columns) == ["kept"]
    assert verdicts(config, "a text", **{**columns, "lang": "fr"}) == ["Metadata"]
    absent = {"filter": "own_filters:Metadata", "options": {"wanted": {"math_score": None, "license": None}}}
    assert verdicts(absent, "a text") == ["kept"]


def test_a_row_that_raises_stands_alone_in_quarantine() -> None:
    texts = ["fine", "fine", "burst", "bad", "bad", "fine", "fine"]
    ports = run(FILTER, {"filter": "own_filters:Batched"}, documents(*texts))
    assert [(row["id"], row["error"]) for row in ports[QUARANTINE_PORT]] == [("2", "RuntimeError: burst")]
    assert [row["doc_id"] for row in ports[OUT]] == ["0", "1", "6"]
    assert [(row["id"], row["reason"]) for row in ports[DROPPED_PORT]] == [(i, "bad_company") for i in "345"]


def test_formulas_move_with_a_text_that_a_filter_shortens() -> None:
    text = "# $a$\n  It costs $5, so $x=5$.\n<ad $q$>Then\n$$\ny\n$$\nand 5$."
    (row,) = run(FILTER, {"filter": "own_filters:Cutter"}, documents(text))[OUT]
    assert row["text"] == "It costs $5, so $x=5$.\nThen\n$$\ny\n$$\nand 5$."
    assert [row["text"][f["start"] : f["end"]] for f in row["formulas"]] == ["$x=5$", "$$\ny\n$$"]
    assert row["formula_counts"] == [{"encoding": "tex", "found": 4, "kept": 2}]


def test_a_formula_that_a_filter_cuts_costs_its_row_alone() -> None:
    texts = ["Here $a<b$ and $c>d$ hold.", "Here $a$ holds."]
    ports = run(FILTER, {"filter": "own_filters:Cutter"}, documents(*texts))
    assert [row["text"] for row in ports[OUT]] == [texts[1]]
    (lost,) = ports[QUARANTINE_PORT]
    assert lost["id"] == "0"
    assert lost["error"] == "the text was changed inside the formula at characters 5 to 10"


def test_a_text_that_a_filter_empties_is_dropped() -> None:
    assert verdicts({"filter": "own_filters:Cutter"}, "# a\n# b", "c") == ["empty_text", "kept"]


def test_spans_are_followed_through_deletions_and_replacements() -> None:
    change = TextChange("one two three four", "one 2 three four!")
    assert change.whole(8, 13) == (6, 11)
    assert change.rest(2, 10) == (2, 8)
    assert change.whole(4, 7) is None
    with pytest.raises(CutSpan, match="characters 2 to 10"):
        change.whole(2, 10)


def test_white_space_inside_a_formula_may_change() -> None:
    old = "  First\r\n$$\r\n  x\r\n$$\r\nand $y$  \r\n" + "so on\r\n" * 3000
    new = "\n".join(line.strip() for line in old.splitlines())
    change = TextChange(old, new)
    assert [change.whole(old.index("$$"), old.rindex("$$") + 2), change.whole(26, 29)] == [(6, 13), (18, 21)]


@given(st.lists(st.text("ab$ \n", max_size=8), max_size=12), st.data())
def test_a_followed_span_holds_what_it_held(pieces: list[str], data: st.DataObject) -> None:
    kept = [piece for piece in pieces if data.draw(st.booleans())]
    old, new = "".join(pieces), "".join(kept)
    change = TextChange(old, new)
    start = data.draw(st.integers(0, len(old)))
    end = data.draw(st.integers(start, len(old)))
    try:
        place = change.whole(start, end)
    except CutSpan:
        return
    if place is not None:
        assert new[place[0] : place[1]].split() == old[start:end].split()
    if old == new and old[start:end].strip():
        assert place is not None


def problems(**columns: Any) -> pa.RecordBatch:
    row: dict[str, Any] = {"problem_id": "p", "doc_id": "d", "source": "s", "question": "What is $1+1$?", "steps": []}
    row |= {"question_formulas": [], "solution_formulas": [], "n_steps": 0, "method": "source", "loss_weight": 1.0}
    return to_batch([{**row, "locator": {"file": "f", "record": 0, "offset": 0}, **columns}], PROBLEM)


def test_a_problem_is_its_question_and_its_solution() -> None:
    config = {"filter": "RegexFilter", "options": {"regex_exp": r"^What is \$1\+1\$\?\nTwo\.$"}}
    assert [row["id"] for row in run(FILTER, config, problems(solution="Two."))[DROPPED_PORT]] == ["p"]
    assert len(run(FILTER, config, problems(solution=None))[OUT]) == 1


def test_a_filter_may_not_change_a_problem() -> None:
    (lost,) = run(FILTER, {"filter": "own_filters:Cutter"}, problems(solution="<a>"))[QUARANTINE_PORT]
    assert lost["error"] == "Cutter changes texts, which problems do not allow"


def test_a_formatter_rewrites_texts_and_spans() -> None:
    text = "Write to ann@school.example or\n***\nsolve $x=1$."
    (row,) = run(FORMATTER, {"formatter": "PIIFormatter"}, documents(text))[OUT]
    assert row["text"] == "Write to email@example.com or\n***\nsolve $x=1$."
    (span,) = row["formulas"]
    assert row["text"][span["start"] : span["end"]] == "$x=1$"
    (row,) = run(FORMATTER, {"formatter": "SymbolLinesFormatter"}, documents(text))[OUT]
    assert row["text"] == "Write to ann@school.example or\nsolve $x=1$."


def test_a_formatter_rewrites_each_text_of_a_problem() -> None:
    steps = [{"start": 0, "end": 3}, {"start": 8, "end": 12}]
    batch = problems(solution="One\n***\nTwo.", steps=steps, n_steps=2, answer="2 a@b.example")
    (row,) = run(FORMATTER, {"formatter": "SymbolLinesFormatter"}, batch)[OUT]
    assert (row["solution"], row["steps"]) == ("One\nTwo.", [{"start": 0, "end": 3}, {"start": 4, "end": 8}])
    (row,) = run(FORMATTER, {"formatter": "PIIFormatter"}, batch)[OUT]
    assert row["answer"] == "2 email@example.com"


@pytest.mark.skipif(importlib.util.find_spec("ftfy") is None, reason="needs ftfy")
def test_ftfy_repairs_a_text_around_formulas() -> None:
    (row,) = run(FORMATTER, {"formatter": "FTFYFormatter"}, documents("The cafÃ© sells $n$ cakes."))[OUT]
    assert (row["text"], row["formulas"][0]["start"]) == ("The café sells $n$ cakes.", 15)


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("{filter: Nope}", r"filter: Nope cannot be imported .*GopherQualityFilter"),
        ("{filter: 'no_such_module:Filter'}", "No module named 'no_such_module'"),
        ("{filter: 'json:JSONDecoder'}", "is no BaseFilter of datatrove"),
        ("{filter: 'own_filters:WholeStream'}", "has a `run` of its own"),
        ("{filter: C4ParagraphFilter, options: {words: 1}}", "C4ParagraphFilter has no option 'words'; there are none"),
        ("{filter: C4ParagraphFilter, options: {exclusion_writer: 1}}", "no option 'exclusion_writer'"),
        ("{filter: RegexFilter}", "RegexFilter needs the option 'regex_exp'"),
        ("{filter: RegexFilter, options: {regex_exp: '('}}", "RegexFilter fails: .*unterminated subpattern"),
        (
            "{filter: LambdaFilter, options: {filter_function: 'own_filters:no'}}",
            "there is no function 'own_filters:no'",
        ),
        ("{filter: C4ParagraphFilter, datatrove: '0.1'}", r"datatrove [0-9.]+ is installed here, not 0\.1"),
        ("{filter: LanguageFilter}", "fasttext-numpy2-wheel.*cannot stand side by side"),
    ],
)
def test_a_recipe_says_what_is_wrong_with_a_filter(stage: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"(?s)recipe.yaml:2 stages.0..datatrove_filter.*{says}"):
        parse_recipe(recipe(stage), tmp_path / "recipe.yaml")


@pytest.mark.skipif(importlib.util.find_spec("spacy") is not None, reason="spaCy is installed")
def test_a_filter_of_words_without_spacy_is_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"GopherQualityFilter fails: Please install `spacy`"):
        parse_recipe(recipe("{filter: GopherQualityFilter}"), tmp_path / "recipe.yaml")


def test_pages_are_refused() -> None:
    stage = stage_spec(FILTER, {"filter": "C4ParagraphFilter"}).load()
    with pytest.raises(ConfigError, match="needs documents"):
        stage.output_schemas(PAGE)


def test_identity_follows_class_options_version_and_own_code(
    own_filters: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def identity(**config: Any) -> str:
        return stage_spec(FILTER, config).identity

    plain = identity(filter="SamplerFilter")
    assert plain == identity(filter="datatrove.pipeline.filters:SamplerFilter", options={})
    own, lambda_ = {"filter": "own_filters:Score"}, {"filter": "LambdaFilter"}
    lambda_["options"] = {"filter_function": "own_filters:is_long"}
    before = [plain, identity(filter="SamplerFilter", options={"rate": 0.1}), identity(**own), identity(**lambda_)]
    assert len(set(before)) == 4
    own_filters.write_text(OWN + "\n# changed\n")
    after = [identity(**own), identity(**lambda_)]
    assert set(after).isdisjoint(before)
    monkeypatch.setattr("mathmill.curation.datatrove_filter.version", lambda name: "0.11.0")
    assert identity(filter="SamplerFilter") not in before


def recipe(stage: str) -> bytes:
    source = "sources: [{name: texts, path: texts.jsonl, kind: documents}]"
    return f"{source}\nstages: [datatrove_filter: {stage}]\n".encode()


def test_a_whole_recipe_with_a_filter(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": "A lorem ipsum."}\n{"text": "The sum $1+2$."}\n')
    checked = parse_recipe(recipe("{filter: RegexFilter, options: {regex_exp: lorem}}"), tmp_path / "recipe.yaml")
    run_recipe(checked, tmp_path / "out", workers=1)
    kept, dropped = (pq.read_table(tmp_path / "out" / name).to_pylist() for name in ("documents", "dropped"))
    assert [row["text"] for row in kept] == ["The sum $1+2$."]
    assert [(row["stage"], row["reason"]) for row in dropped] == [("datatrove_filter", "RegexFilter")]
