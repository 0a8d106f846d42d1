"""Runs a method of synthesis over a few problems against a scripted server, in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripted_server import Script, ScriptedServer, scripted

from mathmill.core.schemas import PROBLEM, to_batch
from mathmill.core.stage import StageContext
from mathmill.curation.synthesis.stage import Method


@dataclass
class Ran:
    """What came out. rejected: (reason, detail) of each refused row by problem id."""

    made: list[dict[str, Any]]
    originals: list[dict[str, Any]]
    rejected: dict[str, list[tuple[str, str | None]]]
    quarantined: dict[str, str]
    server: ScriptedServer
    facts: dict[str, int]

    def reasons(self, problem_id: str) -> list[str]:
        """Why what was made of a problem was refused, in order."""
        return [reason for reason, _ in self.rejected.get(problem_id, [])]

    def of(self, problem_id: str) -> list[dict[str, Any]]:
        """What was made of a problem."""
        return [row for row in self.made if row["parent_id"] == problem_id]


def problem(problem_id: str, question: str, solution: str | None, answer: str | None, **columns: Any) -> dict[str, Any]:
    """A row of PROBLEM."""
    return {
        "problem_id": problem_id,
        "doc_id": problem_id,
        "source": "tests",
        "license": "CC0-1.0",
        "locator": {"file": "tests", "record": 0, "offset": None},
        "lang": "en",
        "question": question,
        "solution": solution,
        "answer": answer,
        "question_formulas": [],
        "solution_formulas": [],
        "steps": [],
        "n_steps": 0,
        "method": "source",
        "loss_weight": 1.0,
        **columns,
    }


def run_method(
    method: type[Method],
    rows: Sequence[Mapping[str, Any]],
    script: Script,
    roles: Sequence[str] = ("teacher",),
    cache: Path | None = None,
    model: Mapping[str, Any] = {},
    **config: Any,
) -> Ran:
    """Run; every role asks the same server, with its own name as the model. model: further settings of each."""
    with scripted(script) as server:
        models = {role: {"url": server.url, "model": role, "backoff_s": 0.01, **model} for role in roles}
        settings = {"cache": None if cache is None else str(cache), "keep_originals": False, **models, **config}
        stage = method(method.Config.model_validate(settings))
        out: dict[str, list[dict[str, Any]]] = {"out": [], "dropped": [], "quarantine": []}
        try:
            stage.open(StageContext(scratch=Path()))
            for port, batch in stage.process(iter([to_batch(rows, PROBLEM)])):
                out[port] += batch.to_pylist()
        finally:
            stage.close()
    assert not server.errors, server.errors
    rejected: dict[str, list[tuple[str, str | None]]] = {}
    for row in out["dropped"]:
        assert row["stage"] == method.name
        rejected.setdefault(row["id"], []).append((row["reason"], row["detail"]))
    return Ran(
        made=[row for row in out["out"] if row["method"] == method.name],
        originals=[row for row in out["out"] if row["method"] != method.name],
        rejected=rejected,
        quarantined={row["id"]: row["error"] for row in out["quarantine"]},
        server=server,
        facts=stage.facts,
    )


def by_needle(replies: Mapping[str, Any]) -> Script:
    """A script that answers by the problem's id, which questions hold as [id]; by role, where replies say so."""

    def script(call: Any) -> Any:
        for needle, reply in replies.items():
            if f"[{needle}]" in call.prompt:
                if isinstance(reply, dict):
                    reply = reply[call.body["model"]]
                return reply(call) if callable(reply) else reply
        raise AssertionError(f"no reply for {call.prompt}")

    return script
