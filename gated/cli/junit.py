"""JUnit's XML, which CI systems read: GitLab, Jenkins, Azure, and actions for GitHub."""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from gated.cli import trial_text
from gated.cli.text import printable
from gated.cli.trial_text import Told


def report(tried: Iterable[Told]) -> bytes:
    """A suite for every file, with a test case for every case."""
    suites: dict[str, list[Told]] = {}
    for told in tried:
        suites.setdefault(told.file, []).append(told)
    root = ET.Element("testsuites", _counts([told for suite in suites.values() for told in suite]))
    for file, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": printable(file), **_counts(cases)})
        for told in cases:
            suite.append(_case(told))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _counts(cases: Sequence[Told]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(told.result == "failed" for told in cases)),
        "errors": str(sum(told.result == "error" for told in cases)),
        "skipped": "0",
        "time": f"{sum(told.tried.duration_seconds for told in cases):.3f}",
    }


def _case(told: Told) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "name": printable(told.case.name),
            "classname": printable(told.file),
            "file": printable(told.file),
            "line": str(told.case.place.line),
            "time": f"{told.tried.duration_seconds:.3f}",
        },
    )
    if told.result == "error":
        ET.SubElement(case, "error", {"message": printable(told.tried.trouble)})
    elif told.result == "failed":
        wrong = list(trial_text.failure_lines(told))
        ET.SubElement(case, "failure", {"message": wrong[0]}).text = "\n".join(wrong)
        ET.SubElement(case, "system-out").text = trial_text.timeline(told)
    return case
