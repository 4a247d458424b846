"""Counts as hypothesis may think of them: plausible ones, and whatever a broken source could hand over."""

from hypothesis import strategies as st

from gated.model.evidence import Counts

NUMBERS = st.one_of(
    st.just(0.0),
    st.integers(0, 500).map(float),
    st.floats(0, 1e4),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), -1.0, 5e-324, 1e15, 1e16, 1e308]),
)

COUNTS = st.builds(Counts, bad=NUMBERS, total=NUMBERS)

PAIRED_HOURS = st.lists(st.lists(st.tuples(COUNTS, COUNTS), max_size=12), max_size=4)

SINGLE_HOURS = st.lists(st.lists(COUNTS, max_size=45), max_size=4)

STEPS = st.sampled_from([1.0, 15.0, 300.0, 900.0, 3600.0, 7200.0])
"""Long ones too, so that a short list is enough history."""
