"""A Hugging Face model in this process, from a folder or a GGUF file: the embedded default where there is no server.

Each sample draws from a random stream of its own, made from the request's content and the sample's number: the same
request gives the same text, whatever else is in its batch, as far as the logits agree (padding and batch size change
their last bits, and now and then a token). Batches are made of requests of like length, in an order that depends on the
requests alone; so the same requests on the same machine and versions, with an equally filled cache, give equal texts.
SmolLM2-135M in batches of 8: 49 tokens a second of one core. Reading its GGUF file takes 18 s of CPU.
"""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LogitsProcessor, StoppingCriteria

from mathmill.core.config import file_digest
from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.generation import Job, ModelConfig, Outcome, Record
from mathmill.core.request import Part, Request, missing_samples

_WINDOW_BATCHES = 8  # among so many batches of requests, those of like length are put together
_SAMPLED_BYTES = 1 << 20  # of each end of a large file, for its identity
_STOP_TAIL_TOKENS = 16  # of what was just written, in which stop strings are looked for, and one more per character
_PLAIN_STOP = "\nQuestion:"


class InProcess:
    """A `Backend` over transformers. Raises ConfigError where the model cannot be loaded."""

    def __init__(self, config: ModelConfig) -> None:
        path = Path(config.url)
        self.identity = files_identity(path)
        self.window = _WINDOW_BATCHES * config.batch_size
        self.batch_size = config.batch_size
        self._device = _device(config.device)
        self._model, self._tokenizer = _load(path, config, self._device)
        self._ends = _end_tokens(self._model, self._tokenizer)
        self._context = _context_tokens(self._model)
        self._lock = threading.Lock()

    def calls(self, record: Record) -> "InProcessCalls":
        """See `Backend`."""
        return InProcessCalls(self, record)

    def close(self) -> None:
        """Give back the model's memory."""
        self._model = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def samples(self, job: Job) -> "list[_Sample] | str":
        """The samples that a job lacks, or why there will be none."""
        request = job.request
        try:
            prompt, stop = self._render(request)
        except (jinja2.TemplateError, KeyError, ValueError) as error:
            return f"the model's chat template refuses the messages: {' '.join(str(error).split())}"[:300]
        is_raw = request.messages is None
        tokens = self._tokenizer(prompt, add_special_tokens=is_raw or not self._tokenizer.chat_template)["input_ids"]
        room = self._context - len(tokens)
        if not tokens:
            return "the prompt is empty"
        if room < 1:
            return f"the prompt has {len(tokens):,} tokens, and the model's context holds {self._context:,}"
        longest = min(request.max_tokens, room)
        return [_Sample(job, number, tokens, longest, stop) for number in missing_samples(job.parts, request.n)]

    def _render(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The text that the model reads, and where its answer ends."""
        if request.messages is None:
            return request.prompt or "", request.stop
        if not self._tokenizer.chat_template:
            return plain_chat(request.messages), (*request.stop, _PLAIN_STOP)
        begun = request.messages[-1]["role"] == "assistant"
        text = self._tokenizer.apply_chat_template(
            list(request.messages), tokenize=False, add_generation_prompt=not begun, continue_final_message=begun
        )
        return text, request.stop

    def run(self, batch: "Sequence[_Sample]") -> "list[tuple[str, str, int] | str]":
        """Text, finish reason and tokens of each sample; or why there is none: not enough memory for it alone."""
        with self._lock:
            if self._model is None:
                raise OperationError("the generator is closed; open another one")
            try:
                return list(self._generate(batch))
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
        if len(batch) == 1:
            return ["the model needs more memory for this request than the device has"]
        middle = len(batch) // 2
        return [*self.run(batch[:middle]), *self.run(batch[middle:])]

    @torch.inference_mode()
    def _generate(self, batch: "Sequence[_Sample]") -> Iterator[tuple[str, str, int]]:
        width = max(len(sample.tokens) for sample in batch)
        ids = torch.full((len(batch), width), self._ends[0])
        mask = torch.zeros((len(batch), width), dtype=torch.long)
        for row, sample in enumerate(batch):
            ids[row, width - len(sample.tokens) :] = torch.tensor(sample.tokens)
            mask[row, width - len(sample.tokens) :] = 1
        longest = max(sample.max_tokens for sample in batch)
        written = self._model.generate(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            max_new_tokens=longest,
            logits_processor=[_Sampler(batch, longest, width, self._device)],
            stopping_criteria=[_RowEnds(batch, width, self._tokenizer, self._device)],
        )[:, width:].tolist()
        for sample, tokens in zip(batch, written, strict=True):
            tokens = tokens[: sample.max_tokens]
            end = next((i for i, token in enumerate(tokens) if token in self._ends), None)
            text = self._tokenizer.decode(tokens[:end], skip_special_tokens=True)
            stops = [found for stop in sample.stop if (found := text.find(stop)) >= 0]
            reason = "length" if end is None and not stops else "stop"
            yield text[: min(stops)] if stops else text, reason, len(tokens) if end is None else end + 1


class InProcessCalls:
    """See `Calls`: batches are run by whoever waits for an answer."""

    def __init__(self, backend: InProcess, record: Record) -> None:
        self._backend, self._record = backend, record
        self._waiting: list[_Sample] = []
        self._planned: deque[list[_Sample]] = deque()
        self._jobs: dict[bytes, _Pending] = {}
        self._ended: list[Outcome] = []

    def submit(self, job: Job) -> None:
        """See `Calls`."""
        samples = self._backend.samples(job)
        if isinstance(samples, str):
            self._ended.append(Outcome(job.digest, (), samples))
        else:
            self._jobs[job.digest] = _Pending(len(samples), list(job.parts))
            self._waiting += samples

    def collect(self, wait: bool) -> Sequence[Outcome]:
        """See `Calls`; without `wait`, only what needs no batch."""
        while wait and not self._ended and (self._planned or self._waiting):
            self._run_batch()
        ended, self._ended = self._ended, []
        return ended

    def cancel(self) -> None:
        """See `Calls`."""
        self._waiting.clear()
        self._planned.clear()

    def _run_batch(self) -> None:
        if not self._planned:
            size = self._backend.batch_size
            ordered = sorted(self._waiting, key=lambda sample: -len(sample.tokens))  # the first needs most memory
            self._planned.extend(ordered[start : start + size] for start in range(0, len(ordered), size))
            self._waiting = []
        batch = self._planned.popleft()
        for sample, result in zip(batch, self._backend.run(batch), strict=True):
            job, pending = sample.job, self._jobs[sample.job.digest]
            pending.samples -= 1
            if isinstance(result, str):
                pending.error = result
            else:
                text, reason, n_tokens = result
                prompt_tokens = len(sample.tokens) if sample.number == 0 else 0
                part = Part(sample.number, (text,), (reason,), prompt_tokens, n_tokens)
                self._record(job, part)
                pending.parts.append(part)
            if not pending.samples:
                parts = () if pending.error else tuple(pending.parts)
                self._ended.append(Outcome(job.digest, parts, pending.error))
                del self._jobs[job.digest]


@dataclass
class _Pending:
    """A job some of whose samples are still to come."""

    samples: int
    parts: list[Part] = field(default_factory=list)
    error: str | None = None


class _Sample(NamedTuple):
    """One sample to be written. tokens: of the prompt."""

    job: Job
    number: int
    tokens: list[int]
    max_tokens: int
    stop: tuple[str, ...]

    def uniforms(self, count: int) -> np.ndarray:
        """float32 (count,): the sample's own random numbers."""
        name = self.job.digest + self.number.to_bytes(4, "little")
        seed = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "little")
        return np.random.Generator(np.random.PCG64(seed)).random(count, dtype=np.float32)


