"""docs/testing-rules.md keeps its word: its files are run by the commands it shows, and print what it says."""

import re
from pathlib import Path

from deploy import consoles

PAGE = Path(__file__).parents[2] / "docs" / "testing-rules.md"


def test_the_page_shows_what_gated_prints() -> None:
    """`make docs` writes it anew."""
    page = PAGE.read_text()
    assert consoles.with_outputs(page) == page


def test_the_page_has_examples_of_both_endings() -> None:
    endings = re.findall(r"^(\d+) passed, (\d+) failed$", PAGE.read_text(), re.MULTILINE)
    assert any(failed == "0" for _, failed in endings)
    assert any(failed != "0" for _, failed in endings)
