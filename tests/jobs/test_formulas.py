"""From literal pages to the ledger, the summary, the console and the report: what became of their formulas."""

import json
from pathlib import Path
from typing import Any

import pytest

from mathmill.core.errors import DataError
from mathmill.core.formula_counts import Counts
from mathmill.core.ledger import Ledger
from mathmill.core.storage import Folder
from mathmill.curation.extract import site_of
from mathmill.jobs.console import summary_json
from mathmill.jobs.engine import Unwatched
from mathmill.jobs.engines import EngineSettings
from mathmill.jobs.formulas import alarm_lines, at_least, formula_lines
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.run import run_recipe
from mathmill.jobs.summary import Summary

PAGES = 6
FOUND = 1000  # formulas of a site, over its pages


def html(kept: int, lost: int, more: str = "") -> str:
    """A page with so many formulas in its body, and so many in its navigation, which goes."""
    body = "".join(f"<p>The number \\(x_{{{n}}}\\) is one of those that we look at here.</p>" for n in range(kept))
    menu = "<i>\\(y\\)</i>" * lost
    return f"<html><body><nav>{menu}</nav><h1>Numbers</h1>{body}{more}</body></html>"


def site(host: str, lost: int) -> list[dict[str, str]]:
    """The pages of a site that loses so many of FOUND formulas, more of them on its first page than on the others."""
    pages = []
    for n in range(PAGES):
        found = FOUND // PAGES + (FOUND % PAGES if n == 0 else 0)
        gone = lost // PAGES + (lost % PAGES if n == 0 else 0)
        pages.append({"url": f"https://{host}/{n}?<b>&", "html": html(found - gone, gone)})
    return pages


HOSTILE = "<script>alert(1)</script>.example"

CRAWL = [
    *site("www.Calm.Example", 9),
    *site("alarming.example:8080", 11),
    *site("<script>alert(1)<%2fscript>.example", 300),
    {"url": "https://small.example/", "html": html(60, 39)},
    {"url": "https://short.example/", "html": "<p>\\(a\\)" * 5},
    {"url": "", "html": html(3, 0, more="<p>Two formulas, \\(\\card A\\) and \\(x^2^3\\), do not read.</p>")},
]


