import pyarrow as pa
import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from mathmill.core.schemas import DOCUMENT, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, StageContext
from mathmill.curation.language import (
    LANGUAGES,
    Language,
    LanguageConfig,
    LanguageIdentifierModel,
    primary_subtag,
    prose,
)

MODEL = LanguageIdentifierModel()

SENTENCES = {
    "en": [
        "Let f be a continuous function on a closed interval. Then f attains its maximum.",
        "Evaluate",
        "Solve for x.",
        "Problem 12",
        "Hence and so",
        "Yesterday we sat in the garden and drank coffee until it was dark.",
    ],
    "zh": [
        "设函数在闭区间上连续，证明它在该区间上取得最大值。",
        "關於這個問題，我們先證明質數有無窮多個，再說明為什麼。",
        "解：由题意得，故选 A",
        "在 Python 中，使用 numpy.array 创建数组，再调用 matrix.sum() 求和即可。",
        "日文的「の」相当于中文的“的”，这篇文章讲它的用法和历史，并举出一些常见的例子。",
    ],
    "ja": ["次の方程式を解け。解答は途中の計算も示すこと。", "閉区間上の連続関数は最大値をとることを証明せよ。"],
    "ko": ["처음 백 개의 수의 합을 구하고 풀이 과정을 설명하시오."],
    "de": [
        "Aufgabe 3. Zeige, dass es unendlich viele Primzahlen gibt.",
        "Berechne die Summe der ersten hundert Zahlen.",
    ],
    "fr": [
        "Calculer la somme des cent premiers nombres.",
        "Soit f une fonction continue. Alors f atteint son maximum.",
    ],
    "es": ["Calcula la suma de los cien primeros números y explica tu respuesta."],
    "ru": ["Пусть f непрерывна на отрезке. Тогда она достигает своего максимума."],
}


@pytest.mark.parametrize(("lang", "words"), [(lang, s) for lang, group in SENTENCES.items() for s in group])
def test_a_sentence_is_given_its_language(lang: str, words: str) -> None:
    found, score = MODEL.identify(words)
    assert found == lang
    assert 0.0 < score <= 1.0
    assert score * 1024 == int(score * 1024)


def test_text_without_letters_is_undetermined() -> None:
    assert MODEL.identify("1 + 1 = 2 \n ⓐ 3, ⓑ 5") == ("und", 0.0)


def test_prose_leaves_out_nested_and_unordered_holes() -> None:
    assert prose("abcdefghij", [(6, 8), (1, 4), (2, 3)]) == "a  ef ij"
    assert prose("abc", [(0, 3)]) == " "


def test_a_long_text_is_judged_by_its_start_and_its_middle() -> None:
    words = prose("a" * 10_000 + "b" * 10_000, [])
    assert (words.count("a"), words.count("b")) == (3_000, 1_000)


def test_region_and_script_do_not_matter() -> None:
    assert [primary_subtag(tag) for tag in ("zh-Hant-TW", "en_US", "EN", "zh")] == ["zh", "en", "en", "zh"]


def document(doc_id: str, text: str, **values: object) -> dict[str, object]:
    row = {"doc_id": doc_id, "source": "s", "locator": {"file": "f", "record": 0, "offset": 0}, "text": text}
    return {**row, "formulas": [], "blocks": [], "formula_counts": [], **values}


def run(rows: list[dict[str, object]], **config: object) -> dict[str, list[dict[str, object]]]:
    stage = Language(LanguageConfig(**config))
    stage.open(StageContext(scratch=None))  # type: ignore[arg-type]
    ports: dict[str, list[dict[str, object]]] = {OUT: [], DROPPED_PORT: []}
    for port, batch in stage.process(iter([to_batch(rows, DOCUMENT)])):
        ports[port] += batch.to_pylist()
        assert port != OUT or batch.schema == DOCUMENT
    return ports


def test_other_languages_are_dropped_with_their_score_and_name() -> None:
    ports = run([document(lang, SENTENCES[lang][1]) for lang in ("en", "de", "zh")])
    assert [(row["doc_id"], row["lang"]) for row in ports[OUT]] == [("en", "en"), ("zh", "zh")]
    (dropped,) = ports[DROPPED_PORT]
    assert {k: dropped[k] for k in ("id", "stage", "reason", "detail")} == {
        "id": "de", "stage": "language", "reason": "other_language", "detail": "de",
    }  # fmt: skip
    assert dropped["score"] > 0.5


def test_formulas_and_code_do_not_decide() -> None:
    formula = (
        r"$\operatorname{Hom}_{\mathcal{C}}(\varprojlim \Omega, \sin \alpha) \leq \sum_{k} \mathrm{die} \mathrm{und}$"
    )
    text = f"Prove that {formula} holds. " + "der die das und nicht ist ein eine für auf mit dem den " * 5
    code = {"start": text.index("der"), "end": len(text), "role": "code"}
    span = {"start": text.index("$"), "end": text.index("$") + len(formula), "display": False, "encoding": "tex"}
    assert run([document("1", text, formulas=[span], blocks=[code])])[OUT][0]["lang"] == "en"
    assert run([document("1", text, formulas=[span])])[DROPPED_PORT][0]["detail"] == "de"


def test_a_stated_language_is_believed_and_still_compared() -> None:
    german = SENTENCES["de"][0]
    rows = [document("1", german, lang="zh-Hans"), document("2", SENTENCES["en"][0], lang="fr")]
    ports = run(rows)
    assert [(row["doc_id"], row["lang"], row["lang_score"]) for row in ports[OUT]] == [("1", "zh-Hans", None)]
    assert [(row["id"], row["detail"], row["score"]) for row in ports[DROPPED_PORT]] == [("2", "fr", 1.0)]
    assert run(rows, keep=["fr", "zh"])[DROPPED_PORT] == []


def test_results_do_not_depend_on_batches() -> None:
    rows = [document(str(i), text) for i, text in enumerate(s for group in SENTENCES.values() for s in group)]
    stage = Language(LanguageConfig(keep=tuple(SENTENCES)))
    stage.open(StageContext(scratch=None))  # type: ignore[arg-type]
    batch = to_batch(rows, DOCUMENT)
    slices = [batch.slice(i, 3) for i in range(0, len(rows), 3)]
    parts = [b for port, b in stage.process(iter(slices)) if port == OUT]
    (whole,) = [b for port, b in stage.process(iter([batch])) if port == OUT]
    assert pa.Table.from_batches(parts).combine_chunks().equals(pa.Table.from_batches([whole]))


def test_the_compiled_walk_gives_the_scores_of_py3langid() -> None:
    plain = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    plain.set_languages(LANGUAGES)
    for words in [*(s for group in SENTENCES.values() for s in group), "", "。", "x", "SHOUTED \ud800"]:
        assert MODEL._model.rank(words) == plain.rank(words)
