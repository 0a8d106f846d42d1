"""Self-instruct: literal proposals and samples, novelty in the order of the input, and the judge."""

import json
from typing import Any

import pytest
from method_runs import Ran, problem, run_method
from pydantic import ValidationError
from scripted_server import Later, Status, Text

from mathmill.core.answers import extract_answer
from mathmill.core.errors import ConfigError
from mathmill.curation.synthesis.self_instruct import SelfInstruct, seed_tasks

TRAIN = "A goods train of 240 m crosses a bridge of 360 m in 30 seconds. How many metres does it go in a second? {}"
FENCE = "A rectangular garden twice as long as wide is fenced with 90 m of wire. Find its area in square metres. {}"
GOOD = ["The whole way is 240 + 360 = 600 m.\nIn a second: 600 / 30 = 20.\n\\boxed{20}", "It is 20 m. \\boxed{20}",
        "I get \\boxed{18}."]  # fmt: skip
FENCE_GOOD = ["Width 90 / 6 = 15, length 30, area 15 * 30 = 450. \\boxed{450}"] * 3


def proposal(*questions: str) -> str:
    return "\n".join(f"<question{n}>\n{text}\n</question{n}>" for n, text in enumerate(questions, start=1))


def run(proposals: dict[str, Any], solutions: dict[str, Any], judge: Any = None, **config: Any) -> Ran:
    """proposals: by the problem of the input; solutions: by a word of the new question."""

    def script(call: Any) -> Any:
        if call.body["model"] == "judge":
            return judge
        table = proposals if "<question1>" in call.prompt else solutions
        reply = next(reply for needle, reply in table.items() if needle in call.prompt)
        return reply(call) if callable(reply) else reply

    rows = [problem(name, f"How much is 2 + 3 apples and pears? [{name}]", None, "5") for name in proposals]
    for row, name in zip(rows, proposals, strict=True):
        row["lang"] = "zh" if name == "zh" else "en"
    roles = ("teacher",) if judge is None else ("teacher", "judge")
    return run_method(SelfInstruct, rows, script, roles, **{"questions": 2, **config})


def test_new_problems_on_which_samples_agree_become_rows() -> None:
    ran = run({"[a]": proposal(TRAIN.format(""), FENCE.format(""))}, {"train": GOOD, "garden": FENCE_GOOD})
    assert [(row["question"], row["solution"], row["answer"], row["lineage"]["sample"]) for row in ran.made] == [
        (TRAIN.format("").strip(), GOOD[0], "20", 0),
        (FENCE.format("").strip(), FENCE_GOOD[0], "450", 1),
    ]
    assert ran.made[0]["lineage"]["prompt"] == "self_instruct/teacher/en/1"
    assert {row["parent_id"] for row in ran.made} == {"[a]"}
    assert [call.body.get("n", 1) for call in ran.server.calls] == [1, 3, 3]


def test_examples_are_seed_tasks_of_one_sub_domain_and_the_problem_itself() -> None:
    ran = run({"[a]": proposal(TRAIN, FENCE)}, {"train": GOOD, "garden": FENCE_GOOD}, domains=["calculus"], shots=3)
    prompt = ran.server.calls[0].prompt
    assert "problems about calculus" in prompt
    assert sum(task in prompt for task in seed_tasks()["calculus"]["en"]) == 2
    assert "How much is 2 + 3 apples" in prompt


def test_chinese_problems_are_asked_in_chinese() -> None:
    new = "某仓库有 96 吨货物，第一天运走总数的八分之三，第二天运走 20 吨，仓库里还剩多少吨货物？"
    solved = "第一天运走 96×3÷8=36（吨）。\n还剩 96-36-20=40（吨）。\n\\boxed{40}"
    ran = run({"zh": proposal(new)}, {"仓库": solved}, questions=1)
    (row,) = ran.made
    assert (row["question"], row["answer"], row["lang"]) == (new, "40", "zh")
    assert row["lineage"]["prompt"] == "self_instruct/teacher/zh/1"
    assert "请再编写 1 道" in ran.server.calls[0].prompt


def test_novelty_is_judged_in_the_order_of_the_input() -> None:
    slow = {"[a]": Later(proposal(TRAIN.format("")), 0.4), "[b]": proposal(TRAIN.format("Be exact."))}
    for proposals in (slow, {name: getattr(reply, "reply", reply) for name, reply in slow.items()}):
        ran = run(proposals, {"train": GOOD}, questions=1)
        assert [row["parent_id"] for row in ran.made] == ["[a]"]
        ((reason, detail),) = ran.rejected["[b]"]
        assert reason == "not_novel"
        assert str(detail).endswith("is like: " + TRAIN.format("").strip())
    assert sum("train" in call.prompt for call in ran.server.calls) == 1  # what is not new is not solved


