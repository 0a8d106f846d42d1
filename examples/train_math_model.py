"""Make the bundled math classifier: `python examples/train_math_model.py DATA [--crawl DIR]`.

DATA is a folder with labelled pages (`web/*.warc.gz`, `*.labels.jsonl`), math and general texts (`text/*.jsonl.zst`)
and problems (`problems/*.jsonl.zst`); `--crawl` adds Chinese pages from the generator of the example crawl, of another
seed than the bundled one: `python examples/build_crawl.py --seed 7 --out DIR`. Nothing of the data is copied; the card
names every source with its licence. Benchmarks are never read.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType

from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import MODELS, QUANTUM, Card, save
from mathmill.classifiers.train import (
    Example,
    TrainConfig,
    fit_calibration,
    held_out_log_probs,
    precision_at_recall,
    precision_recall,
    roc_auc,
    train,
)
from mathmill.core.mathtext import find_formulas
from mathmill.curation.extract import extract_html

LABELS = ("math", "other")
SEED = 20_250_102

BARE, WORDS_ONLY = 0.25, 0.25
"""Shares of math texts that lose the dollars around formulas, or the formulas: words must tell as well."""

SAME_ORIGIN = {
    "planetmath/11-number-theory": "planetmath.org",
    "cp-algorithms": "cp-algorithms.com",
    "d2l-en": "d2l.ai (rendered)",
    "openstax/prealgebra-2e": "openstax",
    "wikitext-2/valid+test": "en.wikipedia.org",
}
"""Sources that are the same work as a site: held out together."""


def main() -> None:
    """Train, evaluate on unseen sites, calibrate and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--crawl", type=Path, help="folder with crawl.warc.gz and truth.jsonl")
    parser.add_argument("--out", type=Path, default=MODELS / "math")
    arguments = parser.parse_args()

    whole = list(pages(arguments.data))
    examples = [*whole, *pieces_of(whole), *texts(arguments.data), *problems(arguments.data), *everyday_numbers()]
    if arguments.crawl:
        crawled = list(crawl_pages(arguments.crawl))
        examples += [*crawled, *pieces_of(crawled, 4)]
    normaliser, config = Normaliser(log_counts=True), TrainConfig()
    log_probs = held_out_log_probs(examples, folds(examples), LABELS, normaliser, config)
    judged = np.array([example.source.startswith("web/") for example in examples])
    page_examples = [example for example, page in zip(examples, judged, strict=True) if page]
    truth = np.array([LABELS.index(example.label) for example in page_examples])
    calibration = fit_calibration(log_probs[judged], truth, site_weights(page_examples))
    scores = np.round(calibration.apply(log_probs[judged])[:, 0] / QUANTUM) * QUANTUM
    model = train(examples, LABELS, normaliser, config)
    card = Card(
        name="math",
        labels=LABELS,
        normaliser=normaliser,
        calibration=calibration,
        description="Is a page about mathematics: formulas, or mathematical reasoning in words? English and Chinese.",
        training={**config.model_dump(mode="json"), "texts": len(examples)},
        data=sources(examples, LABELS),
        metrics=metrics(page_examples, scores),
        thresholds=threshold_table(page_examples, scores),
    )
    save(arguments.out, model, card)
    (arguments.out / "README.md").write_text(readme(card), encoding="utf-8")
    print(readme(card))


