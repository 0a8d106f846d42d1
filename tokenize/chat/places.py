"""Where the parts of messages stand in rendered chats: places in messages to places in texts, a batch at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mathmill.tokenize.chat.text import ChatText
from mathmill.tokenize.render import Bytes
from mathmill.tokenize.utf8 import byte_offsets, text_buffer


def byte_spans(texts: pa.Array, spans: Iterable[Sequence[tuple[int, int]]]) -> Bytes:
    """Spans of characters, a list for each text, as bytes of the texts' common buffer: int64 (k, 2)."""
    listed = list(spans)
    rows = np.repeat(np.arange(len(listed)), [len(each) for each in listed])
    flat = np.array([span for each in listed for span in each], np.int64).reshape(-1, 2)
    places = byte_offsets(texts, np.concatenate([rows, rows]), flat.T.reshape(-1))
    return np.ascontiguousarray(places.reshape(2, -1).T)


@dataclass(frozen=True)
class Runs:
    """Which parts of the messages stand where in the texts of chats.

    texts: large_string (n,). rows, messages, sources: int64 (k,), the text, the number of the message in it, and the
    character of the message that a run begins with. places: int64 (k, 2), bytes of the texts, ascending.
    """

    texts: pa.Array
    rows: Bytes
    messages: Bytes
    sources: Bytes
    places: Bytes

    @classmethod
    def of(cls, chats: Sequence[ChatText]) -> "Runs":
        """The runs of a batch of chats."""
        texts = pa.array([chat.text for chat in chats], pa.large_string())
        runs = [run for chat in chats for run in chat.runs]
        return cls(
            texts=texts,
            rows=np.repeat(np.arange(len(chats)), [len(chat.runs) for chat in chats]),
            messages=np.array([run.message for run in runs], np.int64),
            sources=np.array([run.source for run in runs], np.int64),
            places=byte_spans(texts, ([(run.start, run.start + run.length) for run in chat.runs] for chat in chats)),
        )

    def mover(self, numbers: Bytes, contents: pa.Array) -> "Mover":
        """Move places in one message of each chat: message number numbers[row], which reads contents[row]."""
        own = np.flatnonzero(self.messages == numbers[self.rows])
        starts = byte_offsets(contents, self.rows[own], self.sources[own])
        order = np.argsort(starts, kind="stable")
        return Mover(text_buffer(contents)[1], self.rows[own][order], starts[order], self.places[own][order])

    def template_text(self, cuts: Bytes) -> Bytes:
        """What the template wrote, each part with a byte of what stands on either side of it: int64 (k, 2).

        No cut inside of these spans separates the template's text from a message. cuts: bytes in template text that
        one part ends and the next begins with, where a cut does no harm.
        """
        _, bounds = text_buffer(self.texts)
        starts = np.sort(np.concatenate([bounds[:-1], self.places[:, 1], cuts]))
        ends = np.sort(np.concatenate([self.places[:, 0], bounds[1:], cuts]))
        return np.stack([starts - ~np.isin(starts, cuts), ends + ~np.isin(ends, cuts)], axis=1)


@dataclass(frozen=True)
class Mover:
    """Moves spans from messages into texts.

    bounds: int64 (n + 1,), of the messages in their common buffer. rows, starts: int64 (k,), the runs, ascending by
    `starts`, bytes of the messages' buffer. places: int64 (k, 2), bytes of the texts' buffer.
    """

    bounds: Bytes
    rows: Bytes
    starts: Bytes
    places: Bytes

    def __call__(self, spans: Bytes) -> Bytes:
        """Bytes of messages to bytes of texts, int64 (m, 2): (-1, -1) for spans of which the text has nothing.

        Of a span that is there in part, it is what stands between the first and the last byte that are there.
        """
        moved = np.full_like(spans, -1)
        if not len(self.starts) or not len(spans):
            return moved
        owner = np.searchsorted(self.bounds, spans[:, 0], side="right") - 1
        first, start = self._place(spans[:, 0])
        ended = (start > self.places[first, 1]) | (self.rows[first] != owner)  # it begins in what the text lacks
        after = np.minimum(first + 1, len(self.starts) - 1)
        start = np.where(ended, self.places[after, 0], start)
        first = np.where(ended, after, first)
        last, end = self._place(spans[:, 1] - 1)
        end = np.minimum(end + 1, self.places[last, 1])
        there = (spans[:, 0] >= 0) & (self.rows[first] == owner) & (self.rows[last] == owner) & (start < end)
        moved[there] = np.stack([start, end], axis=1)[there]
        return moved

    def _place(self, places: Bytes) -> tuple[npt.NDArray[np.int64], Bytes]:
        """The run that begins before or at each byte, and where the byte is if the run is long enough."""
        run = np.maximum(np.searchsorted(self.starts, places, side="right") - 1, 0)
        return run, self.places[run, 0] + np.maximum(places - self.starts[run], 0)
