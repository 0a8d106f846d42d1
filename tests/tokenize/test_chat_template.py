"""Templates see what they need and nothing else, and end."""

import json
from pathlib import Path

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from mathmill.core.errors import ConfigError
from mathmill.tokenize.chat.render import _BUNDLED
from mathmill.tokenize.chat.template import ChatTemplate, RefusedError

FOLDER = Path(__file__).with_name("templates")
MESSAGES = [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]
LOUD = "{% set x = 'a' %}" + "{% set x = x ~ x %}" * 60
DEEP = "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "more than 300,000 steps"),
        ("{% for a in range(999999999) %}{% endfor %}", "Range too big"),
        ("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "recursion"),
        ("{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}", "300,000 steps"),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "recursion"),
        ("{{ 'a' * 10**9 }}", "too large"),
        ("{{ 10**10**10 }}", "too large"),
        ("{% set x = 9 %}" + "{% set x = x * x %}" * 60, "too large"),
        ("{{ '%1000000000d' % 1 }}", "pads a text too far"),
        ("{{ '{:1000000000}'.format(1) }}", "too long"),
        ("{{ '{:{w}}'.format(1, w=10**9) }}", "a width or a count"),
        ("{{ 'a'.ljust(10**9) }}", "a width or a count"),
        ("{{ ('a' * 10000).replace('a', 'b' * 10000) }}", "too long"),
        (LOUD, "too large"),
        (DEEP + "{{ x }}", "too large"),
        (DEEP + DEEP.replace("x", "y") + "{{ x == y }}", "too large"),
        ("{% for m in messages %}{% for a in range(9999) %}{{ 'a' * 9999 }}{% endfor %}{% endfor %}", "too much text"),
        ("{% for i in range(300) %}{{ 'x' * 200000 }}{% endfor %}", "too much text"),
        ("{% for m in messages %}{% for i in range(600) %}{{ 'x' * 1000 }}{% endfor %}{% endfor %}", "too much text"),
        ("{% for i in range(90000) %}{% set x = range(99999) | list %}{% endfor %}", "300,000 steps"),
        ("{{ ''.__class__.__mro__ }}", "reaches for"),
        ("{{ messages.append(1) }}", "reaches for"),
        ("{{ raise_exception.__globals__.os }}", "reaches for"),
        ("{% set ns = namespace(__class__=1) %}", "reaches for"),
        ("{{ 'x' | center(9) }}", "No filter named 'center'"),
        ("{{ ((1) }}", r"not valid: .* \(line 1\)"),
        ("{{" + "(" * 5000, "not valid"),
        ("x" * (1 << 21), "2,097,152 characters"),
    ],
)
def test_a_hostile_template_ends_in_one_sentence(template: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as error:
        ChatTemplate(template).text(MESSAGES)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}",
        "{{ x.y.z }}",
        "{{ strftime_now('%Y') }}",
        "{{ messages[7].content + 'a' }}",
        "{{ 1 / 0 }}",
        "{% include 'a' %}",
    ],
)
def test_what_a_template_says_of_a_conversation_is_no_fault_of_the_recipe(template: str) -> None:
    with pytest.raises(RefusedError):
        ChatTemplate(template).text(MESSAGES)


def test_hidden_things_are_not_there() -> None:
    for name in ("lipsum", "cycler", "joiner", "self.__init__", "raise_exception.__globals__", "_steps", "environment"):
        assert ChatTemplate(f"{{{{ {name} }}}}").text(MESSAGES) == ""


def test_today_is_the_day_that_the_recipe_states() -> None:
    source = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}26 Jul 2024{% endif %}"
    assert ChatTemplate(source).text(MESSAGES) == "26 Jul 2024"
    assert ChatTemplate(source, date="2025-01-31").text(MESSAGES) == "31 Jan 2025"
    assert ChatTemplate(source, date="2025-01-31").digest != ChatTemplate(source).digest


def test_the_strings_that_a_template_looks_for_are_known() -> None:
    source = (
        "{% set end = '</t>' %}{% if end in m.content or m.role == 'user' %}{{ m.content.split('<t>')[-1] }}"
        "{{ 'written' + m.content | replace('a', 'b') }}{% endif %}"
    )
    assert ChatTemplate(source).tested == ("</t>", "user", "<t>", "a", "b")


def test_how_much_a_template_may_write_grows_with_the_messages() -> None:
    template = ChatTemplate("{% for m in messages %}{% for i in range(10) %}{{ m.content }}{% endfor %}{% endfor %}")
    assert len(template.text([{"role": "user", "content": "x" * 200_000}])) == 2_000_000
    header = ChatTemplate("{% for m in messages %}{{ '-' * 500 }}{{ m.content }}{% endfor %}")
    assert len(header.text([{"role": "user", "content": "x"}] * 3000)) == 3000 * 501


def test_the_strings_that_a_template_writes_are_known() -> None:
    source = (
        "<|a|>{% set end = '<|b|>' %}{% if '<|c|>' in m.content and m.content.startswith('<|d|>') %}{{ end ~ '<|e|>' }}"
        "{{ f('<|g|>') }}{% endif %}"
    )
    assert ChatTemplate(source).written == ("<|a|>", "<|b|>", "<|e|>", "<|g|>")


TEXTS = ["", "Hi\n", " {{ 7*7 }} 想 \U000f0000", "<think>\nx\n</think>\n\ny<|im_end|>", 'a "quoted" \\n \t text']


@pytest.mark.parametrize("name", ["chatml", "llama3", "qwen2.5-math", "thinking", "mistral", "gemma", "words"])
def test_texts_are_those_of_transformers(name: str) -> None:
    source = _BUNDLED.get(name, FOLDER / f"{name}.jinja").read_text("utf-8")
    _check_against_transformers(source)


def test_texts_of_a_template_in_use_are_those_of_transformers(shared_data: Path) -> None:
    for name in ("qwen3", "smollm2"):
        meta = json.loads((shared_data / "tokenizers" / name / "tokenizer_meta.json").read_text())
        _check_against_transformers(meta["chat_template"])


def _check_against_transformers(source: str) -> None:
    special = {"bos_token": "<s>", "eos_token": "</s>"}
    template = ChatTemplate(source, special)
    for asked in TEXTS:
        for said in TEXTS:
            messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}] * 2
            for prompt in (False, True):
                ((expected,), _) = render_jinja_template(
                    [messages], chat_template=source, add_generation_prompt=prompt, **special
                )
                assert template.text(messages, prompt) == expected