def test_seed_tasks_and_the_input_are_known() -> None:
    task = seed_tasks()["geometry"]["en"][0]
    ran = run({"[a]": proposal(task.replace("9", "8"), "How much is 2 + 4 apples and pears?")}, {})
    assert ran.reasons("[a]") == ["not_novel", "not_novel"]


def test_novelty_holds_over_parts_of_the_stream() -> None:
    proposals = {f"[{name}]": proposal(TRAIN.format("")) for name in "abc"}
    ran = run(proposals, {"train": GOOD}, questions=1, in_hand=1)
    assert [row["parent_id"] for row in ran.made] == ["[a]"]


@pytest.mark.parametrize(
    ("reply", "reasons"),
    [
        ("I'm sorry, I cannot write problems.", ["refusal"]),
        ("抱歉，我无法提供题目。", ["refusal"]),
        (Text(proposal(TRAIN, FENCE), finish_reason="length"), ["truncated"]),
        ("1. " + TRAIN, ["malformed"]),
        (proposal(TRAIN), ["malformed"]),
        (proposal(TRAIN, FENCE) + proposal(TRAIN), ["malformed"]),
        (proposal(TRAIN, FENCE).removesuffix("</question2>"), ["malformed"]),
        (proposal("What is 2?", "I can't provide a second one."), ["refusal", "too_short"]),
        (proposal(TRAIN + "<solution1>", "Find 1 + 1."), ["malformed", "too_short"]),
    ],
)
def test_proposals_without_form_have_their_reason(reply: Any, reasons: list[str]) -> None:
    ran = run({"[a]": reply}, {})
    assert (sorted(ran.reasons("[a]")), ran.made) == (sorted(reasons), [])


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (["\\boxed{20}", "\\boxed{21}", "\\boxed{22}"], "disagreement"),
        (["I'm sorry, I can't solve this.", "It moves.", "\\boxed{20}"], "disagreement"),
        (Text(["\\boxed{20}"] * 3, finish_reason="length"), "disagreement"),
        (["600 / 30 = 30, no: \\boxed{20}", "600 / 30 = 10, so \\boxed{20}", "\\boxed{5}"], "wrong_calculation"),
    ],
)
def test_what_samples_do_not_agree_on_is_refused(samples: Any, reason: str) -> None:
    ran = run({"[a]": proposal(TRAIN)}, {"train": samples}, questions=1)
    assert (ran.reasons("[a]"), ran.made) == ([reason], [])


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("<reason> Clear and right. </reason><score> 10 </score>", 1.0),
        ("<reason>Dull.</reason>\n<score>3/10</score>", "low_score"),
        ("<reason>Fine.</reason><score>11</score>", "judge_malformed"),
        ("<score>9</score>", "judge_malformed"),
        ("I cannot judge this.", "judge_refusal"),
    ],
)
def test_a_judge_scores_what_is_left(reply: str, expected: Any) -> None:
    ran = run({"[a]": proposal(TRAIN)}, {"train": GOOD}, judge=reply, questions=1)
    if isinstance(expected, float):
        assert [row["critique_score"] for row in ran.made] == [expected]
    else:
        assert (ran.reasons("[a]"), ran.made) == ([expected], [])


def test_a_label_may_name_the_sub_domain() -> None:
    ran = run({"[a]": proposal(TRAIN)}, {}, label="source")
    assert ran.rejected["[a]"] == [("no_such_domain", "tests")]
    with pytest.raises(ValidationError, match="no sub-domain 'cooking'"):
        SelfInstruct.Config.model_validate({"domains": ["cooking"]})
    with pytest.raises(ConfigError, match="self_instruct needs a model as teacher"):
        SelfInstruct(SelfInstruct.Config())


def test_busy_servers_are_asked_again_and_broken_ones_cost_a_problem() -> None:
    def busy(call: Any) -> Any:
        return proposal(TRAIN) if call.times > 2 else Status(429 if call.times == 1 else 500)

    ran = run({"[busy]": busy, "[broken]": Status(400, "no")}, {"train": GOOD}, questions=1)
    assert (len(ran.made), list(ran.quarantined)) == (1, ["[broken]"])


def test_seed_tasks_are_there_in_both_languages() -> None:
    assert len(seed_tasks()) >= 12
    for domain in seed_tasks().values():
        assert (len(domain["en"]), len(domain["zh"]), set(domain["names"])) == (6, 6, {"en", "zh"})
        assert len(set(map(json.dumps, domain["en"] + domain["zh"]))) == 12
    assert extract_answer(GOOD[0]) == "20"
