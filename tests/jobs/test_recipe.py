from pathlib import Path

import pytest

from mathmill.core.errors import ConfigError
from mathmill.jobs.example import RECIPE, demo_recipe
from mathmill.jobs.recipe import Recipe, load_recipe, parse_recipe

MINIMAL = """\
name: small
sources:
  - name: crawl
    path: crawl.warc.gz
    kind: pages
stages:
  - extract
  - classify: {threshold: 0.5}
problems:
  - extract_problems
shards:
  seq_len: 1024
  groups:
    hard: problems[difficulty=hard]
    math: documents
"""


def parse(text: str) -> Recipe:
    return parse_recipe(text.encode(), Path("recipes/math.yaml"))


def sentence(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(old: str, new: str) -> str:
    assert old in MINIMAL
    return sentence(MINIMAL.replace(old, new))


def test_a_good_recipe_is_read() -> None:
    recipe = parse(MINIMAL)
    assert [use.name for use in recipe.stages] == ["extract", "classify"]
    assert recipe.sources[0].path == str(Path("recipes/crawl.warc.gz").absolute())
    assert recipe.shards.groups == {"hard": "problems[difficulty=hard]", "math": "documents"}


def test_the_bundled_recipe_is_good_and_fits_a_screen() -> None:
    assert demo_recipe().name == "demo"
    assert len(RECIPE.splitlines()) <= 45


def test_a_bad_value_names_its_line_and_bound() -> None:
    assert change("threshold: 0.5", "threshold: 1.4") == (
        "recipes/math.yaml:8 stages[1].classify.threshold: 1.4 is above 1.0"
    )


def test_an_unknown_key_names_its_line_and_what_there_is() -> None:
    found = change("threshold: 0.5", "treshold: 0.5")
    assert found.startswith("recipes/math.yaml:8 stages[1].classify.treshold: unknown key; there are model, ")
    assert "threshold" in found


def test_an_unknown_top_key_is_found() -> None:
    assert change("name: small", "nmae: small").startswith(
        "recipes/math.yaml:1 nmae: unknown key; there are conversations, formula_loss, mixture,"
    )


def test_an_unknown_key_of_a_source_is_found() -> None:
    found = change("kind: pages", "kind: pages\n    licence: MIT")
    assert found.startswith(
        "recipes/math.yaml:6 sources[0].licence: unknown key; there are catalogue, columns, fields, format,"
    )


def test_an_unknown_stage_names_the_stages() -> None:
    found = change("- extract\n", "- extrakt\n")
    assert found.startswith(
        "recipes/math.yaml:7 stages[0]: there is no stage 'extrakt'; there are blocklist, classify,"
    )


def test_a_missing_key_is_named() -> None:
    assert change("    kind: pages\n", "") == "recipes/math.yaml:3 sources[0].kind: is missing"


def test_a_wrong_type_is_said() -> None:
    found = change("seq_len: 1024", "seq_len: many")
    assert found.startswith("recipes/math.yaml:12 shards.seq_len: 'many' does not fit: input should be a valid integer")


def test_a_word_that_is_not_allowed_is_said() -> None:
    found = change("kind: pages", "kind: webpages")
    assert found.startswith("recipes/math.yaml:5 sources[0].kind: 'webpages' does not fit: input should be 'pages', ")


def test_the_packing_is_one_of_three_by_name() -> None:
    assert parse(MINIMAL).shards.packing == "best-fit-decreasing"
    other = MINIMAL.replace("seq_len: 1024", "packing: concatenate-and-split")
    assert parse(other).shards.packing == "concatenate-and-split"
    assert change("seq_len: 1024", "packing: worst-fit") == (
        "recipes/math.yaml:12 shards.packing: 'worst-fit' does not fit: input should be 'best-fit-decreasing', "
        "'first-fit-decreasing' or 'concatenate-and-split'"
    )


def test_a_bad_selector_names_its_line() -> None:
    assert change("difficulty=hard", "difficulty=brutal").startswith("recipes/math.yaml:14 shards.groups.hard: ")


def test_a_missing_file_of_a_stage_names_its_line() -> None:
    found = change("- extract\n", "- extract\n  - decontaminate: {benchmarks: [gone.jsonl]}\n")
    assert found.startswith("recipes/math.yaml:8 stages[1].decontaminate")
    assert "gone.jsonl" in found


@pytest.mark.parametrize("share", [".nan", ".inf", "-1"])
def test_a_share_that_is_no_number_names_its_line(share: str) -> None:
    text = (
        MINIMAL + f"tokenize: {{tokenizer: 'mathmill:demo/tokenizer.json'}}\nmixture: {{groups: {{math: {share}}}}}\n"
    )
    assert sentence(text).startswith("recipes/math.yaml:17 mixture.groups.math: ")


def test_a_stage_in_the_wrong_place_is_a_mistake() -> None:
    found = change("  - extract\n  - classify: {threshold: 0.5}\n", "  - classify: {threshold: 0.5}\n  - extract\n")
    assert found.startswith(
        "recipes/math.yaml:7 stages[0].classify: classify needs the column 'text', which rows do not"
    )


def test_pages_without_extract_are_a_mistake() -> None:
    assert "need the stage `extract`" in change("  - extract\n", "  - language\n")


def test_a_key_twice_is_a_mistake() -> None:
    assert change("name: small\n", "name: small\nname: large\n") == (
        "recipes/math.yaml:2 name: this key stands here twice"
    )


def test_broken_yaml_names_its_line() -> None:
    assert change("name: small", "name: [small").startswith("recipes/math.yaml:2 is not valid YAML: ")


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "42"])
def test_what_is_no_mapping_is_no_recipe(text: str) -> None:
    assert "holds no mapping" in sentence(text)


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "aliases count each time" in sentence("\n".join(lines))