# --- data -------------------------------------------------------------------------------------------------------------


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL file, zstd-compressed where its name says so."""
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file).read() if path.suffix == ".zst" else file.read()
    return [json.loads(line) for line in data.decode().splitlines()]


def pages(data: Path) -> Iterator[Example]:
    """Yield the labelled pages, as their extracted text; pages whose label is unknown are left out."""
    for name in ("math_pages", "nonmath_pages"):
        labels = {label["record_id"]: label for label in read_jsonl(data / "web" / f"{name}.labels.jsonl")}
        with open(data / "web" / f"{name}.warc.gz", "rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
                label = labels[record.headers["WARC-Record-ID"]]
                if label["is_math"] is None:
                    continue
                page = extract_html(record.reader.read(), label["url"], record.http_headers.get("Content-Type"))
                name_of_label = "math" if label["is_math"] else "other"
                site = "openstax" if label["site"].startswith("openstax") else label["site"].replace(".org FAQ", " FAQ")
                yield Example(page.text, name_of_label, site, label["lang"], f"web/{site}", label["license"])


def texts(data: Path, per_source: int = 120) -> Iterator[Example]:
    """Yield pieces of many lengths of math and general texts, at most `per_source` of each; some without dollars."""
    rng = np.random.default_rng(SEED)
    for label, name in (("math", "math"), ("other", "general")):
        by_source: dict[str, list[dict[str, Any]]] = {}
        for row in read_jsonl(data / "text" / f"{name}.jsonl.zst"):
            by_source.setdefault(row["source"], []).append(row)
        for source, rows in by_source.items():
            for i in rng.permutation(len(rows))[:per_source]:
                text = piece(rows[i]["text"], rng)
                if label == "math":
                    text = weakened(text, rng)
                group = SAME_ORIGIN.get(source, source)
                yield Example(text, label, group, rows[i]["lang"], f"text/{source}", rows[i]["license"])


def pieces_of(examples: Sequence[Example], per_page: int = 2) -> Iterator[Example]:
    """Yield parts of pages, so that not only whole pages are known."""
    rng = np.random.default_rng(SEED + 3)
    for example in examples:
        if len(example.text) > 600:
            for _ in range(per_page):
                text = piece(example.text, rng)
                text = weakened(text, rng) if example.label == "math" else text
                yield replace(example, text=text, source=f"pieces/{example.group}")


def piece(text: str, rng: np.random.Generator) -> str:
    """Cut a piece of 300 to 12,000 characters (log-uniform) out of a text."""
    size = int(300 * 40 ** rng.random())
    start = int(rng.integers(0, max(1, len(text) - size)))
    return text[start : start + size]


def weakened(text: str, rng: np.random.Generator) -> str:
    """Take the dollars or the formulas out of some texts."""
    fate = rng.random()
    if fate < BARE:
        return text.replace("$", "")
    if fate < BARE + WORDS_ONLY:
        start, kept = 0, []
        for formula in find_formulas(text):
            kept.append(text[start : formula.start])
            start = formula.end
        return "".join([*kept, text[start:]])
    return text


def problems(data: Path, per_source: int = 150) -> Iterator[Example]:
    """Yield made-up pages of one to eight problems of one source, with their solutions half of the time."""
    rng = np.random.default_rng(SEED + 1)
    for path in sorted((data / "problems").glob("*.jsonl.zst")):
        if path.name.startswith("pot_"):  # programs
            continue
        rows = read_jsonl(path)
        order = iter(rng.permutation(len(rows)).tolist())
        for _ in range(per_source):
            chosen = [rows[i] for i, _ in zip(order, range(int(rng.integers(1, 9))), strict=False)]
            if not chosen:
                break
            zh, solved = chosen[0]["lang"] == "zh", rng.random() < 0.5
            parts = []
            for number, row in enumerate(chosen, 1):
                parts.append(f"{number}. {row['question']}")
                if solved and row["solution"] and row.get("solution_kind") != "equation":
                    parts.append(f"{'解：' if zh else 'Solution. '}{row['solution']}")
            group = SAME_ORIGIN.get(chosen[0]["source"], f"problems/{path.name.split('.')[0]}")
            text = weakened("\n\n".join(parts), rng)
            yield Example(text, "math", group, chosen[0]["lang"], f"problems/{path.name}", chosen[0]["license"])


def crawl_pages(crawl: Path) -> Iterator[Example]:
    """Yield the Chinese pages of an example crawl and its English pages without math, by its ground truth."""
    with open(crawl / "crawl.warc.gz", "rb") as file:
        for row in read_jsonl(crawl / "truth.jsonl"):
            plain = row["reason"] == "not_math"
            math = row["outcome"] == "kept" and row["formulas"] and row["lang"] == "zh"
            if math or (plain and row["lang"] in ("en", "zh")):
                file.seek(row["offset"])
                record = next(iter(ArchiveIterator(file, parse_http=True)))
                text = extract_html(record.reader.read(), row["url"]).text
                label = "other" if plain else "math"
                yield Example(text, label, f"crawl {row['site']}", row["lang"], "example crawl", "Apache-2.0")


EVERYDAY = {
    "en": (
        "The {n}-bedroom flat costs ${p} a month, bills of ${q} not included; viewing on {d}/{m}/{y} at {h}:30.",
        "Mix {n} cups of flour with {m} eggs and {q} g of butter, bake at {p} degrees for {h} minutes.",
        "{n} : {m} was the final score; the visitors led {h} : 2 until minute {q}.",
        "Flight {p} leaves gate {n} at {h}:{q} and arrives at {m}:45, {y}-{m}-{d}.",
        "In {y} the town had {p} inhabitants, {q} % of whom worked in its {n} factories.",
        "Order no. {p}-{q}: {n} x USB cable ({m} m), ${h}.99 each. Call 555-{p}.",
        "The share rose {n}.{m} % to ${q}.{h}, its highest since {y}; turnover was ${p} million.",
        "Tomorrow {n} to {m} degrees, wind {h} km/h, rain {q} %. Sunrise 0{h}:{d}.",
        "Version {n}.{m}.{h} fixes {q} bugs and needs {p} MB of disk space.",
        "Section {n}({m}) of the {y} Act applies to fines over ${p}, see pages {q}-{p}.",
    ),
    "zh": (
        "本店地址：人民路{p}号，营业时间{h}:00至2{m}:30，电话010-{p}{q}，人均消费{q}元。",
        "取面粉{p}克、鸡蛋{n}个、白糖{q}克，搅拌均匀后放入烤箱，{p}度烤{q}分钟。",
        "{y}年{m}月{d}日，比赛以{n}比{h}结束，主队在第{q}分钟打进关键一球。",
        "G{p}次列车{h}:{q}从北京南站出发，票价{p}元，全程{n}小时{q}分。",
        "全市常住人口{p}万人，比上年增长{n}.{m}%，其中老年人口占{q}%。",
        "手机配备{n}.{m}英寸屏幕，电池容量{p}毫安时，售价{q}99元起。",
        "该股今日收于{q}.{n}元，上涨{m}.{h}%，成交额{p}亿元。",
        "明天多云，气温{n}到{q}摄氏度，东南风{m}级，空气质量指数{p}。",
        "据记者报道，这座始建于{y}年的古桥全长{p}米，宽{n}米，去年接待游客{q}万人次。",
        "他{n}岁开始学画，{y}年考入美术学院，先后举办过{m}次个人画展，作品为多家博物馆收藏。",
        "小区物业通知：{m}月{d}日{h}时至1{n}时停水，请各住户提前储水。",
        "春天来了，院子里的桃花开了，孩子们放学以后总要在树下玩上半天。",
        "唐代诗人多有游历，其诗或写山水，或叹别离，至今仍为人传诵。",
        "会议强调，要坚持以人民为中心，扎实推进乡村振兴，提高公共服务水平。",
    ),
}
"""Numbers, prices, dates and scores that are no mathematics."""


def everyday_numbers(per_language: int = 250) -> Iterator[Example]:
    """Yield machine-made texts that are full of numbers and are not math."""
    rng = np.random.default_rng(SEED + 2)
    for lang, sentences in EVERYDAY.items():
        for number in range(per_language):
            parts = []
            for _ in range(int(rng.integers(2, 30))):
                values = {
                    **dict(zip("nmhd", rng.integers(1, 10, 4).tolist(), strict=True)),
                    "q": int(rng.integers(10, 60)),
                    "p": int(rng.integers(100, 2000)),
                    "y": int(rng.integers(1800, 2026)),
                }
                parts.append(sentences[int(rng.integers(len(sentences)))].format(**values))
            text = ("\n" if number % 3 else " ").join(parts)
            yield Example(
                text, "other", f"machine-made {lang} {number % 4}", lang, f"machine-made/{lang}", "Apache-2.0"
            )


# --- evaluation -------------------------------------------------------------------------------------------------------


def folds(examples: Sequence[Example], n_folds: int = 8) -> list[set[str]]:
    """Deal the sites out to folds, largest first, each to the fold with the fewest pages of its label."""
    counts: dict[tuple[str, str], int] = {}
    for example in examples:
        if example.source.startswith("web/"):
            key = (example.group, example.label)
            counts[key] = counts.get(key, 0) + 1
    result: list[set[str]] = [set() for _ in range(n_folds)]
    loads = np.zeros((n_folds, len(LABELS)))
    for (group, label), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if any(group in fold for fold in result):
            continue
        fold = int(np.argmin(loads[:, LABELS.index(label)]))
        result[fold].add(group)
        loads[fold, LABELS.index(label)] += count
    return result


def site_weights(examples: Sequence[Example]) -> np.ndarray:
    """Weigh pages so that a site of a hundred pages counts ten times one of a single page, and both labels alike."""
    groups = [(example.group, example.label) for example in examples]
    weights = np.array([groups.count(group) ** -0.5 for group in groups])
    for label in LABELS:
        mine = np.array([example.label == label for example in examples])
        weights[mine] /= weights[mine].sum()
    return weights * len(examples) / 2


def metrics(examples: Sequence[Example], scores: np.ndarray) -> dict[str, Any]:
    """ROC-AUC over all, by language and by site (mean score and accuracy at 0.5), all on sites never seen."""
    positive = np.array([example.label == "math" for example in examples])
    result: dict[str, Any] = {
        "pages": len(examples),
        "roc_auc": round(roc_auc(scores, positive), 4),
        "precision_at_recall_0.95": round(precision_at_recall(scores, positive, 0.95), 4),
        "lang": {},
    }
    for lang in ("en", "zh"):
        mine = np.array([example.lang == lang for example in examples])
        precision, recall = precision_recall(scores[mine], positive[mine], 0.5)
        result["lang"][lang] = {
            "pages": int(mine.sum()),
            "roc_auc": round(roc_auc(scores[mine], positive[mine]), 4),
            "precision_at_recall_0.95": round(precision_at_recall(scores[mine], positive[mine], 0.95), 4),
            "precision_at_0.5": round(precision, 4),
            "recall_at_0.5": round(recall, 4),
        }
    bins = np.minimum((scores * 10).astype(int), 9)
    gaps = [abs(positive[bins == b].mean() - scores[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    result["expected_calibration_error"] = round(float(sum(gaps)), 4)
    result["site"] = {}
    for site in sorted({example.group for example in examples}):
        mine = np.array([example.group == site for example in examples])
        result["site"][site] = {
            "math": int(positive[mine].sum()),
            "other": int((~positive[mine]).sum()),
            "accuracy_at_0.5": round(float(((scores[mine] >= 0.5) == positive[mine]).mean()), 4),
        }
    return result


def threshold_table(examples: Sequence[Example], scores: np.ndarray) -> list[dict[str, float]]:
    """Precision and recall of "math" by threshold."""
    positive = np.array([example.label == "math" for example in examples])
    table = []
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        precision, recall = precision_recall(scores, positive, threshold)
        table.append({"threshold": threshold, "precision": round(precision, 4), "recall": round(recall, 4)})
    return table


def sources(examples: Sequence[Example], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Count the texts of each source by label and name their licences."""
    table: dict[str, dict[str, Any]] = {}
    for example in examples:
        row = table.setdefault(example.source, {"source": example.source, **dict.fromkeys(labels, 0), "license": set()})
        row[example.label] += 1
        row["license"].add(example.license)
    return [{**table[name], "license": sorted(table[name]["license"])} for name in sorted(table)]


