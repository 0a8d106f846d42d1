"""The critique on a language model: a reward head on the last token, or on the mean, of any decoder of transformers.

Trained by the pairwise loss of Bradley and Terry (Ouyang et al. 2022, arXiv:2203.02155) and by the log loss against
reference scores, each text read once for all of its pairs. The folder is a usual one of a model for sequence
classification with one label, so that TRL's RewardTrainer can go on with it, and one trained there serves here.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import transformers
from pydantic import Field
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from mathmill.classifiers.critique_data import CritiqueData, prompt_text
from mathmill.core.config import Config
from mathmill.core.errors import ConfigError

Report = Callable[[int, int, float], None]
"""Called with the step, the number of steps, and the loss."""


class HeadConfig(Config):
    """`mathmill critique train --set`, with --base."""

    pooling: Literal["last", "mean"] = "last"  # of the final hidden states; other tools know only "last"
    max_tokens: int = Field(default=512, ge=8)  # of longer texts the middle is left out
    epochs: int = Field(default=2, ge=1)
    batch: int = Field(default=16, ge=2)  # texts; those of a question stay together, so that some have more
    learning_rate: float = Field(default=2e-5, gt=0)
    head_learning_rate: float = Field(default=1e-3, gt=0)
    trained_layers: int | None = Field(default=None, ge=0)  # the last so many blocks; None: the whole model
    pair_weight: float = Field(default=1.0, ge=0)
    score_weight: float = Field(default=1.0, ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)  # share of the steps; then the rates fall to 0 linearly
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    device: str = "auto"
    seed: int = 20_250_102


class HeadCritic:
    """A `RawScorer` over transformers."""

    kind: Literal["linear", "head"] = "head"

    def __init__(self, model: Any, tokenizer: Any, config: HeadConfig, base: str) -> None:
        self.config, self.base = config, base
        self._device = torch.device(_device(config.device))
        self.model, self.tokenizer = model.to(self._device), tokenizer
        self._pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        if self._pad is None:
            raise ConfigError(f"the tokenizer of {base} has neither a pad nor an end token")
        model.config.pad_token_id, model.config.use_cache = self._pad, False

    def raw(self, questions: Sequence[str], solutions: Sequence[str]) -> np.ndarray:
        """See `RawScorer`."""
        texts = self.encode(questions, solutions)
        result = np.zeros(len(texts))
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        self.model.eval()
        with torch.inference_mode():
            for start in range(0, len(order), self.config.batch):
                mine = order[start : start + self.config.batch]
                result[mine] = self.scores([texts[i] for i in mine]).float().cpu().numpy()
        return result

    def encode(self, questions: Sequence[str], solutions: Sequence[str]) -> list[list[int]]:
        """Tokens of each question with its solution and the end token; of long ones the beginning and the end."""
        joined = [prompt_text(question) + solution for question, solution in zip(questions, solutions, strict=True)]
        most, end = self.config.max_tokens, self.tokenizer.eos_token_id
        texts = []
        for ids in self.tokenizer(joined)["input_ids"]:
            ids = ids if end is None or ids[-1:] == [end] else [*ids, end]
            texts.append(ids if len(ids) <= most else ids[: most // 2] + ids[len(ids) - (most - most // 2) :])
        return texts

    def scores(self, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Raw scores of texts, (n,), with gradients where they are wanted."""
        lengths = torch.tensor([len(text) for text in texts])
        ids = torch.full((len(texts), int(lengths.max())), self._pad)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text)
        mask = torch.arange(ids.shape[1])[None, :] < lengths[:, None]
        ids, mask, lengths = ids.to(self._device), mask.to(self._device), lengths.to(self._device)
        states = self.model.base_model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self.config.pooling == "last":
            pooled = states[torch.arange(len(texts), device=self._device), lengths - 1]
        else:
            pooled = (states * mask[:, :, None]).sum(dim=1) / lengths[:, None]
        scores: torch.Tensor = self.model.score(pooled.to(self.model.score.weight.dtype))[:, 0]
        return scores

    def settings(self) -> dict[str, Any]:
        """See `RawScorer`."""
        return self.config.model_dump(mode="json") | {"device": "auto"}

    def save(self, folder: Path) -> None:
        """See `RawScorer`; weights as safetensors."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path, settings: dict[str, Any]) -> "HeadCritic":
        """Read what `save` wrote. Raises ValueError or OSError."""
        config = HeadConfig.model_validate(settings)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
        return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), config, folder.name)


def fit_head_critic(
    data: CritiqueData, base: str | Path, config: HeadConfig | None = None, report: Report | None = None
) -> HeadCritic:
    """Put a head on a model (a folder, or a GGUF file, whose weights are taken as float32) and train both."""
    config = config or HeadConfig()
    path = Path(base)
    critic = HeadCritic(*_open_base(path), config, path.stem if path.suffix == ".gguf" else path.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        _train(critic, data, report)
    return critic


def _train(critic: HeadCritic, data: CritiqueData, report: Report | None) -> None:
    config, model = critic.config, critic.model
    texts = critic.encode(data.questions, data.solutions)
    optimizer = torch.optim.AdamW(_parameters(critic), weight_decay=config.weight_decay)
    peaks = [group["lr"] for group in optimizer.param_groups]
    rng = np.random.default_rng(config.seed)
    batches = [batch for _ in range(config.epochs) for batch in _batches(data, config.batch, rng)]
    warm = max(1, round(config.warmup * len(batches)))
    model.train()
    for step, places in enumerate(batches):
        rate = min((step + 1) / warm, (len(batches) - step) / max(len(batches) - warm, 1))
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * rate
        loss = _loss(critic.scores([texts[i] for i in places]), places, data, config)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], config.clip)
        optimizer.step()
        if report is not None:
            report(step + 1, len(batches), float(loss.detach()))
    model.requires_grad_(True).eval()


def _loss(scores: torch.Tensor, places: np.ndarray, data: CritiqueData, config: HeadConfig) -> torch.Tensor:
    """The mean loss of the pairs and of the texts with a reference score in a batch. places: of its texts in data."""
    row = {int(place): number for number, place in enumerate(places)}
    loss = scores.sum() * 0
    pairs = data.pairs[np.isin(data.pairs[:, 0], places)]
    if len(pairs):
        better, worse = ([row[int(place)] for place in pairs[:, side]] for side in (0, 1))
        loss = loss - config.pair_weight * F.logsigmoid(scores[better] - scores[worse]).mean()
    known = ~np.isnan(data.scores[places])
    if known.any():
        targets = torch.tensor(data.scores[places][known], dtype=scores.dtype, device=scores.device)
        mine = scores[torch.tensor(np.flatnonzero(known), device=scores.device)]
        loss = loss + config.score_weight * F.binary_cross_entropy_with_logits(mine, targets)
    return loss


def _batches(data: CritiqueData, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Places of texts, shuffled by question: whole questions until there are `size` texts."""
    order = np.argsort(data.groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(data.groups[order])) + 1)
    batch: list[int] = []
    for number in rng.permutation(len(members)):
        batch += members[number].tolist()
        if len(batch) >= size:
            yield np.array(batch)
            batch = []
    if batch:
        yield np.array(batch)


