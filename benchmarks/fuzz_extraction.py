"""Coverage-guided fuzzing of `extract_html` with atheris, on real pages and on every literal input of the tests.

    python benchmarks/fuzz_extraction.py DATA --minutes 20 --out /tmp/fuzz

A child process mutates inputs (spliced fragments, nesting, repeated units, broken entities and bytes) and checks each:
no exception, spans that are valid, sorted and disjoint, as many formulas found as kept, the same result twice, its own
output read as HTML, at most 2 s of CPU for each MB and 500 MB of growth. What fails is saved, minimised and listed;
the child goes on, and is started anew when it dies or hangs. Needs `pip install atheris`.
"""

import argparse
import ast
import hashlib
import importlib.util
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from shared_pages import DEFAULT, demo_pages, pages

TESTS = Path(__file__).parents[1] / "tests"
ARCHIVES = ("math_pages", "nonmath_pages", "neardup_pages")
INSTRUMENTED = ("mathmill.curation.html", "mathmill.core.mathml")
CPU_SECONDS, GROWTH_KB = 2.0, 500 << 10
ADDRESS_SPACE = 8 << 30
LARGEST = 30_000  # bytes: larger inputs are seldom new and cost the time of a hundred
WINDOW = 6000  # bytes of a page in one seed
SEGMENT = 300  # seconds that a child lives: its caches fill, and a fresh one sees what was mended meanwhile
SILENCE = 30.0  # seconds without an input after which the child hangs outside of Python
MINIMISING = 20.0  # seconds for each finding


# --- what is checked


class TooSlow(BaseException):
    """The time for one input is up; no handler for exceptions may swallow it."""


def check(html: bytes, extract: Callable[[bytes], Any]) -> None:
    """Raise where an extraction is not as it must be."""
    limit = CPU_SECONDS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    page = timed(lambda: extract(html), limit)
    text, at = page.text, 0
    text.encode()
    for formula in page.formulas:
        assert at <= formula.start < formula.end <= len(text), "spans"
        mark = "$$" if formula.display else "$"
        assert text.startswith(mark, formula.start), "opening delimiter"
        assert text.endswith(mark, 0, formula.end), "closing delimiter"
        assert formula.end - formula.start > 2 * len(mark), "blank formula"
        at = formula.end
    assert all(0 <= block.start <= block.end <= len(text) for block in page.blocks), "blocks"
    assert all(page.found.get(name, 0) >= count for name, count in page.kept.items()), "kept more than found"
    assert timed(lambda: extract(html), limit) == page, "not deterministic"
    if len(text) < 1 << 20:
        timed(lambda: extract(text.encode()), limit)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_KB, "memory"


def timed(work: Callable[[], Any], seconds: float) -> Any:
    """Call `work` and raise TooSlow once it has taken so many seconds of CPU."""

    def stop(number: int, frame: Any) -> None:
        raise TooSlow("".join(traceback.format_stack(frame)[-6:]))

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def complaint(html: bytes, extract: Callable[[bytes], Any]) -> tuple[str, str] | None:
    """What is wrong with an input: a short name, by which findings are told apart, and the trace."""
    try:
        check(html, extract)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}mathmill{os.sep}" in f.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else str(error)[:60]
        return f"{type(error).__name__} {place}", "".join(traceback.format_exception(error))[-3000:]
    return None


# --- inputs


