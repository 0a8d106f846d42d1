import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.tokenize.cutting import Marks, count_cuts, cut, split
from mathmill.tokenize.packing import pack

PARAGRAPH, STEP, LINE, WORD = 0, 1, 2, 3


def marks_of(records):
    """Records as (length, [(offset, rank)], answer or None)."""
    cuts = [mark for _, marks, _ in records for mark in marks]
    return Marks(
        lengths=np.array([length for length, *_ in records], np.int64),
        cut_starts=np.cumsum([0] + [len(marks) for _, marks, _ in records]),
        cut_offsets=np.array([offset for offset, _ in cuts], np.int32),
        cut_ranks=np.array([rank for _, rank in cuts], np.int8),
        answers=np.array([answer or (-1, -1) for *_, answer in records], np.int32).reshape(-1, 2),
    )


def cut_one(length, cuts, seq_len, answer=None):
    """The lengths of the pieces, and what was counted."""
    marks = marks_of([(length, cuts, answer)])
    pieces = cut(marks, seq_len)
    assert pieces.part.tolist() == list(range(len(pieces.part)))
    assert set(pieces.n_parts.tolist()) == {len(pieces.part)}
    assert pieces.start.tolist() == (np.cumsum(pieces.length) - pieces.length).tolist()
    return pieces.length.tolist(), count_cuts(marks, pieces)


def test_a_record_that_fits_is_left_alone():
    lengths, counts = cut_one(16, [(5, PARAGRAPH)], 16)
    assert lengths == [16]
    assert (counts.records, counts.records_cut) == (1, 0)


def test_a_paragraph_in_the_last_half_of_the_window_wins_over_a_later_line():
    lengths, counts = cut_one(20, [(10, PARAGRAPH), (15, LINE)], 16)
    assert lengths == [10, 10]
    assert (counts.cuts_at_paragraph, counts.cuts_at_line, counts.hard_cuts) == (1, 0, 0)


def test_of_two_steps_the_later_one_is_taken():
    assert cut_one(20, [(10, STEP), (14, STEP), (15, LINE)], 16)[0] == [14, 6]


def test_an_early_mark_is_still_better_than_a_cut_inside_a_formula():
    lengths, counts = cut_one(30, [(2, PARAGRAPH), (4, LINE)], 16)
    assert lengths == [4, 16, 10]
    assert (counts.cuts_at_line, counts.hard_cuts) == (1, 1)


def test_without_marks_pieces_are_full_but_the_last_is_not_a_crumb():
    lengths, counts = cut_one(33, [], 16)
    assert lengths == [16, 15, 2]
    assert counts.hard_cuts == 2


def test_words_are_cut_apart_only_where_nothing_better_is_in_the_window():
    lengths, counts = cut_one(30, [(3, LINE), (14, WORD), (18, WORD), (21, WORD)], 16)
    assert lengths == [3, 15, 12]
    assert (counts.cuts_at_line, counts.cuts_at_word, counts.hard_cuts) == (1, 1, 0)


def test_a_word_after_the_answer_is_taken_before_a_hard_cut_at_its_end():
    lengths, counts = cut_one(17, [(9, WORD), (13, WORD), (15, WORD)], 16, answer=(10, 14))
    assert lengths == [15, 2]
    assert (counts.cuts_at_word, counts.answers_truncated, counts.answers_separated) == (1, 0, 0)


def test_a_word_leaves_the_answer_with_some_of_what_leads_to_it():
    lengths, counts = cut_one(24, [(6, WORD), (14, WORD), (16, WORD)], 16, answer=(15, 20))
    assert lengths == [6, 8, 10]
    assert (counts.cuts_at_word, counts.hard_cuts, counts.answers_truncated) == (2, 0, 0)
    assert counts.answers_separated == 1  # words are no steps


def test_a_mark_beyond_the_best_place_is_better_than_a_hard_cut():
    lengths, counts = cut_one(17, [(16, WORD)], 16)  # the last piece is a crumb
    assert lengths == [16, 1]
    assert (counts.cuts_at_word, counts.hard_cuts) == (1, 0)


def test_an_answer_longer_than_a_row_is_divided_between_words():
    lengths, counts = cut_one(30, [(6, LINE), (17, WORD)], 16, answer=(8, 30))
    assert lengths == [6, 11, 13]
    assert (counts.cuts_at_word, counts.hard_cuts, counts.answers_truncated) == (1, 0, 1)


def test_a_mark_inside_the_answer_is_not_used():
    assert cut_one(20, [(9, LINE), (14, PARAGRAPH)], 16, answer=(13, 18))[0] == [9, 11]


def test_a_hard_cut_leaves_the_answer_whole_with_some_of_what_leads_to_it():
    lengths, counts = cut_one(24, [], 16, answer=(15, 20))
    assert lengths == [8, 16]
    assert (counts.answers, counts.answers_truncated, counts.answers_separated) == (1, 0, 1)


def test_a_hard_cut_comes_after_an_answer_that_ends_in_the_window():
    lengths, counts = cut_one(17, [], 16, answer=(10, 16))
    assert lengths == [16, 1]
    assert (counts.answers_truncated, counts.answers_separated) == (0, 0)


