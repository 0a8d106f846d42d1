"""The counts of `curation/quality_counts.py` in plain Python: strings, dictionaries, sets, character by character."""

import re
from collections import defaultdict

from mathmill.curation.quality_lines import DRILL_TOKENS, LONG_LINE, SHORT_NOTICE, Count
from mathmill.curation.quality_repeats import LEAST, REPEATED_SIZES, TOP_SIZES, WINDOW
from mathmill.curation.quality_words import (
    BOILERPLATE,
    CHARACTER,
    CONTINUED,
    DAMAGE,
    DIGIT,
    IGNORED,
    LETTER,
    NEWLINE,
    OPERATOR,
    PLACEHOLDER,
    SPACE,
    SPAM,
    STOP_CHARACTERS,
    STOP_WORDS,
    SYMBOL,
    character_classes,
    phrase_kinds,
)

URL = re.compile(r"(?:https?://|www\.)[!-~]*", re.IGNORECASE | re.ASCII)
URL_END = re.compile(r'[)\]>"`|}\x7f]')
FORMULA, COMMA, POINT = "formula", "comma", "point"


def reference_counts(text: str, spans: list[tuple[int, int]]) -> list[int]:
    """All of `Count` for one text and the spans of its formulas."""
    return _Counter(text, _joined(spans)).run()


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(start, 0), end) for start, end in spans if end > max(start, 0)):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _kind(letter: str) -> int:
    point = ord(letter)
    if point < 0x10000:
        return int(character_classes()[point])
    if point >= 0xF0000:
        return DAMAGE
    return CHARACTER if 0x20000 <= point < 0x34000 else SYMBOL if 0x1F000 <= point < 0x20000 else LETTER


class _Line:
    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.letters: list[int] = []
        self.last: object = None
        self.table = self.bullet = self.heading = self.has_math = self.ellipsis = self.dollars = False
        self.brackets = 0


