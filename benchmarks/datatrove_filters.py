"""Run datatrove's quality filters in a Python that has them, for the benchmarks that compare with them.

    PYTHON benchmarks/datatrove_filters.py < documents.jsonl > verdicts.json

A line of the input is {"text": ..., "lang": "en" | "zh"}; the output says for each filter the reason for which it drops
each document, or null, and the CPU seconds that it took on one core. PYTHON needs `datatrove[processing,multilingual]`,
with jieba for Chinese; where its tokenizer for a language is missing, English takes its place.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILTERS = ("GopherQualityFilter", "GopherRepetitionFilter", "C4QualityFilter", "FineWebQualityFilter")
Verdicts = dict[str, dict[str, Any]]


def run_datatrove(python: Path | None, documents: Sequence[dict[str, str]]) -> Verdicts | None:
    """The verdicts on some documents, by filter; None where that Python is missing or has no datatrove filters."""
    if python is None or not python.exists():
        return None
    lines = "\n".join(json.dumps(document) for document in documents)
    done = subprocess.run([python, __file__], input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Judge the documents on standard input."""
    from datatrove.data import Document
    from datatrove.pipeline import filters

    documents = [json.loads(line) for line in sys.stdin]
    verdicts: Verdicts = {}
    for name in FILTERS:
        judges = {}
        for lang, language in (("en", "eng"), ("zh", "zho")):
            judges[lang] = getattr(filters, name)(language=language)
            try:
                judges[lang].filter(Document(text="Warm up. 热身。 " * 20, id="0"))
            except Exception as error:
                print(f"{name}, {language}: {error}", file=sys.stderr)
                judges[lang] = judges["en"]
        reasons = []
        started = time.process_time()
        for document in documents:
            judged = judges[document["lang"]].filter(Document(text=document["text"], id="0"))
            reasons.append(None if judged is True else judged[1] if isinstance(judged, tuple) else "dropped")
        verdicts[name] = {"reasons": reasons, "seconds": time.process_time() - started}
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