def _parameters(critic: HeadCritic) -> list[dict[str, Any]]:
    """What is trained, the head at a rate of its own; the rest is frozen."""
    model, config = critic.model, critic.config
    head = list(model.score.parameters())
    body = list(model.base_model.parameters())
    if config.trained_layers is not None:
        layers = getattr(model.base_model, "layers", None)
        if layers is None:
            raise ConfigError(f"{critic.base} has no list of layers; leave trained_layers out")
        model.base_model.requires_grad_(False)
        trained = layers[max(len(layers) - config.trained_layers, 0) :]
        parts = [*trained, getattr(model.base_model, "norm", None)] if config.trained_layers else []
        body = [parameter for part in parts if part is not None for parameter in part.requires_grad_(True).parameters()]
    groups = [{"params": head, "lr": config.head_learning_rate}]
    return groups + ([{"params": body, "lr": config.learning_rate}] if body else [])


def _open_base(path: Path) -> tuple[Any, Any]:
    """A model with a head of zeros, and its tokenizer. ConfigError where it cannot be read."""
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model, tokenizer = _from_gguf(path) if path.suffix == ".gguf" else _from_folder(path)
    except Exception as error:  # readers of foreign files raise whatever they meet
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"cannot load the model {path}: {reason}") from error
    if not hasattr(model, "score"):
        raise ConfigError(f"{path}: models of type {model.config.model_type!r} have no reward head; take a decoder")
    torch.nn.init.zeros_(model.score.weight)
    return model, tokenizer


def _from_folder(path: Path) -> tuple[Any, Any]:
    model = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=1, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    return model, AutoTokenizer.from_pretrained(path, local_files_only=True)


def _from_gguf(path: Path) -> tuple[Any, Any]:
    """The weights of a GGUF file in a plain model, since the one that transformers reads refuses to be saved."""
    plainly = getattr(transformers, "GgufConfig", None)  # transformers 5.23 may leave weights packed; 5.0 never does
    wanted: dict[str, Any] = {"quantization_config": plainly(dequantize=True)} if plainly is not None else {}
    options: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
    read: Any = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **options, **wanted)
    left_out = ("quantization_config", "id2label", "label2id")
    values = {key: value for key, value in read.config.to_dict().items() if key not in left_out}
    shape = type(read.config).from_dict({**values, "num_labels": 1})
    model: Any = AutoModelForSequenceClassification.from_config(shape, dtype=torch.float32)  # type: ignore[no-untyped-call]
    model.base_model.load_state_dict(read.base_model.state_dict())
    return model, AutoTokenizer.from_pretrained(path.parent, **options)


def _device(name: str) -> str:
    return name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
