"""docs/rules.md keeps its word: every file in it loads, and every fault shown is the fault that is printed."""

import re
from pathlib import Path

import pytest

from gated.rulebook import strict_yaml
from gated.rulebook.load import assemble

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
FILE = "rules/web.yaml"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(block["language"], block["text"]) for block in BLOCK.finditer(PAGE.read_text())]
EXAMPLES = [
    pytest.param(text, after[1] if after[0] == "text" else "", id=f"example {number}")
    for number, ((language, text), after) in enumerate(zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True))
    if language == "yaml"
]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize(("text", "faults"), EXAMPLES)
def test_an_example_does_what_the_page_says(text: str, faults: str) -> None:
    """Rules alone lack a plan, which is the one warning a file that loads may have."""
    loaded = assemble([strict_yaml.read(text.encode(), FILE)])
    told = [str(fault) for fault in loaded.faults if "there is no plan in these files" not in fault.message]
    assert told == faults.splitlines()
