from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathmill.classifiers import bundled
from mathmill.core.errors import ConfigError
from mathmill.core.schemas import DOCUMENT, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT, StageContext
from mathmill.curation.classify import Classify, ClassifyConfig

TEXTS = [
    r"Let $f(x)=x^2-3x+2$. Then $f'(x)=2x-3$, so the minimum of $f$ is at $x=\frac{3}{2}$.",
    "The village lies by the river. Its market is held on Saturdays, and most visitors come by train in summer.",
    "设函数 $f(x)=x^2$，求它在 $x=1$ 处的切线方程。解：因为 $f'(1)=2$，所以切线为 $y=2x-1$。",
    "春天来了，院子里的桃花开了，孩子们放学以后总要在树下玩上半天，直到天黑才回家吃饭。",
]


def batch(texts: list[str]) -> pa.RecordBatch:
    empty = {"formulas": [], "blocks": [], "formula_counts": []}
    locator = {"file": "f", "record": 0, "offset": 0}
    rows = [{"doc_id": str(i), "source": "s", "locator": locator, "text": t, **empty} for i, t in enumerate(texts)]
    return to_batch(rows, DOCUMENT)


def opened(**config: object) -> Classify:
    stage = Classify(ClassifyConfig.model_validate(config))
    stage.open(StageContext(scratch=Path()))
    return stage


def test_pages_without_math_are_dropped_with_their_score() -> None:
    stage = opened()
    ports = dict(stage.process(iter([batch(TEXTS)])))
    assert ports[OUT].schema == DOCUMENT
    assert ports[OUT].column("doc_id").to_pylist() == ["0", "2"]
    scores = bundled("math").predict_proba(TEXTS)[:, 0]
    np.testing.assert_array_equal(ports[OUT].column("math_score").to_numpy(), scores[[0, 2]])
    dropped = ports[DROPPED_PORT].to_pylist()
    assert [(d["id"], d["stage"], d["reason"], d["score"]) for d in dropped] == [
        ("1", "classify", "not_math", scores[1]),
        ("3", "classify", "not_math", scores[3]),
    ]


def test_a_page_at_the_threshold_stays() -> None:
    score = float(bundled("math").predict_proba(TEXTS[1:2])[0, 0])
    assert OUT in dict(opened(threshold=score).process(iter([batch(TEXTS[1:2])])))
    assert OUT not in dict(opened(threshold=score + 1 / 2048).process(iter([batch(TEXTS[1:2])])))
    assert len(dict(opened(threshold=0.0).process(iter([batch(TEXTS)])))[OUT]) == len(TEXTS)


def test_a_model_folder_can_be_named_by_its_path() -> None:
    folder = str(bundled("math").folder)
    assert dict(opened(model=folder).process(iter([batch(TEXTS)])))[OUT].num_rows == 2
    assert ClassifyConfig(model=folder).file_paths() == ClassifyConfig().file_paths()


def test_the_models_files_are_part_of_the_tasks_identity() -> None:
    paths = [Path(path) for path in ClassifyConfig().file_paths()]
    assert [path.name for path in paths] == ["card.json", "model.npz"]
    assert all(path.is_file() for path in paths)


def test_a_missing_model_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is missing"):
        opened(model=str(tmp_path / "nothing"))