class _Sampler(LogitsProcessor):
    """Leaves in each row the one token that temperature, nucleus and the row's random number choose."""

    def __init__(self, batch: Sequence[_Sample], longest: int, width: int, device: torch.device) -> None:
        requests = [sample.job.request for sample in batch]
        self._width = width
        self._is_greedy = all(request.temperature <= 0 for request in requests)
        self._greedy = torch.tensor([request.temperature <= 0 for request in requests], device=device)
        temperatures = [request.temperature if request.temperature > 0 else 1.0 for request in requests]
        self._temperature = torch.tensor(temperatures, device=device)[:, None]
        self._top_p = torch.tensor([request.top_p for request in requests], device=device)[:, None]
        self._is_whole = all(request.top_p >= 1 for request in requests)
        self._uniforms = torch.tensor(np.stack([sample.uniforms(longest) for sample in batch]), device=device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """scores: float (rows, vocabulary)."""
        if self._is_greedy:
            return scores
        probabilities = torch.softmax(scores.float() / self._temperature, dim=-1)
        uniform = self._uniforms[:, input_ids.shape[1] - self._width, None]
        drawn = _draw(probabilities, uniform)
        if not self._is_whole:  # sorting takes a fifth of the time of a small model
            ordered, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
            before = ordered.cumsum(dim=-1) - ordered
            nucleus = ordered * (before < self._top_p)  # up to and with the token that reaches top_p
            drawn = torch.where(self._top_p < 1, tokens.gather(-1, _draw(nucleus, uniform)), drawn)
        chosen = torch.where(self._greedy, scores.argmax(dim=-1), drawn[:, 0])
        return torch.full_like(scores, -torch.inf).scatter(-1, chosen[:, None], 0.0)


def _draw(masses: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """The place in each row where a share `uniform` of its mass is reached: int64 (rows, 1)."""
    reached = masses.cumsum(dim=-1)
    place = torch.searchsorted(reached, uniform * reached[:, -1:], right=True)
    return place.clamp(max=masses.shape[-1] - 1)


class _RowEnds(StoppingCriteria):
    """Ends each row at its own number of tokens, or where one of its stop strings has been written."""

    def __init__(self, batch: Sequence[_Sample], width: int, tokenizer: Any, device: torch.device) -> None:
        self._batch, self._width, self._tokenizer = batch, width, tokenizer
        self._longest = torch.tensor([sample.max_tokens for sample in batch], device=device)
        self._stopped = torch.zeros(len(batch), dtype=torch.bool, device=device)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Whether each row ends: bool (rows,)."""
        written = input_ids.shape[1] - self._width
        for row, sample in enumerate(self._batch):
            if sample.stop and not self._stopped[row]:
                length = _STOP_TAIL_TOKENS + max(map(len, sample.stop))
                tail = self._tokenizer.decode(input_ids[row, max(self._width, input_ids.shape[1] - length) :])
                self._stopped[row] = any(stop in tail for stop in sample.stop)
        return self._stopped | (written >= self._longest)


def plain_chat(messages: Sequence[dict[str, str]]) -> str:
    """Messages as text for a model without a chat template: "Question: …" and "Answer: …", blank lines between."""
    names = {"user": "Question: ", "assistant": "Answer: "}
    parts = [names.get(message["role"], "") + message["content"] for message in messages]
    return "\n\n".join(parts if messages[-1]["role"] == "assistant" else [*parts, "Answer:"])


def files_identity(path: Path) -> str:
    """Name a model by what its files hold: their names and sizes, small ones whole, of large ones both ends."""
    if not path.exists():
        raise ConfigError(f"there is no model {path}; give a folder, a .gguf file or the address of a server")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    hasher = hashlib.blake2b(digest_size=16)
    try:
        for file in files:
            if file.is_file() and not file.name.startswith("."):
                hasher.update(f"{file.name}\0{file.stat().st_size}\0".encode())
                hasher.update(_sampled(file))
    except OSError as error:
        raise ConfigError(f"cannot read the model {path}: {error.strerror}") from None
    return f"files:{hasher.hexdigest()}"


def _sampled(file: Path) -> bytes:
    size = file.stat().st_size
    if size <= 2 * _SAMPLED_BYTES:
        return file_digest(file).encode()
    with open(file, "rb") as data:
        first = data.read(_SAMPLED_BYTES)
        data.seek(size - _SAMPLED_BYTES)
        return first + data.read(_SAMPLED_BYTES)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        raise ConfigError(f"`device: {name}` cannot be used: {str(error).splitlines()[0]}") from None
    return device


def _load(path: Path, config: ModelConfig, device: torch.device) -> tuple[Any, Any]:
    """The model, ready to generate, and its tokenizer. Nothing is fetched, and nothing unpickled."""
    folder, gguf = (path, None) if path.is_dir() else (path.parent, path.name)
    if gguf is None and not (path / "config.json").exists():
        found = sorted(path.glob("*.gguf"))
        if len(found) != 1:
            raise ConfigError(f"{path} holds no model: neither config.json nor one .gguf file")
        gguf = found[0].name
    options: dict[str, Any] = {"local_files_only": True} | ({"gguf_file": gguf} if gguf else {"use_safetensors": True})
    dtype = config.dtype if config.dtype != "auto" else "auto" if device.type == "cuda" and not gguf else "float32"
    if dtype not in ("auto", "float32", "bfloat16", "float16"):
        raise ConfigError(f"`dtype: {dtype}` is none of auto, float32, bfloat16, float16")
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, **{k: v for k, v in options.items() if k != "use_safetensors"}
        )
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **options)
    except Exception as error:  # readers of foreign files raise whatever they meet, struct.error for one
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"cannot load the model {path}: {reason}") from error
    loaded: Any = model  # transformers' own types do not know of devices
    return loaded.to(device).eval(), tokenizer


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer; the first also pads. What else the model's files say of sampling is dropped."""
    configured = model.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    ends = list(dict.fromkeys(token for token in [*ends, tokenizer.eos_token_id] if token is not None))
    if not ends:
        raise ConfigError("the model's files name no token that ends a text (eos_token_id)")
    settings = {"do_sample": False, "eos_token_id": ends, "pad_token_id": ends[0]}
    model.generation_config = GenerationConfig.from_dict(settings)
    return ends


def _context_tokens(model: Any) -> int:
    config = model.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or 1 << 30)


os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads and forks of this process do not go together