def test_an_answer_after_its_last_step_is_not_separated():
    _, counts = cut_one(24, [(12, STEP)], 16, answer=(20, 23))
    assert (counts.answers, counts.answers_truncated, counts.answers_separated) == (1, 0, 0)


def test_an_answer_longer_than_a_row_is_counted_as_truncated():
    lengths, counts = cut_one(30, [(6, LINE)], 16, answer=(8, 30))
    assert max(lengths) <= 16
    assert (counts.answers_truncated, counts.answers_separated) == (1, 0)


def next_cut(position, length, cuts, answer, seq_len):
    """The rule in plain words, for comparison."""
    end, limit = position + seq_len, min(position + seq_len, length - seq_len // 8)
    usable = [
        (offset, rank)
        for offset, rank in cuts
        if position < offset <= end and offset < length and not (answer and answer[0] <= offset < answer[1])
        if rank != WORD
    ]
    good = [(-rank, offset) for offset, rank in usable if 2 * (offset - position) > seq_len and offset <= limit]
    if good:
        return max(good)[1]
    if usable:
        return max(offset for offset, _ in usable)
    hard, latest = hard_cut(position, limit, answer, seq_len)
    divided = range(answer[0] + 1, answer[1]) if answer and answer[1] - answer[0] <= seq_len else range(0)
    possible = [o for o, _ in cuts if position < o <= end and o not in divided]
    earlier = [o for o in possible if o <= latest]
    return max(earlier) if earlier else min(possible, default=hard)


def hard_cut(position, limit, answer, seq_len):
    """Where to cut without marks, and the last place where a mark will do instead."""
    half, end = max(seq_len // 2, 1), position + seq_len
    if answer and position <= answer[0] < limit + half and limit < answer[1]:
        if answer[1] <= end:
            return answer[1], end
        limit = min(limit, max(position + half, answer[1] - seq_len))
        if limit > answer[0]:
            limit = answer[0] if answer[0] > position else end
    return limit, limit


@st.composite
def records(draw):
    length = draw(st.integers(1, 90))
    offsets = sorted(draw(st.lists(st.integers(0, length), max_size=12)))
    answer = None
    if draw(st.booleans()):
        start = draw(st.integers(0, length - 1))
        answer = (start, draw(st.integers(start + 1, length)))
    return length, [(offset, draw(st.integers(0, 3))) for offset in offsets], answer


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(records(), min_size=1, max_size=5), st.integers(1, 30))
def test_cutting_follows_the_rule_and_covers_every_token_once(given_records, seq_len):
    marks = marks_of(given_records)
    pieces = cut(marks, seq_len)
    expected = []
    for number, (length, cuts, answer) in enumerate(given_records):
        position = 0
        while length - position > seq_len:
            end = next_cut(position, length, cuts, answer, seq_len)
            expected.append((number, position, end - position))
            position = end
        expected.append((number, position, length - position))
    assert list(zip(pieces.record.tolist(), pieces.start.tolist(), pieces.length.tolist(), strict=True)) == expected
    assert pieces.length.min() >= 1
    assert pieces.length.max() <= seq_len


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(records(), min_size=1, max_size=5), st.integers(2, 30))
def test_an_answer_that_fits_into_a_row_is_never_divided(given_records, seq_len):
    marks = marks_of(given_records)
    counts = count_cuts(marks, cut(marks, seq_len))
    too_long = sum(1 for *_, answer in given_records if answer and answer[1] - answer[0] > seq_len)
    assert counts.answers_truncated == too_long


def test_concatenated_records_are_divided_where_rows_end():
    pieces = split(np.array([5, 20, 3, 4]), 8)
    columns = (pieces.record, pieces.start, pieces.length, pieces.part, pieces.n_parts)
    assert np.stack(columns, 1).tolist() == [
        [0, 0, 5, 0, 1],
        [1, 0, 3, 0, 4],
        [1, 3, 8, 1, 4],
        [1, 11, 8, 2, 4],
        [1, 19, 1, 3, 4],
        [2, 0, 3, 0, 1],
        [3, 0, 4, 0, 1],
    ]  # fmt: skip


def test_what_concatenation_costs_is_counted():
    marks = marks_of([(6, [(2, STEP)], (4, 6)), (6, [(2, PARAGRAPH)], (1, 3)), (6, [], (2, 5))])
    counts = count_cuts(marks, split(marks.lengths, 8))
    # the second record is cut at its paragraph, inside its answer; the third is cut by force, inside its answer
    assert (counts.records, counts.records_cut, counts.cuts_at_paragraph, counts.hard_cuts) == (3, 2, 1, 1)
    assert (counts.answers, counts.answers_truncated, counts.answers_separated) == (3, 2, 0)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=40), st.integers(1, 30))
def test_concatenation_places_every_token_once_and_pads_the_last_row_only(lengths, seq_len):
    pieces = split(np.array(lengths), seq_len)
    tokens = [
        (record, start + i)
        for record, start, n in zip(pieces.record, pieces.start, pieces.length, strict=True)
        for i in range(n)
    ]
    assert tokens == [(record, i) for record, length in enumerate(lengths) for i in range(length)]
    packing = pack(pieces.length, seq_len, "concatenate-and-split")
    filled = np.bincount(packing.bins, weights=pieces.length)
    assert (filled[:-1] == seq_len).all()
    assert 0 < filled[-1] <= seq_len