def test_deep_nesting_is_refused() -> None:
    assert "is not valid YAML" in sentence("a: " + "[" * 5000 + "]" * 5000)


def test_tags_that_make_objects_are_refused() -> None:
    assert "is not valid YAML" in sentence("name: !!python/object/apply:os.system ['true']\n")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        parse_recipe(b"\xff\xfe\x00name", Path("x.yaml"))


def test_a_missing_recipe_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no recipe .*; `mathmill init"):
        load_recipe(tmp_path / "none.yaml")


def test_the_same_recipe_has_the_same_digest_wherever_it_is_read() -> None:
    assert parse(MINIMAL).digest() == parse(MINIMAL + "\n# a comment\n").digest()
    assert parse(MINIMAL).digest() != parse(MINIMAL.replace("0.5", "0.6")).digest()


def test_a_curriculum_in_a_recipe_names_its_line() -> None:
    tokenize = "tokenize: {tokenizer: 'mathmill:demo/tokenizer.json'}\n"
    mixture = (
        "mixture:\n  total: 50B\n  curriculum:\n    shape: linear\n    points:\n"
        "      - {at: 0%, groups: {math: 7, hard: 3}}\n      - {at: 30B, groups: {math: 1, hard: 1}}\n"
    )
    recipe = parse(MINIMAL + tokenize + mixture)
    assert recipe.mixture is not None
    assert recipe.mixture.asked_of(50 * 10**9) == [28 * 10**9, 22 * 10**9]
    wrong = sentence(MINIMAL + tokenize + mixture.replace("30B", "half"))
    assert wrong.startswith("recipes/math.yaml:23 mixture.curriculum.points[1].at: 'half' is no point of training;")
    wrong = sentence(MINIMAL + tokenize + mixture.replace("hard: 3", "hrad: 3"))
    where = "recipes/math.yaml:22 mixture.curriculum.points[0].groups.hrad"
    assert wrong == f"{where}: 'hrad' is not one of `shards.groups` (hard, math)"