def seeds(data: Path) -> Iterator[bytes]:
    """Literal inputs of the tests, windows of real pages, and small pages as a whole."""
    for path in sorted(TESTS.glob("c*/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
                literal = node.value.encode("utf-8", "replace") if isinstance(node.value, str) else node.value
                if len(literal) > 8 and re.search(rb"[<$\\&{]", literal):
                    yield literal
    chance = random.Random(5)
    archived = pages(data, *ARCHIVES) if data.exists() else iter(())
    for source in (demo_pages(), archived):
        for page in source:
            yield page.html[:3000]
            marks = [match.start() for match in _INTERESTING.finditer(page.html)]
            at = max(0, (chance.choice(marks) if marks else 0) - WINDOW // 2)
            yield page.html[at : at + WINDOW]


_INTERESTING = re.compile(
    rb"<math|<mjx-|katex|math/tex|<table|<pre|ld\+json|\$|\\\(|<details|<sup|inlineMath|newcommand"
)
_TAG = re.compile(rb"<[^<>]{1,300}>")
_ELEMENT = re.compile(
    rb"<(math|table|span|script|mjx-[\w-]+|svg|pre|ul|ol|details|m[a-z]{2,12}|div)\b[^>]{0,200}>.{0,1500}?</\1>", re.S
)
_TOKENS = [
    *r"""
    $ $$ \( \) \[ \] ` [tex] [/tex] {{math| }} \begin{align} \end{align} &lt;math&gt; &#0; &#xD800; &amp &#x; &nbsp; ＄
    解 <br> <!-- --> <![CDATA[ ]]> <?xml < > " ' = ^ _ { } \newcommand{\a}[1]{\a{#1}#1} \def\b#1{#1#1} \color{red}
    {\displaystyle \text{ class=katex class=MathJax class=math hidden style=display:none colspan=999 rowspan=999
    start=-9999999 reversed class=solution class=post data-latex=x^2 class=tex2jax_ignore data-mml-node=mi data-c=D800
    class=mjx-cDFFF encoding=application/x-tex itemprop=suggestedAnswer id=post_123 type=math/tex alttext=x
    """.encode().split(),
    b"\0", b"\xff", b"\xed\xa0\x80", b"\x1b$B", b"  " * 40, b"\n", b"\t", b" ", b" class='math inline'",
]  # fmt: skip
_TAGS = """
    div p span a b i em sup sub table tr td th ul ol li pre code details summary header footer aside nav article main
    h1 h2 h6 script style title textarea svg math mrow mfrac msqrt msup msub munderover mtable mtr mtd mfenced mtext
    mo mi mn mmultiscripts semantics annotation annotation-xml apply plus diff divide power bvar ci cn mjx-container
    mjx-math mjx-mfrac mjx-num mjx-den mjx-msup mjx-script mjx-munderover mjx-over mjx-under mjx-mi mjx-c g use tex
    inline-formula tex-math button form label font
""".strip().split()


class Mutator:
    """Makes an input from another with fragments of the seeds."""

    def __init__(self, inputs: list[bytes]) -> None:
        self.inputs = inputs
        chance = random.Random(7)
        sample = inputs if len(inputs) < 3000 else chance.sample(inputs, 3000)
        self.elements = [match[0] for html in sample for match in _ELEMENT.finditer(html)] or [b"<p>"]
        self.tags = sorted({tag for html in sample for tag in _TAG.findall(html)}) or [b"<p>"]

    def fragment(self, chance: random.Random) -> bytes:
        kind = chance.random()
        if kind < 0.4:
            return chance.choice(_TOKENS)
        if kind < 0.6:
            return chance.choice(self.elements)
        if kind < 0.8:
            return chance.choice(self.tags)
        if kind < 0.9:
            return f"<{'/' * chance.getrandbits(1)}{chance.choice(_TAGS)}>".encode()
        other = chance.choice(self.inputs)
        at = chance.randrange(len(other) + 1)
        return other[at : at + chance.choice((20, 200, 2000))]

    def __call__(self, data: bytes, chance: random.Random, largest: int) -> bytes:
        for _ in range(chance.choice((1, 1, 2, 4))):
            data = self.once(data, chance)
        return data[:largest]

    def once(self, data: bytes, chance: random.Random) -> bytes:
        a, b = self.place(data, chance), self.place(data, chance)
        a, b = min(a, b), max(a, b)
        kind = chance.randrange(10)
        if kind < 3:
            return data[:a] + self.fragment(chance) + data[a:]
        if kind == 3:
            return data[:a] + self.fragment(chance) + data[b:]
        if kind == 4:
            return data[:a] + data[b:]
        if kind == 5:  # a repeated unit
            unit = self.fragment(chance) if chance.getrandbits(1) else data[a:b][:400]
            most = chance.choice((1_000, 3_000, 3_000, 10_000, 25_000)) // max(1, len(unit))
            return data[:a] + unit * max(1, most) + data[a:]
        if kind == 6:  # nesting, closed or not
            tags = chance.choices(_TAGS, k=chance.choice((1, 1, 2, 3)))
            depth = chance.choice((2, 5, 30, 300))
            opening, closing = "".join(f"<{t}>" for t in tags), "".join(f"</{t}>" for t in reversed(tags))
            return (
                data[:a]
                + opening.encode() * depth
                + data[a:b]
                + closing.encode() * depth * chance.getrandbits(1)
                + data[b:]
            )
        if kind == 7:  # an attribute
            tag = data.find(b">", a)
            return (
                data[:tag] + b" " + chance.choice(_TOKENS) + data[tag:] if tag != -1 else data + self.fragment(chance)
            )
        if kind == 8:  # another element
            name = chance.choice(_TAGS).encode()
            return (
                data[:a]
                + re.sub(rb"<(/?)\w[\w-]*", rb"<\1" + name, data[a:b], count=chance.choice((1, 2, 50)))
                + data[b:]
            )
        byte = bytes([chance.randrange(256)])
        return data[:a] + byte + data[a + 1 :]

    def place(self, data: bytes, chance: random.Random) -> int:
        """A place to cut at, mostly beside a tag."""
        at = chance.randrange(len(data) + 1)
        tag = data.find(chance.choice((b"<", b"<", b">", b"$", b" ")), at)
        return tag if tag != -1 and chance.random() < 0.8 else at


# --- the child


def fuzz(out: Path, seconds: int) -> None:
    """Mutate and check until the time is up; never returns."""
    import atheris

    with atheris.instrument_imports(include=["mathmill"], exclude=list(not_instrumented())):
        from mathmill.curation.extract import extract_html
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    inputs = [path.read_bytes() for path in sorted((out / "seeds").iterdir())]
    mutate = Mutator(inputs)
    current = out / "current"
    known = {json.loads(line)["name"] for line in (out / "findings.jsonl").read_text().splitlines()}

    def one(data: bytes) -> None:
        if len(data) > LARGEST:
            return
        current.write_bytes(data)
        found = complaint(data, extract_html)
        if found is not None and found[0] not in known:
            known.add(found[0])
            save(out, found, data)

    def custom(data: bytes, largest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        return mutate(data, chance, largest) if chance.random() < 0.9 else atheris.Mutate(data, largest)

    flags = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-rss_limit_mb=0", "-timeout=600", "-len_control=0"]
    folders = [str(out / "corpus")] + ([] if any((out / "corpus").iterdir()) else [str(out / "seeds")])
    atheris.Setup([sys.argv[0], *flags, *folders], one, custom_mutator=custom)
    atheris.Fuzz()


def not_instrumented() -> Iterator[str]:
    """The modules that coverage is not measured in: all but the reading of HTML, and what numba compiles."""
    import mathmill

    root = Path(next(iter(mathmill.__path__)))
    for path in root.glob("c*/**/*.py"):
        name = ".".join(("mathmill", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        if not name.startswith(INSTRUMENTED) or "njit" in path.read_text():
            yield name


def save(out: Path, found: tuple[str, str], data: bytes) -> None:
    """Keep a finding."""
    name, trace = found
    file = out / f"finding-{hashlib.sha256(name.encode()).hexdigest()[:10]}.html"
    file.write_bytes(data)
    with open(out / "findings.jsonl", "a") as lines:
        lines.write(json.dumps({"name": name, "file": file.name, "trace": trace}) + "\n")


def minimise(file: Path) -> None:
    """Cut parts out of a finding as long as the same is wrong with the rest."""
    from mathmill.curation.extract import extract_html

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    data = file.read_bytes()
    first = complaint(data, extract_html)
    print(f"{file.name}: {first[0] if first else 'passes when run alone'}", flush=True)
    if first is None:
        return
    until = time.monotonic() + MINIMISING
    size = len(data) // 2
    while size and time.monotonic() < until:
        at, before = 0, len(data)
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + size :]
            left = complaint(shorter, extract_html)
            if left is not None and left[0] == first[0]:
                data = shorter
            else:
                at += size
        size = size if len(data) < before and size == 1 else size // 2
    file.with_suffix(".min.html").write_bytes(data)
    print(f"  {len(data):,} bytes: {data[:300]!r}\n{first[1][-600:]}", flush=True)


# --- the parent


def run(data: Path, out: Path, minutes: float) -> None:
    """Keep a child at work for so many minutes, then minimise what it found and tell what it did."""
    for folder in ("seeds", "corpus"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for seed in seeds(data):
        (out / "seeds" / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    (out / "findings.jsonl").touch()
    until = time.monotonic() + 60 * minutes
    executions = 0
    covered: list[str] = []
    while (left := until - time.monotonic()) > 5:
        (out / "current").write_bytes(b"")
        with open(out / "log", "w") as log:
            command = [sys.executable, __file__, "--child", str(int(min(left, SEGMENT))), "--out", str(out)]
            child = subprocess.Popen(command, stderr=log, stdout=log)
            killed = watch(child, out / "current", until + 60)
        status = re.findall(
            r"^#(\d+)\s+\S+ +(cov: \d+ ft: \d+ corp: \d+)", (out / "log").read_text(errors="replace"), re.M
        )
        if status:
            executions += int(status[-1][0])
            covered += [status[0][1], status[-1][1]]
        if child.returncode:
            name = "hang outside of Python" if killed else f"child ended with {child.returncode}"
            save(
                out,
                (f"{name} {time.time():.0f}", (out / "log").read_text(errors="replace")[-2000:]),
                (out / "current").read_bytes(),
            )
    print(f"{executions:,} executions; coverage {' -> '.join(covered[:1] + covered[-1:])}")
    for line in (out / "findings.jsonl").read_text().splitlines():
        subprocess.run([sys.executable, __file__, "--minimise", str(out / json.loads(line)["file"])], check=False)


def watch(child: "subprocess.Popen[bytes]", current: Path, until: float) -> bool:
    """Wait for the child; kill it where it stays with one input, or is late. Returns whether it stayed with one."""
    while child.poll() is None:
        time.sleep(1)
        started = current.stat()
        stays = bool(started.st_size) and time.time() - started.st_mtime > SILENCE
        if stays or time.monotonic() > until:
            child.kill()
            child.wait()
            child.returncode = child.returncode if stays else 0  # being late is no finding
            return stays
    return False


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DEFAULT, help="the data folder (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="folder for seeds, corpus and findings")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--minimise", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: pip install atheris")
    if options.child:
        fuzz(options.out, options.child)
    elif options.minimise:
        minimise(options.minimise)
    else:
        run(options.data, options.out, options.minutes)


if __name__ == "__main__":
    main()
