"""Train on a packed data set with TRL; the settings are in train.json beside this file.

It needs `trl` and `datasets` and nothing of mathmill's, so that it runs wherever the folder is copied to.
"""

import json
from pathlib import Path
from typing import Any

from datasets import load_from_disk  # type: ignore[import-untyped]
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]


def main() -> None:
    """Train, going on from the last checkpoint where there is one, and save the model."""
    here = Path(__file__).resolve().parent
    settings: dict[str, Any] = json.loads((here / "train.json").read_text("utf-8"))
    arguments = SFTConfig(**settings["sft"])
    rows = load_from_disk(settings["data"])
    held_out = None
    if settings["held_out"]:
        parts = rows.train_test_split(test_size=settings["held_out"], seed=settings["seed"])
        rows, held_out = parts["train"], parts["test"]
    trainer = SFTTrainer(
        model=settings["model"],
        args=arguments,
        train_dataset=rows,
        eval_dataset=held_out,
        processing_class=AutoTokenizer.from_pretrained(settings["tokenizer"]),
    )
    trainer.train(resume_from_checkpoint=any(Path(settings["sft"]["output_dir"]).glob("checkpoint-*")) or None)
    trainer.save_model(settings["out"])


if __name__ == "__main__":
    main()
