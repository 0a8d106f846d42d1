"""A recipe that makes chats of problems: from the file to what `mathmill shards show` prints."""

import json
from pathlib import Path

import pytest

from mathmill.core.errors import ConfigError
from mathmill.jobs.recipe import load_recipe
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.shards import show_lines, tokenizer_of, verify
from mathmill.jobs.show_row import row_lines
from mathmill.tokenize.manifest import load
from mathmill.tokenize.reader import ShardReader

TEMPLATE = (
    "{% for m in messages %}{{ '<|bos|>' + m.role + '\n' + m.content + '<|endoftext|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|bos|>assistant\n' }}{% endif %}"
)
RECIPE = """
sources:
  - {name: quiz, path: quiz.jsonl, kind: problems, lang: en}
tokenize:
  tokenizer: mathmill:demo/tokenizer.json
  chat: {template: chat.jinja, system: {en: Be brief.}}
  loss_weight: {difficulty: {hard: 2.0}, answer: 3.0}
shards: {seq_len: 256, groups: {quiz: problems}}
"""
ROWS = [
    {"question": "What is 1+1?\u001b[31m", "solution": "It is \\boxed{2}.", "difficulty": "hard"},
    {"question": "a<|endoftext|>", "solution": "b", "answer": "7"},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("chat-recipe")
    (folder / "chat.jinja").write_text(TEMPLATE)
    (folder / "quiz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (folder / "recipe.yaml").write_text(RECIPE)
    return run_recipe(load_recipe(folder / "recipe.yaml"), folder / "out", workers=1)


def test_the_shards_say_which_template_made_them(run: Finished) -> None:
    shards = run.run.path("shards")
    manifest = load(shards)
    assert manifest.chat_template is not None
    assert len(manifest.chat_template) == 32
    settings = json.loads((Path(shards) / "tokenizer" / "tokenizer_config.json").read_text())
    assert settings["chat_template"] == TEMPLATE
    assert tokenizer_of(shards) is not None  # its digest, the template included, is the manifest's
    report = verify(shards)
    assert report.ok, report.lines()


def test_a_row_is_shown_with_what_is_learned(run: Finished) -> None:
    shards = run.run.path("shards")
    lines = show_lines(shards, 0, None)
    found = ShardReader(shards)[0]
    assert lines[0] == (
        f"row 0: {found.n_tokens} of 256 tokens in 2 segments, {found.loss_mask.sum()} learned; "
        "[[ ]] is not learned; ((x2 )) counts twice"
    )
    texts = {line.split()[1]: "\n".join(lines[i:]) for i, line in enumerate(lines) if line.startswith("--- ")}
    assert set(texts) == {"problems"}
    shown = "\n".join(lines)
    head = "[[<|bos|>system\nBe brief.<|endoftext|>\n<|bos|>user\n"
    assert f"{head}What is 1+1?\\x1b[31m<|endoftext|>\n<|bos|>assistant\n]]" in shown
    assert "]]It is \\boxed{((x3 2))}.<|endoftext|>[[\n]]" in shown
    assert f"{head}a\\<|endoftext|><|endoftext|>\n<|bos|>assistant\n]]b\n\nAnswer: ((x3 7))<|endoftext|>[[\n]]" in shown
    assert "weight 2, source quiz, lang en, difficulty hard" in shown


def test_on_a_terminal_what_is_learned_is_green(run: Finished) -> None:
    shards = run.run.path("shards")
    shown = "\n".join(row_lines(ShardReader(shards), tokenizer_of(shards), 0, "quiz", terminal=True))
    assert (
        "\x1b[32mIt is \\boxed{\x1b[0m\x1b[1;32m((x3 2))\x1b[0m\x1b[32m}.<|endoftext|>\x1b[0m\x1b[2m\n\x1b[0m" in shown
    )
    assert "\x1b[31m" not in shown
    with pytest.raises(ConfigError, match="row 7 is not there; there are 1"):
        row_lines(ShardReader(shards), None, 7, None)
    with pytest.raises(ConfigError, match="there is no group 'x'; there are quiz"):
        row_lines(ShardReader(shards), None, 0, "x")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("chat.jinja", "absent.jinja"), "there is no file .*absent.jinja"),
        (("{template: chat.jinja, ", "{templat: chat.jinja, "), "tokenize.chat.templat: unknown key; there are"),
        (("hard: 2.0", "hrad: 2.0"), "loss_weight.difficulty"),
        (("answer: 3.0", "answer: -3.0"), "-3.0 is below 0"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    (tmp_path / "chat.jinja").write_text(TEMPLATE)
    (tmp_path / "quiz.jsonl").write_text(json.dumps(ROWS[0]))
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace(*change))
    with pytest.raises(ConfigError, match=sentence) as error:
        load_recipe(tmp_path / "recipe.yaml")
    assert "recipe.yaml:" in str(error.value)