class _Counter:
    def __init__(self, text: str, spans: list[tuple[int, int]]) -> None:
        self.text, self.spans = text, spans
        self.n: defaultdict[Count, int] = defaultdict(int)
        self.lines: list[_Line] = []  # with a token
        self.line = _Line()
        self.pending: tuple[bool, bool] = (False, False)  # the line before: long, cut

    def run(self) -> list[int]:
        i, before = 0, ""
        while i < len(self.text):
            span = next(((s, e) for s, e in self.spans if e > i and s < len(self.text)), (len(self.text),) * 2)
            if span[0] <= i:
                end = min(span[1], len(self.text))
                self.n[Count.FORMULAS] += 1
                self.enter("$" + self.text[i:end], end - i, 0)
                self.line.has_math, self.line.last = True, FORMULA
                i, before = end, ""
                continue
            letter, kind = self.text[i], _kind(self.text[i])
            if kind == NEWLINE:
                self.end_line()
                before = ""
                i += 1
            elif kind in (LETTER, DIGIT):
                i, before = self.word(i, span[0])
            elif kind == CHARACTER:
                self.line.last = CHARACTER
                if not self.line.table:
                    self.n[Count.VISIBLE] += 1
                    self.n[Count.CHARACTERS] += 1
                    self.n[Count.STOP_CHARACTERS] += letter in STOP_CHARACTERS
                self.enter(letter, 1, 1)
                i, before = i + 1, letter
            elif kind in (SPACE, IGNORED):
                i, before = i + 1, letter
            else:
                i, before = self.mark(i, span[0], before)
        self.end_line()
        self.end_line()
        self.repeats()
        return [self.n[count] for count in Count]

    def enter(self, token: str, size: int, letters: int) -> None:
        self.n[Count.TOKENS] += 1
        self.line.ellipsis = False
        if not self.line.table:
            self.n[Count.TOKEN_LETTERS] += size
            self.line.tokens.append(token)
            self.line.letters.append(letters)

    def word(self, i: int, stop: int) -> tuple[int, str]:
        if url := URL.match(self.text, i, stop):
            end = URL_END.search(self.text, i, url.end())
            length = (end.start() if end else url.end()) - i
            self.n[Count.LINK_LETTERS] += length
            self.line.last = POINT
            return i + length, ""
        end = i
        while end < stop and _kind(self.text[end]) in (LETTER, DIGIT, IGNORED):
            end += 1
        kept = [letter for letter in self.text[i:end] if _kind(letter) != IGNORED]
        token = "".join(letter.lower() if letter.isascii() else letter for letter in kept)
        lettered = any(_kind(letter) == LETTER for letter in kept)
        self.line.last = LETTER if lettered else DIGIT
        if not lettered:
            self.n[Count.NUMBERS] += 1
            self.line.has_math = True
        if not self.line.table:
            self.n[Count.VISIBLE] += end - i
            if lettered:
                self.n[Count.WORDS] += 1
                self.n[Count.WORD_LETTERS] += end - i
                self.n[Count.STOP_WORDS] += token in STOP_WORDS or token in STOP_CHARACTERS
        self.enter(token, end - i, end - i if lettered else 0)
        return end, self.text[end - 1]

    def begin_line(self, i: int, stop: int) -> int:
        """Characters passed over at the first visible one of a line."""
        line, letter = self.line, self.text[i]
        following = self.text[i + 1] if i + 1 < stop else ""
        if letter == "|":
            line.table = True
        elif letter in "`~":
            fence = re.match(r"(`{3,}|~{3,})", self.text[i:])
            if not fence:
                return 0
            line.last = POINT
            rest = self.text[i:]
            own = rest.split("\n", 1)[0]
            closing = re.search(
                r"\n[ \t]*" + re.escape(letter) + "{" + str(len(fence[0])) + r",}[^\n]*", rest[len(own) :]
            )
            return len(own) + (closing.end() if closing else 0)
        elif letter == "#":
            line.heading, line.last = True, POINT
            return len(re.match("#+", self.text[i:stop])[0])  # type: ignore[index]
        elif (following == " " and letter in "-*+") or letter in "•·" or "\u25a0" <= letter <= "\u25ff":
            line.bullet = True
        return 0

    def mark(self, i: int, stop: int, before: str) -> tuple[int, str]:
        n, line, letter, kind = self.n, self.line, self.text[i], _kind(self.text[i])
        if line.last is None and (skipped := self.begin_line(i, stop)):
            return i + skipped, ""
        garbled = (before in ("Ã", "Â") and "\u00a0" <= letter <= "¿") or (before == "â" and letter == "€")
        n[Count.DAMAGED] += 2 if garbled else kind == DAMAGE
        n[Count.OPERATORS] += kind == OPERATOR
        last, line.last = line.last, COMMA if letter in ",，" else POINT
        if line.table:
            return i + 1, letter
        run = len(re.match(r"\.*", self.text[i:stop])[0]) or 1  # type: ignore[index]
        if letter == "…" or run >= 3:
            follows = last in (LETTER, CHARACTER) or before in ("[", "(")
            n[Count.ELLIPSES] += follows
            line.ellipsis |= follows
        n[Count.VISIBLE] += run
        n[Count.SYMBOLS] += kind == SYMBOL or (letter in "!?！？" and before != "" and before in "!?！？")
        n[Count.UNLETTERED] += run if kind != OPERATOR else 0
        following = self.text[i + 1] if i + 1 < stop else ""
        if letter == "$" and before != "\\":
            line.dollars = bool(re.match(r"[A-Za-z\\{(]", following)) and not line.dollars
        elif before == "\\" and letter in "([":
            line.brackets += 1
        elif before == "\\" and letter in ")]":
            line.brackets -= 1
        return i + run, letter

    def end_line(self) -> None:
        n, line = self.n, self.line
        if line.last is None:
            long, cut = self.pending
            n[Count.PARAGRAPHS] += long
            n[Count.CUT_SENTENCES] += long and cut
            self.pending = (False, False)
            return
        size = len(line.tokens)
        letter_last = line.last in (LETTER, CHARACTER)
        long = size >= LONG_LINE and not line.bullet and not line.heading
        self.pending = (long, letter_last or line.last == COMMA)
        if size:
            n[Count.LINES] += 1
            n[Count.MENU_LINES] += line.bullet and not line.has_math and letter_last
            found = self.phrases(line.tokens)
            goes_on = line.ellipsis or any(
                kind == CONTINUED and (end == size or (start == 0 and size <= SHORT_NOTICE))
                for start, end, kind in found
            )
            boilerplate = any(kind == BOILERPLATE for _, _, kind in found)
            n[Count.BOILERPLATE_LETTERS] += sum(line.letters) if boilerplate else 0
            n[Count.PLACEHOLDER_TOKENS] += sum(end - start for start, end, kind in found if kind == PLACEHOLDER)
            n[Count.SPAM_TOKENS] += sum(end - start for start, end, kind in found if kind == SPAM)
            n[Count.SPAM_PHRASES] += sum(kind == SPAM for _, _, kind in found)
            n[Count.CUT_LINES] += goes_on
            n[Count.CUT_FORMULAS] += line.dollars or line.brackets != 0
            if goes_on or not boilerplate:
                n[Count.ENDS_CUT] = goes_on
            self.lines.append(line)
        self.line = _Line()

    @staticmethod
    def phrases(tokens: list[str]) -> list[tuple[int, int, int]]:
        kinds = phrase_kinds()
        longest = max(map(len, kinds))
        found, i = [], 0
        while i < len(tokens):
            ends = (i + size for size in range(longest, 0, -1) if i + size <= len(tokens))
            end = next((end for end in ends if tuple(tokens[i:end]) in kinds), None)
            if end is not None:
                found.append((i, end, kinds[tuple(tokens[i:end])]))
            i = end or i + 1
        return found

    def repeats(self) -> None:
        n = self.n
        seen = set()
        tokens: list[str] = []
        letters: list[int] = []
        for line in self.lines:
            if tuple(line.tokens) in seen:
                n[Count.REPEATED_LINE_LETTERS] += sum(line.letters)
            seen.add(tuple(line.tokens))
            is_drill = line.has_math and len(line.tokens) <= DRILL_TOKENS
            tokens += line.tokens
            letters += [0] * len(line.letters) if is_drill else line.letters
        per_word = 2 if n[Count.CHARACTERS] > n[Count.WORDS] else 1
        for size in TOP_SIZES:
            grams: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
            for i in range(len(tokens) - size * per_word + 1):
                inside = sum(letters[i : i + size * per_word])
                if inside:
                    grams[tuple(tokens[i : i + size * per_word])].append(inside)
            n[Count[f"TOP_{size}_LETTERS"]] = max((sum(found) for found in grams.values() if len(found) > 1), default=0)
        for size in REPEATED_SIZES:
            known: set[tuple[str, ...]] = set()
            i = 0
            while i + size * per_word <= len(tokens):
                gram = tuple(tokens[i : i + size * per_word])
                if gram in known:
                    n[Count[f"REPEATED_{size}_LETTERS"]] += sum(letters[i : i + size * per_word])
                    i += size * per_word
                else:
                    known.add(gram)
                    i += 1
        window = min(WINDOW, len(tokens))
        for start in range(0, len(tokens) - window + 1 if len(tokens) >= LEAST else 0, window or 1):
            n[Count.WINDOWED] += window
            n[Count.DISTINCT] += len(set(tokens[start : start + window]))