RECIPE = """\
name: formulas
sources: [{name: crawl, path: crawl, kind: pages}]
stages: [extract]
task_bytes: 65536
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formulas")
    (folder / "crawl").mkdir()
    for part in range(4):
        lines = [json.dumps(page) for page in CRAWL[part::4]]
        (folder / "crawl" / f"{part}.jsonl").write_text("\n".join(lines))
    return folder


def run(work: Path, name: str, more: str = "", **how: Any) -> Summary:
    return run_recipe(parse_recipe((RECIPE + more).encode(), work / "recipe.yaml"), work / name, **how).summary


@pytest.fixture(scope="module")
def summary(work: Path) -> Summary:
    return run(work, "run", workers=2)


def test_formulas_are_counted_by_site_and_encoding(summary: Summary) -> None:
    found = {row.name: (row.pages, row.counts.found, row.counts.lost) for row in summary.formulas.sites}
    assert found == {
        "calm.example": (PAGES, FOUND, 9),
        "alarming.example": (PAGES, FOUND, 11),
        HOSTILE: (PAGES, FOUND, 300),
        "small.example": (1, 99, 39),
        "short.example": (1, 5, 5),  # dropped as empty_text, with all its formulas lost
        "no address": (1, 5, 0),
    }
    (encoding,) = summary.formulas.encodings
    assert encoding.name == "tex_paren"
    assert encoding.counts == Counts(found=3 * FOUND + 109, kept=3 * FOUND + 109 - 364, lost=364, read=3 * FOUND - 257)
    assert summary.formulas.complaints == {"double superscript": 1, r"unknown command \card": 1}


def test_the_ledger_holds_the_counts_of_each_task(work: Path, summary: Summary) -> None:
    entries = Ledger(Folder(work / "run"), "documents").entries().values()
    accounts = [stage.formulas for entry in entries for stage in entry.stages if stage.formulas is not None]
    assert len(accounts) > 1
    assert sum(account.total().found for account in accounts) == summary.formulas.total.counts.found


def test_a_site_that_loses_more_than_a_hundredth_is_an_alarm_and_a_small_one_is_not(summary: Summary) -> None:
    assert [row.name for row in summary.formulas.alarms] == [HOSTILE, "alarming.example"]
    lines = formula_lines(summary.formulas)
    assert lines[0] == "formulas: 3,109 found, 88.29 % survive in the text, 99.92 % of these read as LaTeX"
    first = summary.formulas.alarms[1].worst[0]
    assert first.lost == {"tex_paren": 6}
    assert lines[2] == (
        "ALARM alarming.example lost 11 of 1,000 formulas (1.1%: tex_paren 11); "
        f"most on {first.id[:12]} https://alarming.example:8080/0?<b>&"
    )
    assert alarm_lines(summary.formulas) == lines[1:]


def test_the_report_names_them_in_words_and_escapes_what_a_host_says(work: Path, summary: Summary) -> None:
    report = (work / "run" / "report.html").read_text(encoding="utf-8")
    assert "&#9888; Alarm: 2 of 6 sites lose more than 1.0% of them." in report
    assert report.count("&#9888; alarm</b>") == 2
    assert "<script" not in report
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.example" in report
    assert "unknown command \\card" in report
    assert summary.formulas.alarms[0].worst[0].id[:12] in report


def test_the_summary_for_machines_has_the_same_numbers(summary: Summary) -> None:
    found = json.loads(json.dumps(summary_json(summary)))["formulas"]
    assert found["alarms"] == [HOSTILE, "alarming.example"]
    assert found["total"]["found"] == 3109
    calm = next(row for row in found["by_site"] if row["name"] == "calm.example")
    assert (calm["lost"], calm["alarm"], calm["lost_by_encoding"]) == (9, False, {"tex_paren": 9})


def test_workers_and_a_lost_file_change_nothing(work: Path, summary: Summary) -> None:
    assert run(work, "alone", workers=1).formulas == summary.formulas
    next((work / "alone" / "documents").glob("*.parquet")).unlink()
    assert run(work, "alone", workers=2).formulas == summary.formulas


class Killed(Unwatched):
    """Ends the run when its first task has finished."""

    def advance(self, segment: object, entry: object) -> None:
        raise KeyboardInterrupt


def test_a_run_that_was_stopped_has_the_numbers_of_an_undisturbed_one(work: Path, summary: Summary) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(work, "stopped", workers=1, progress=Killed())
    assert run(work, "stopped", workers=1).formulas == summary.formulas


@pytest.mark.full
def test_another_engine_gives_the_same_numbers(work: Path, summary: Summary) -> None:
    pytest.importorskip("ray")
    settings = EngineSettings(name="ray", workers=2)
    assert run(work, "ray", engine=settings).formulas == summary.formulas


def test_the_threshold_is_the_recipes(work: Path) -> None:
    more = "formula_loss: {above: 0.5, formulas: 5}\n"
    assert [row.name for row in run(work, "lenient", more).formulas.alarms] == ["short.example"]


class Heard(Unwatched):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)


def test_a_recipe_may_make_the_loss_an_error_after_the_report(work: Path) -> None:
    heard = Heard()
    with pytest.raises(DataError, match=r"and 1 further sites lose more than 1\.0% of the formulas found"):
        run(work, "strict", "formula_loss: {then: fail}\n", progress=heard)
    assert [line.split(" ")[:2] for line in heard.notices] == [["ALARM", HOSTILE], ["ALARM", "alarming.example"]]
    assert (work / "strict" / "report.html").exists()


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://WWW.Example.ORG:443/a?b#c", "example.org"),
        ("http://user:secret@math.example.org/", "math.example.org"),
        ("https://数学.example/", "xn--48s96u.example"),
        ("http://a\x1b[31m.example/", "a\ufffd[31m.example"),
        ("https://" + "a" * 400 + ".example/", "a" * 253),
        (None, "no address"),
        ("", "no address"),
        ("/only/a/path", "no address"),
    ],
)
def test_a_site_is_the_host_without_what_differs_between_its_pages(url: str | None, site: str) -> None:
    assert site_of(url) == site


def test_a_share_is_rounded_down() -> None:
    assert [at_least(share) for share in (1.0, 0.99999, 0.5, 0.0)] == ["100.00 %", "99.99 %", "50.00 %", "0.00 %"]