def readme(card: Card) -> str:
    """Write the card for people."""
    m = card.metrics
    lines = [
        f"# Classifier `{card.name}`",
        "",
        card.description,
        f"Made by `examples/train_math_model.py`; fastText, quantised, one thread, seed {SEED}.",
        "",
        "Every figure is on pages of sites that the scoring model had not seen (8 folds of whole sites). The settings",
        "were compared on these same folds, so expect slightly less elsewhere.",
        "",
        "| language | pages | ROC-AUC | precision at recall 0.95 | precision at 0.5 | recall at 0.5 |",
        "|---|---|---|---|---|---|",
        *(
            f"| {lang} | {v['pages']} | {v['roc_auc']} | {v['precision_at_recall_0.95']} "
            f"| {v['precision_at_0.5']} | {v['recall_at_0.5']} |"
            for lang, v in m["lang"].items()
        ),
        "",
        f"All {m['pages']} pages: ROC-AUC {m['roc_auc']}, precision {m['precision_at_recall_0.95']} at recall 0.95.",
        f"Expected calibration error (fitted on the same scores): {m['expected_calibration_error']}.",
        "",
        "| threshold | precision | recall |",
        "|---|---|---|",
        *(f"| {row['threshold']} | {row['precision']} | {row['recall']} |" for row in card.thresholds),
        "",
        "| site | math pages | other pages | accuracy at 0.5 |",
        "|---|---|---|---|",
        *(f"| {s} | {v['math']} | {v['other']} | {v['accuracy_at_0.5']} |" for s, v in m["site"].items()),
        "",
        "## Data",
        "| source | math | other | licence |",
        "|---|---|---|---|",
        *(f"| {r['source']} | {r['math']} | {r['other']} | {', '.join(r['license'])} |" for r in card.data),
        "",
        "Limits: few real Chinese pages, those of the example crawl are machine-made; no other languages.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
