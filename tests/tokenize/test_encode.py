import io
import json
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tokenizers
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from mathmill.core.errors import ConfigError, DataError
from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DIFFICULTIES, DOCUMENT, PAGE, PROBLEM, SCHOOL_STAGES, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT
from mathmill.tokenize.cutting import cut
from mathmill.tokenize.encode import Encode, EncodeConfig, _token_spans
from mathmill.tokenize.encoded import EncodedRecords
from mathmill.tokenize.store import encoded_schema
from mathmill.tokenize.tokenizer import Encoding, Tokenizer
from mathmill.tokenize.utf8 import text_buffer
from mathmill.tokenize.vocabulary.adversarial import LITERAL
from mathmill.tokenize.vocabulary.byte_level import GPT2_PATTERN, O200K_PATTERN
from mathmill.tokenize.vocabulary.cased_words import cased_word_end
from mathmill.tokenize.vocabulary.words import FORMS, WordForm, character_classes, word_end

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROLS = ["<|endoftext|>", "<|pad|>", "<|bos|>"]
LOCATOR = {"file": "a.warc.gz", "record": 0, "offset": 0}
SOLUTION = "Add the numbers. Then divide by $2. 0$ carefully.\n\nSo the mean is \\boxed{3}."


def train(pattern: str = GPT4, controls: Any = CONTROLS, normalizer: Any = None) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([*LITERAL, SOLUTION] * 2, trainer)
    tokenizer.add_special_tokens(list(controls))
    return tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tokenizers of every kind that is treated differently."""
    folder = tmp_path_factory.mktemp("tokenizers")
    train().save(str(folder / "fast.json"))
    train(normalizer=normalizers.NFC()).save(str(folder / "nfc.json"))
    train(normalizer=normalizers.Lowercase()).save(str(folder / "lower.json"))
    train(pattern=GPT2_PATTERN).save(str(folder / "gpt2.json"))
    train(pattern=O200K_PATTERN).save(str(folder / "o200k.json"))
    train(pattern=r"\s?\S+|\s+").save(str(folder / "other.json"))
    digits = train()
    digits.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    digits.save(str(folder / "digits.json"))
    pieces = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))  # like Llama-2's
    pieces.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    pieces.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    alphabet = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))]
    pieces.train_from_iterator(
        [text for text in LITERAL if text.isascii()],
        trainers.BpeTrainer(vocab_size=600, special_tokens=alphabet, show_progress=False),
    )
    content = json.loads(pieces.to_str())
    content["added_tokens"] = content["added_tokens"][:3]
    (folder / "pieces.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(params=["fast", "nfc", "gpt2", "other", "lower", "digits", "pieces"])
def tokenizer(folder: Path, request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer.load(str(folder / f"{request.param}.json"))


def library(tokenizer: Tokenizer, path: Path | None = None) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_file(str(path or tokenizer.path))


def document(text: str, **values: Any) -> dict[str, Any]:
    formulas = [{"start": f.start, "end": f.end, "display": f.display, "encoding": "tex"} for f in find_formulas(text)]
    required = {"doc_id": "d", "source": "web", "locator": LOCATOR, "blocks": [], "formula_counts": []}
    return required | {"text": text, "formulas": formulas} | values


def problem(**values: Any) -> dict[str, Any]:
    solution = values.get("solution", SOLUTION) or ""
    formulas = [
        {"start": f.start, "end": f.end, "display": f.display, "encoding": "tex"} for f in find_formulas(solution)
    ]
    return {
        "problem_id": "p",
        "doc_id": "d",
        "source": "web",
        "locator": LOCATOR,
        "question": "What is the mean of 1 and 5?",
        "solution": SOLUTION,
        "question_formulas": [],
        "solution_formulas": formulas,
        "steps": [{"start": 0, "end": 16}, {"start": 17, "end": len(solution)}] if solution else [],
        "n_steps": 2,
        "method": "extracted",
        "loss_weight": 0.5,
    } | values


def encode(path: Path, rows: list[dict[str, Any]], schema: pa.Schema = PROBLEM, **config: Any) -> dict[str, list[Any]]:
    """Run the stage; rows of each port as dictionaries."""
    stage = Encode(EncodeConfig(tokenizer=str(path), **config))
    expected = stage.output_schemas(schema)[OUT]
    ports: dict[str, list[Any]] = {OUT: [], DROPPED_PORT: []}
    for port, batch in stage.process(iter([to_batch(rows, schema)])):
        batch.validate(full=True)
        assert port != OUT or batch.schema.equals(expected)
        ports[port] += batch.to_pylist()
    return ports


def test_both_ways_give_the_ids_of_the_library(tokenizer: Tokenizer, folder: Path) -> None:
    texts = [*LITERAL, " ".join(LITERAL), SOLUTION]
    tokens, offsets = tokenizer.encode_batch(texts)
    assert offsets[-1] == len(tokens)
    plain = library(tokenizer)
    for i, text in enumerate(texts):
        assert tokens[offsets[i] : offsets[i + 1]].tolist() == plain.encode(text, add_special_tokens=False).ids
    assert int(tokens.max()) < tokenizer.vocab_size == plain.get_vocab_size(with_added_tokens=True)


def test_each_tokenizer_takes_the_fastest_way_that_it_can(folder: Path) -> None:
    ways = {path.stem: Tokenizer.load(str(path)) for path in sorted(folder.glob("*.json"))}
    assert {name: way.way for name, way in ways.items()} == {
        "fast": "compiled",
        "nfc": "compiled",
        "gpt2": "compiled",
        "o200k": "compiled",
        "other": "tiktoken",
        "lower": "tokenizers",
        "digits": "compiled",
        "pieces": "tokenizers",
    }
    assert all(bool(way.slow_reason) is (way.way == "tokenizers") for way in ways.values())


@pytest.mark.parametrize(("name", "way"), [("fast", "compiled"), ("other", "tokenizers")])
def test_ids_that_are_not_in_the_order_of_merges_do_not_mislead(
    folder: Path, tmp_path: Path, name: str, way: str
) -> None:
    content = json.loads((folder / f"{name}.json").read_text())
    content["model"]["merges"].reverse()
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    tokenizer = Tokenizer.load(str(tmp_path))
    assert tokenizer.way == way
    expected = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(SOLUTION).ids
    assert tokenizer.encode_batch([SOLUTION])[0].tolist() == expected


def test_words_that_are_in_the_vocabulary_are_not_merged_where_it_says_so(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "fast.json").read_text())
    content["model"]["ignore_merges"] = True
    content["model"]["merges"] = content["model"]["merges"][:100]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    tokenizer = Tokenizer.load(str(tmp_path))
    assert tokenizer.way == "compiled"
    expected = library(tokenizer, tmp_path / "tokenizer.json").encode_batch([*LITERAL, SOLUTION])
    assert tokenizer.encode_batch([*LITERAL, SOLUTION])[0].tolist() == [
        token for encoding in expected for token in encoding.ids
    ]


def test_a_fast_way_that_gives_other_ids_is_found_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathmill.tokenize.tokenizer.word_patterns", lambda content: [GPT4.replace("{1,3}", "")])
    tokenizer = Tokenizer.load(str(folder / "fast.json"), eos_token="<|pad|>")
    assert tokenizer.way == "tokenizers"
    assert "compiled gives other ids" in tokenizer.slow_reason
    assert "tiktoken gives other ids" in tokenizer.slow_reason
    assert tokenizer.decode(tokenizer.encode_batch(["12345"])[0]) == "12345"


PIECES = [*"aZéÉǅʰ中\u0301\u3000 \t\r\n0７٣½'./-$ſ", "ss", "'LL", "'ve", "\u2028", "🤔", "x" * 300]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(words=st.lists(st.sampled_from(PIECES), max_size=12))
@pytest.mark.parametrize(("patterns", "form"), FORMS.items())
def test_compiled_words_are_those_of_the_patterns(patterns: tuple[str, ...], form: WordForm, words: list[str]) -> None:
    text = "".join(words)
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    expected = pre_tokenizers.Sequence(splits).pre_tokenize_str(text)
    data = np.frombuffer(text.encode(), np.uint8)
    next_end = cased_word_end if form.cased else word_end
    ends, position = [], 0
    while position < len(data):
        position = next_end(data, position, len(data), character_classes(form.numbers_apart, form.cased), form)
        ends.append(position)
    pieces = [bytes(data[a:b]).decode() for a, b in pairwise([0, *ends])]
    assert pieces == [piece for piece, _ in expected]


def test_control_tokens_in_a_text_are_ordinary_text(tokenizer: Tokenizer) -> None:
    controls = {token["id"]: token["content"] for token in json.loads(Path(tokenizer.path).read_text())["added_tokens"]}
    texts = [*controls.values(), "a<|endoftext|>b</s>c<s>", "<|endoftext|>" * 50]
    tokens, offsets = tokenizer.encode_batch(texts)
    assert not set(tokens.tolist()) & set(controls)
    assert tokenizer.decode(tokens[: offsets[1]]).strip() == texts[0]
    assert tokenizer.decode([tokenizer.eos_id]) == controls[tokenizer.eos_id]


def test_a_vocabulary_that_makes_control_tokens_of_text_is_refused(tmp_path: Path) -> None:
    vocabulary = {piece: number for number, piece in enumerate(["<", "s", ">", "<s", "<s>"])}
    merging = tokenizers.Tokenizer(models.BPE(vocabulary, [("<", "s"), ("<s", ">")]))
    merging.add_special_tokens(["<s>"])
    merging.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ConfigError, match="'<s>' written in a page would become a control token"):
        Tokenizer.load(str(tmp_path), eos_token="<s>")


def test_broken_utf8_is_refused_and_not_encoded(folder: Path) -> None:
    tokenizer = Tokenizer.load(str(folder / "fast.json"))
    for broken in (b"a\xff", b"\xed\xa0\x80", b"\xc3"):
        binary = pa.array([b"fine", broken], pa.large_binary())
        buffers = binary.buffers()
        for column in (binary, pa.Array.from_buffers(pa.large_string(), 2, buffers)):
            with pytest.raises(DataError, match="cannot be encoded"):
                tokenizer.encode_batch(column)


def test_a_word_that_is_spelt_like_a_control_token_is_unknown(tmp_path: Path) -> None:
    words = tokenizers.Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "a": 2}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.add_special_tokens(["</s>", "<unk>"])
    words.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(str(tmp_path))
    assert (tokenizer.eos_id, tokenizer.encode_batch(["a </s> <unk> b"])[0].tolist()) == (1, [2, 0, 0, 0])


@pytest.mark.parametrize("name", ["fast", "nfc", "gpt2", "other", "digits"])
def test_a_million_spaces_are_encoded(folder: Path, name: str) -> None:
    tokenizer = Tokenizer.load(str(folder / f"{name}.json"))
    text = "x" + " " * 700_000 + "y"
    tokens, offsets = tokenizer.encode_batch(["before", text, "after"])
    assert tokenizer.decode(tokens[offsets[1] : offsets[2]]) == text
    assert tokenizer.decode(tokens[offsets[2] :]) == "after"


@settings(derandomize=True, max_examples=60, deadline=None)
@given(texts=st.lists(st.one_of(st.text(max_size=30), st.sampled_from(LITERAL)), max_size=6))
@pytest.mark.parametrize("name", ["fast", "nfc", "gpt2", "digits"])
def test_any_text_comes_back_and_tokens_begin_where_it_says(folder: Path, name: str, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    tokenizer = Tokenizer.load(str(folder / f"{name}.json"))
    encoding = tokenizer.encode_with_starts(pa.array(texts, pa.large_string()))
    data, bounds = text_buffer(pa.array(texts, pa.large_string()))
    assert (np.diff(encoding.starts) >= 0).all()
    plain = library(tokenizer)
    for i, text in enumerate(texts):
        here = slice(encoding.offsets[i], encoding.offsets[i + 1])
        tokens, starts = encoding.tokens[here], encoding.starts[here]
        if plain.normalizer is None or plain.normalizer.normalize_str(text) == text:
            assert tokenizer.decode(tokens) == text
        if plain.normalizer is None or text.isascii():
            pieces = np.split(data[bounds[i] : bounds[i + 1]], starts[1:] - bounds[i]) if len(starts) else []
            assert [bytes(piece) for piece in pieces] == [token_bytes(tokenizer, token) for token in tokens.tolist()]
        assert ((starts >= bounds[i]) & (starts < max(bounds[i + 1], 1))).all()


def token_bytes(tokenizer: Tokenizer, token: int) -> bytes:
    assert tokenizer._bytes is not None
    return tokenizer._bytes[token]


def test_starts_come_from_the_library_where_bytes_do_not_tell(folder: Path) -> None:
    texts = ["e\u0301a", "abc", "中a\u0301", ""]
    bounds = text_buffer(pa.array(texts))[1]
    nfc = Tokenizer.load(str(folder / "nfc.json")).encode_with_starts(pa.array(texts))
    assert nfc.starts[nfc.offsets[:-2]].tolist() == bounds[:-2].tolist()
    pieces = Tokenizer.load(str(folder / "pieces.json")).encode_with_starts(pa.array(["a中b", "x y"]))
    starts = [pieces.starts[a:b].tolist() for a, b in zip(pieces.offsets[:-1], pieces.offsets[1:], strict=True)]
    assert starts[0][-1] == 4  # b: one byte of a and three of 中 come before it
    assert starts[0][-4:-1] == [1, 2, 2]  # the bytes of 中: its beginning, then somewhere inside of it
    assert starts[1][-1] == 7


def test_the_digest_depends_on_content_and_not_on_place(folder: Path, tmp_path: Path) -> None:
    content = (folder / "fast.json").read_bytes()
    plain, packed, chat = tmp_path / "tokenizer.json", tmp_path / "b" / "tokenizer.json.zst", tmp_path / "c"
    plain.write_bytes(content)
    packed.parent.mkdir()
    packed.write_bytes(zstandard.ZstdCompressor().compress(content))
    chat.mkdir()
    (chat / "tokenizer.json").write_bytes(content)
    (chat / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    digests = [Tokenizer.load(str(path)).digest for path in (plain, packed, tmp_path, packed.parent)]
    assert len(set(digests)) == 1
    assert Tokenizer.load(str(chat)).digest != digests[0]
    assert Tokenizer.load(str(plain), eos_token="<|pad|>").digest != digests[0]


def test_special_tokens_are_those_that_the_settings_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "fast.json").read_bytes())
    tokenizer = Tokenizer.load(str(tmp_path))
    names = [tokenizer.decode([number]) for number in (tokenizer.eos_id, tokenizer.pad_id, tokenizer.bos_id or 0)]
    assert names == CONTROLS
    settings = {
        "eos_token": {"content": "<|bos|>"},
        "pad_token": None,
        "chat_template": [{"name": "default", "template": "T"}],
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "tokenizer_meta.json").write_text('{"pad": "<|endoftext|>"}')
    tokenizer = Tokenizer.load(str(tmp_path))
    assert tokenizer.decode([tokenizer.eos_id]) == "<|bos|>"
    assert tokenizer.decode([tokenizer.pad_id]) == "<|endoftext|>"
    assert tokenizer.chat_template == "T"


def test_without_a_pad_token_eos_pads(tmp_path: Path) -> None:
    train(controls=["<|endoftext|>"]).save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(str(tmp_path))
    assert tokenizer.pad_id == tokenizer.eos_id
    assert tokenizer.bos_id is None


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.json", None, "there is no file .*absent.json"),
        ("folder", None, "no tokenizer.json in"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b"[]", "no JSON object"),
        ("a.json", b"\xff\xfe", "not UTF-8"),
        ("a.json", b'{"model": {}}', "no model with a vocabulary"),
        ("a.json", b'{"model": {"vocab": {}}, "added_tokens": [{"id": "1"}]}', "`id` and `content`"),
        (
            "a.json",
            b'{"model": {"type": "BPE", "vocab": {"a": 0}}, "added_tokens": [{"id": 1, "content": "</s>"}]}',
            "load",
        ),
        ("a.json", b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}', "no token that ends a text"),
        ("a.json", b'{"model": {"vocab": {"a": 999999999999}}}', "ids of tokens must be integers"),
        ("a.json", b'{"model": {"vocab": [["a", 0.5], "b"]}}', "pairs of a token and its score"),
        (
            "a.json",
            b'{"model": {"type": "BPE", "vocab": {"</s>": 0}, "merges": [[1, 2]]},'
            b' "added_tokens": [{"id": 0, "content": "</s>"}]}',
            "no tokenizer that `tokenizers` can load",
        ),
        ("a.json.zst", b"plain", "not a zstd file"),
    ],
)
def test_a_bad_tokenizer_is_one_clear_sentence(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        Tokenizer.load(str(tmp_path / name))


def test_an_eos_token_that_is_not_in_the_vocabulary_is_an_error(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"'<\|im_end\|>' is not in the vocabulary"):
        Tokenizer.load(str(folder / "fast.json"), eos_token="<|im_end|>")


def test_a_record_ends_with_eos_and_learns_it(folder: Path) -> None:
    for name, bos in (("fast", False), ("fast", True), ("pieces", False)):
        path = folder / f"{name}.json"
        tokenizer = Tokenizer.load(str(path))
        (row,) = encode(path, [document("Let $x$ be.\n\nDone.")], DOCUMENT, add_bos=bos)[OUT]
        assert row["tokens"][-1] == tokenizer.eos_id
        assert (row["tokens"][0] == tokenizer.bos_id) is bos
        assert row["loss_spans"] == [{"start": int(bos), "end": len(row["tokens"]), "weight": 1.0}]
        assert tokenizer.decode(row["tokens"][int(bos) : -1]) == "Let $x$ be.\n\nDone."


def test_bos_that_the_tokenizer_lacks_is_an_error(tmp_path: Path) -> None:
    train(controls=["<|endoftext|>"]).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ConfigError, match="no BOS"):
        encode(tmp_path, [document("a")], DOCUMENT, add_bos=True)


@pytest.mark.parametrize("name", ["fast", "nfc", "gpt2", "lower", "digits", "pieces"])
@pytest.mark.parametrize("bos", [False, True])
def test_cuts_answer_and_supervision_fall_on_the_right_tokens(folder: Path, name: str, bos: bool) -> None:
    path = folder / f"{name}.json"
    tokenizer = Tokenizer.load(str(path))
    prefix = problem(question="前置：é?", problem_id="p0", lang="zh")
    _, row = encode(path, [prefix, problem()], add_bos=bos, supervise="solution")[OUT]

    def text(start: int, end: int) -> str:
        return tokenizer.decode(row["tokens"][start:end]).strip().lower()

    edges = [int(bos), *(cut["offset"] for cut in row["cuts"]), len(row["tokens"]) - 1]
    pieces = [text(start, end) for start, end in pairwise(edges)]
    assert pieces == [
        "what is the mean of 1 and 5?",
        "add the numbers.",
        "then divide by $2. 0$ carefully.\n\nso the mean is \\boxed{3}.",
    ]
    assert [cut["rank"] for cut in row["cuts"]] in ([0, 1], [0, 2])  # 2: the step begins after the space
    assert "3" in text(row["answer"]["start"], row["answer"]["end"])
    (span,) = row["loss_spans"]
    assert text(span["start"], span["end"] - 1) == SOLUTION.lower()
    assert span["end"] == len(row["tokens"])


def test_no_cut_splits_a_formula_or_leaves_the_record(folder: Path) -> None:
    texts = [*LITERAL, SOLUTION, "a.$x.\n\n y$. $z$\n\n$$\n1\n\n2$$", "。$中。文$。$x$"]
    rows = [document(text, doc_id=str(i)) for i, text in enumerate(texts)]
    for name in ("fast", "gpt2", "digits", "pieces", "nfc"):
        encoded = encode(folder / f"{name}.json", rows, DOCUMENT)[OUT]
        tokenizer = Tokenizer.load(str(folder / f"{name}.json"))
        by_id = {row["record_id"]: row for row in encoded}
        for row in rows:
            tokens = by_id[row["doc_id"]]["tokens"] if row["doc_id"] in by_id else []
            cuts = [cut["offset"] for cut in by_id[row["doc_id"]]["cuts"]] if tokens else []
            assert cuts == sorted(set(cuts))
            assert all(0 < cut < len(tokens) - 1 for cut in cuts)
            if name in ("fast", "gpt2", "digits"):
                places = [len(tokenizer.decode(tokens[:cut])) for cut in cuts]
                assert not [p for p in places for f in row["formulas"] if f["start"] < p < f["end"]]


def pieces_of(path: Path, text: str) -> list[tuple[int | None, str]]:
    """The text between the cuts of a document, each piece with the rank of the cut before it."""
    (row,) = encode(path, [document(text)], DOCUMENT)[OUT]
    tokenizer = Tokenizer.load(str(path))
    edges = [0, *(cut["offset"] for cut in row["cuts"]), len(row["tokens"]) - 1]
    texts = [tokenizer.decode(row["tokens"][start:end]) for start, end in pairwise(edges)]
    return list(zip([None, *(cut["rank"] for cut in row["cuts"])], texts, strict=True))


def test_a_cut_inside_a_token_moves_back_over_white_space_and_never_into_a_character(folder: Path) -> None:
    content = json.loads((folder / "fast.json").read_text())
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    encoder = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    written = encoder.pre_tokenize_str(" 如")[0][0]  # of which a blank and two bytes will be one token
    content["model"]["vocab"] = {token: i for i, token in enumerate([*alphabet, written[:2], written[:3]])}
    content["model"]["merges"] = [[written[0], written[1]], [written[:2], written[2]]]
    ids = len(content["model"]["vocab"])
    content["added_tokens"] = [token | {"id": ids + i} for i, token in enumerate(content["added_tokens"])]
    path = folder / "halves.json"
    path.write_text(json.dumps(content))
    assert pieces_of(path, "一。 如") == [(None, "一。"), (2, " 如")]


def test_words_are_marked_where_nothing_else_is(folder: Path) -> None:
    demo = Path(str(resources.files("mathmill.jobs").joinpath("demo", "tokenizer.json")))
    formula = "$" + "+".join(["x"] * 100) + "$"
    found = pieces_of(demo, "one two " * 60 + formula + " and " + formula + " end")
    assert {rank for rank, _ in found} == {None, 3}
    assert [text for _, text in found if formula in text.strip()] == [" " + formula, " " + formula]
    assert "".join(text for _, text in found) == "one two " * 60 + formula + " and " + formula + " end"


WORDS = ["so ", "the ", "sum ", "Then. ", "如果", "　", "已知。 如", "３．５", "\n", "\n\n", "é ", " 𝑥", "12 ", "(a) "]
FORMULAS = ["$x$", "$" + "1+" * 30 + "y$", "\\[" + "a_{1} " * 40 + "\\]", "$" + "中 " * 50 + "$"]


@pytest.mark.parametrize("name", ["demo", "qwen3"])
def test_no_mark_is_in_a_formula_or_a_character_and_hard_cuts_are_in_long_formulas(name: str) -> None:
    path = Path(str(resources.files("mathmill.jobs").joinpath("demo", "tokenizer.json")))
    if name == "qwen3":
        path = SHARED / "tokenizers" / "qwen3"
        if not path.exists():
            pytest.skip("the shared real data is not beside this checkout")
    rng, seq_len = np.random.default_rng(5), 96
    texts = []
    for _ in range(150):
        kinds = rng.choice([0.02, 0.2, 0.5])
        texts.append(
            "".join(
                str(rng.choice(FORMULAS)) + " " if rng.random() < kinds else str(rng.choice(WORDS))
                for _ in range(int(rng.integers(5, 400)))
            )
        )
    rows = [document(text, doc_id=str(i)) for i, text in enumerate(texts)]
    stage = Encode(EncodeConfig(tokenizer=str(path)))
    (encoded,) = [batch for port, batch in stage.process(iter([to_batch(rows, DOCUMENT)])) if port == OUT]
    records = EncodedRecords.of([encoded], stage.tokenizer.vocab_size)
    pieces = cut(records.marks, seq_len)
    hard = ranks = 0
    for i, row in enumerate(encoded.to_pylist()):
        text, tokens = texts[int(row["record_id"])], row["tokens"]
        lengths = stage.tokenizer._lengths[tokens]
        starts = (np.cumsum(lengths) - lengths).tolist()
        data = text.encode()
        spans = [(len(text[: f["start"]].encode()), len(text[: f["end"]].encode())) for f in document(text)["formulas"]]
        marks = {mark["offset"] for mark in row["cuts"]}
        ranks |= sum(1 << rank for rank in {mark["rank"] for mark in row["cuts"]})
        for mark in marks:
            place = starts[mark]
            assert data[place] & 0xC0 != 0x80
            assert not [span for span in spans if span[0] < place < span[1]]
        for begin in pieces.start[(pieces.record == i) & (pieces.part > 0)].tolist():
            if begin not in marks:
                (span,) = [span for span in spans if span[0] < starts[begin] < span[1]]
                first, last = np.searchsorted(starts, span)
                assert last - first >= seq_len - 2
                hard += 1
    assert hard > 0
    assert ranks == 0b1101


def test_labels_come_with_the_record(folder: Path) -> None:
    labels = {
        "school_stage": "high",
        "school_stage_probs": [0.1, 0.2, 0.6, 0.1],
        "difficulty": "easy",
        "difficulty_probs": [0.7, 0.2, 0.1],
        "difficulty_score": 1.5,
        "license": "MIT",
        "style": "cot",
        "critique_score": 0.25,
        "lang": "en",
    }
    rows = [problem(problem_id="p0"), problem(problem_id="p1", **labels), problem(problem_id="p2", difficulty="hard")]
    _, row, other = encode(folder / "fast.json", rows)[OUT]
    assert (SCHOOL_STAGES[2], DIFFICULTIES[0]) == ("high", "easy")
    expected = {
        "record_id": "p1",
        "doc_id": "d",
        "corpus": "problems",
        "source": "web",
        "method": "extracted",
        "weight": 0.5,
    }
    expected |= {key: value for key, value in labels.items() if not key.endswith("probs")}
    assert {key: row[key] for key in expected} == expected
    assert (row["school_stage_p"], row["difficulty_p"]) == (pytest.approx(0.6), pytest.approx(0.7))
    assert (other["school_stage_p"], other["difficulty_p"], other["math_score"]) == (None, None, None)
    stage = Encode(EncodeConfig(tokenizer=str(folder / "fast.json")))
    ((_, tail),) = stage.process_batch(to_batch(rows, PROBLEM).slice(1))
    assert tail.to_pylist() == [row, other]
    (text,) = encode(folder / "fast.json", [document("x", math_score=0.5)], DOCUMENT)[OUT]
    assert (text["corpus"], text["math_score"], text["weight"], text["answer"]) == ("documents", 0.5, 1.0, None)


def test_what_cannot_be_learned_from_leaves_with_a_reason(folder: Path) -> None:
    ports = encode(folder / "fast.json", [document("  \n"), document("a"), document("")], DOCUMENT)
    assert [row["reason"] for row in ports[DROPPED_PORT]] == ["empty_text", "empty_text"]
    assert len(ports[OUT]) == 1
    rows = [problem(solution=None, answer=None), problem(solution=None, answer="3"), problem()]
    assert [row["reason"] for row in encode(folder / "fast.json", rows, supervise="solution")[DROPPED_PORT]] == [
        "no_solution"
    ]
    assert len(encode(folder / "fast.json", rows, supervise="all")[OUT]) == 3


def test_rows_do_not_depend_on_their_batch(folder: Path) -> None:
    texts = [text for text in (*LITERAL, SOLUTION) if text.strip()]
    rows = [document(text, doc_id=str(i)) for i, text in enumerate(texts)]
    for name in ("nfc", "pieces"):
        together = encode(folder / f"{name}.json", rows, DOCUMENT)[OUT]
        alone = [encode(folder / f"{name}.json", [row], DOCUMENT)[OUT][0] for row in rows]
        assert together == alone
        stage = Encode(EncodeConfig(tokenizer=str(folder / f"{name}.json")))
        ((_, tail),) = stage.process_batch(to_batch(rows, DOCUMENT).slice(5))
        assert tail.to_pylist() == together[5:]


def test_other_records_are_refused_by_name(folder: Path) -> None:
    with pytest.raises(ConfigError, match="their column 'lang' is missing"):
        Encode(EncodeConfig(tokenizer=str(folder / "fast.json"))).output_schemas(PAGE)


def test_tokens_are_stored_in_the_type_of_the_vocabulary(folder: Path) -> None:
    stage = Encode(EncodeConfig(tokenizer=str(folder / "fast.json")))
    assert stage.config.file_paths() == [str(folder / "fast.json")]
    assert stage.output_schemas(DOCUMENT) == {OUT: encoded_schema(stage.tokenizer.vocab_size)}
    assert encoded_schema(stage.tokenizer.vocab_size).field("tokens").type.value_type == pa.uint16()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cl100k_base", "qwen3", "smollm2"])
def test_vocabularies_in_use_give_the_ids_of_the_library(name: str) -> None:
    path = SHARED / "tokenizers" / name
    if not path.exists():
        pytest.skip("the shared tokenizers are not here")
    tokenizer = Tokenizer.load(str(path))
    assert tokenizer.way == "compiled"
    with zstandard.ZstdDecompressor().stream_reader((path / "tokenizer.json.zst").read_bytes()) as reader:
        plain = tokenizers.Tokenizer.from_str(reader.read().decode())
    texts = list(LITERAL)
    for file in ("text/math", "text/general", "problems/tal_scq5k_cn_train"):
        data = zstandard.ZstdDecompressor().stream_reader((SHARED / f"{file}.jsonl.zst").read_bytes())
        records = [json.loads(line) for line in io.TextIOWrapper(data, encoding="utf-8")]
        texts += [record.get("text") or record["question"] for record in records[::50]]
    tokens, offsets = tokenizer.encode_batch(texts)
    expected = plain.encode_batch_fast(texts, add_special_tokens=False)
    assert [len(encoding) for encoding in expected] == np.diff(offsets).tolist()
    assert tokens.tolist() == [token for encoding in expected for token in encoding.ids]


def test_an_empty_span_has_no_tokens_wherever_it_lies() -> None:
    encoding = Encoding(np.arange(5), np.array([0, 2, 2, 5]), np.array([0, 3, 4, 6, 7]))  # texts of 4, 0 and 5 bytes
    spans = np.array([[0, 0], [1, 1], [1, 4], [4, 4], [5, 5], [8, 8], [9, 9]])
    rows, found = _token_spans(spans, encoding, np.array([0, 4, 4, 9]))
    assert rows.tolist() == [0, 0, 0, 2, 2, 2, 2]
    assert (found[:, 1] - found[:, 0]).tolist() == [0, 0, 2, 0, 0, 0, 0]
