"""A window is cut into buckets and edges that cover it exactly."""

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from calltally.calls.times import SECOND_US
from calltally.store.rollups.call_counters import FACET_WIDTHS_S, WIDTHS_S
from calltally.store.rollups.window_buckets import Cut, cut
from tests.examples import examples

START_US = 1_790_000_040_000_000
MINUTE_US = 60 * SECOND_US
levels = st.sampled_from([WIDTHS_S, FACET_WIDTHS_S])
END_US = WIDTHS_S[0] * 4_000 * SECOND_US

near = st.one_of(
    st.integers(START_US, START_US + 200 * 86_400 * SECOND_US),
    # On the bounds of buckets, and next to them.
    st.builds(
        lambda width_s, number, step: (
            (START_US // (width_s * SECOND_US) + number) * width_s * SECOND_US + step
        ),
        st.sampled_from(WIDTHS_S),
        st.integers(-3, 3),
        st.sampled_from([-1, 0, 1]),
    ),
)


def pieces(window: Cut) -> list[tuple[int, int]]:
    """Return all pieces in their order, in microseconds."""
    edges = [[edge] if edge else [] for edge in (window.first, window.last)]
    spans = [(span.lo_s * SECOND_US, span.hi_s * SECOND_US) for span in window.spans]
    return [*map(tuple, edges[0]), *spans, *map(tuple, edges[1])]  # type: ignore[list-item]


@settings(max_examples=examples(60))
@given(near, near, levels)
@example(START_US, START_US, WIDTHS_S)
@example(START_US + 1, START_US + 2, WIDTHS_S)
@example(START_US + 1, START_US + MINUTE_US, WIDTHS_S)
@example(START_US - 1, START_US + 1, WIDTHS_S)
def test_pieces_cover_the_window_exactly_without_overlap(
    from_us: int, to_us: int, widths_s: tuple[int, ...]
) -> None:
    found = pieces(cut(from_us, to_us, widths_s))
    if from_us >= to_us:
        assert found == []
        return
    assert (found[0][0], found[-1][1]) == (from_us, to_us)
    assert all(lo_us < hi_us for lo_us, hi_us in found)
    assert all(before[1] == after[0] for before, after in pairwise(found))


@settings(max_examples=examples(30))
@given(near, near, levels)
def test_spans_are_whole_buckets_and_few(from_us: int, to_us: int, widths_s: tuple[int, ...]) -> None:
    window = cut(from_us, to_us, widths_s)
    assert all(span.lo_s % span.width_s == span.hi_s % span.width_s == 0 for span in window.spans)
    assert all(span.width_s in widths_s for span in window.spans)
    # Each width at most once on either side of the widest.
    assert len(window.spans) <= 2 * len(widths_s) - 1
    finest_us = widths_s[-1] * SECOND_US
    assert all(edge is None or edge.hi_us - edge.lo_us < finest_us for edge in (window.first, window.last))


@settings(max_examples=examples(30))
@given(near, near, levels)
def test_no_wider_bucket_would_fit(from_us: int, to_us: int, widths_s: tuple[int, ...]) -> None:
    for span in cut(from_us, to_us, widths_s).spans:
        for wider_s in (width_s for width_s in widths_s if width_s > span.width_s):
            first_s = -(-span.lo_s // wider_s) * wider_s
            assert first_s + wider_s > span.hi_s


def test_window_without_bounds_has_only_the_widest_buckets() -> None:
    window = cut(None, None)
    assert pieces(window) == [(0, END_US)]
    assert [span.width_s for span in window.spans] == [WIDTHS_S[0]]


def test_bounds_outside_the_range_cut_no_further() -> None:
    assert cut(-1, END_US + 1) == cut(None, None)
    assert pieces(cut(END_US + 1, None)) == []
    assert pieces(cut(None, -1)) == []
