"""Accounts of formulas: added up, cut to their bounds without losing totals, equal in whatever parts they come."""

import random
from typing import Any

from mathmill.core.formula_counts import (
    FORMULA_ACCOUNT,
    MAX_COMPLAINTS,
    MAX_SITES,
    MAX_WORST_OF_TASK,
    OTHER_SITES,
    Counts,
    FormulaCounts,
    FormulaTally,
    LossyPage,
    add_counts,
)
from mathmill.core.schemas import to_batch


def row(
    page: int, site: str, found: int, kept: int, read: int, *complaints: str, encoding: str = "katex"
) -> dict[str, Any]:
    numbers = {"found": found, "kept": kept, "read": read, "complaints": list(complaints)}
    return {"id": f"page-{page:05}", "url": f"https://{site}/{page}", "site": site, "encoding": encoding, **numbers}


def account(*batches: list[dict[str, Any]]) -> FormulaCounts:
    tally = FormulaTally()
    for rows in batches:
        tally.add(to_batch(rows, FORMULA_ACCOUNT))
    found = tally.counts()
    assert found is not None
    return found


def test_pages_add_up_by_site_and_encoding() -> None:
    found = account(
        [row(1, "a.example", 10, 8, 7, "double superscript"), row(1, "a.example", 5, 5, 5, encoding="mathml")],
        [row(2, "a.example", 10, 12, 12), row(3, "b.example", 1, 1, 1)],
    )
    a = found.sites["a.example"]
    assert a.pages == 2
    assert a.encodings == {
        "katex": Counts(found=20, kept=20, lost=2, read=19),  # what page 2 has too many does not make up for page 1
        "mathml": Counts(found=5, kept=5, lost=0, read=5),
    }
    assert a.worst == (LossyPage(id="page-00001", url="https://a.example/1", found=15, lost={"katex": 2}),)
    assert found.total() == Counts(found=26, kept=26, lost=2, read=25)
    assert found.complaints == {"double superscript": 1}


def test_a_task_without_formulas_has_no_account() -> None:
    assert FormulaTally().counts() is None


def test_many_sites_are_cut_to_the_largest_and_totals_stay() -> None:
    rows = [row(n, f"s{n}.example", n + 1, n, n) for n in range(5 * MAX_SITES)]
    found = account(rows)
    assert len(found.sites) == MAX_SITES + 1
    assert found.others == 4 * MAX_SITES
    assert "s999.example" in found.sites
    assert "s0.example" not in found.sites
    others = found.sites[OTHER_SITES]
    assert others.pages == 4 * MAX_SITES
    assert others.total().lost == 4 * MAX_SITES
    assert found.total().found == sum(n + 1 for n in range(5 * MAX_SITES))
    assert sum(len(site.worst) for site in found.sites.values()) <= MAX_WORST_OF_TASK
    assert len(found.model_dump_json()) < 60_000


def test_many_complaints_are_cut_to_the_most_frequent_and_their_number_stays() -> None:
    reasons = [f"unknown command \\c{n}" for n in range(3 * MAX_COMPLAINTS) for _ in range(n + 1)]
    complaints = account([row(1, "a.example", 1, 1, 0, *reasons)]).complaints
    assert len(complaints) == MAX_COMPLAINTS + 1
    assert next(iter(complaints)) == f"unknown command \\c{3 * MAX_COMPLAINTS - 1}"
    assert sum(complaints.values()) == len(reasons)


def test_the_order_and_the_batches_of_pages_do_not_matter() -> None:
    shuffle = random.Random(1)
    rows = [row(n, f"s{n % 7}.example", 9, 9 - n % 5, 1, f"reason {n % 3}") for n in range(400)]
    whole = account(rows)
    shuffle.shuffle(rows)
    assert account(*(rows[i : i + 13] for i in range(0, 400, 13))) == whole


def test_the_accounts_of_tasks_add_up_to_that_of_the_run() -> None:
    rows = [row(n, f"s{n % 7}.example", 9, 9 - n % 5, 1, f"reason {n % 3}") for n in range(400)]
    parts = [account(rows[i : i + 90]) for i in range(0, 400, 90)]
    run = add_counts(parts, worst=3)
    assert run.total() == account(rows).total()
    assert {name: site.encodings for name, site in run.sites.items()} == {
        name: site.encodings for name, site in account(rows).sites.items()
    }
    assert add_counts(parts[::-1], worst=3) == run
    assert FormulaCounts.model_validate_json(run.model_dump_json()) == run
