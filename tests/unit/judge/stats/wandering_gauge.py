"""Gauges that never existed, and gauge values as hypothesis may think of them."""

import math
from random import Random

from hypothesis import strategies as st

EIGHTHS = st.integers(-800, 800).map(lambda n: n / 8)
"""Numbers that add and subtract without rounding, often equal to each other."""

SAMPLE = st.lists(EIGHTHS, min_size=1, max_size=25)


def wander(random: Random, mean: float, spread: float, persistence: float, looks: int = 60) -> list[float]:
    """A gauge that is normal around its mean and forgets where it was.

    Args:
        random: where chance comes from.
        mean: of it all.
        spread: standard deviation as a share of the mean.
        persistence: correlation from look to look; 0 for independent values.
        looks: how many values.
    """
    values, z = [], random.gauss(0, 1)
    for _ in range(looks):
        values.append(mean * (1 + spread * z))
        z = persistence * z + math.sqrt(1 - persistence**2) * random.gauss(0, 1)
    return values
