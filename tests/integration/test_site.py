"""The documentation as a site: it builds without a warning, needs nothing from elsewhere, and no link leads nowhere."""

import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.documents import REPOSITORY

_LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""Elements that make a browser fetch something, by the attribute that says what."""


class Page(HTMLParser):
    """What a built page loads, where it leads, and where it can be led to.

    Args:
        text: of the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element refers to."""
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in _LOADED and _LOADED[tag] in given and given.get("rel") not in {"canonical", "prev", "next"}:
            self.loaded.append(given[_LOADED[tag]])


def build(sources: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build it as `make docs` does."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("mkdocs")), "build", "--strict", "--site-dir", str(site)],
        cwd=sources,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    directory = tmp_path_factory.mktemp("site")
    built = build(REPOSITORY, directory)
    assert built.returncode == 0, built.stderr
    return directory


@pytest.fixture(scope="module")
def built(site: Path) -> dict[str, Page]:
    """Its pages, by their address."""
    return {path.relative_to(site).as_posix(): Page(path.read_text()) for path in site.rglob("*.html")}


def test_every_page_of_the_documentation_is_on_the_site(built: dict[str, Page]) -> None:
    docs = REPOSITORY / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md") if not path.name.endswith(".intro.md")}
    assert {page.removesuffix(".md") + ".html" for page in pages} == set(built) - {"404.html"}


def test_every_page_can_be_reached_from_the_first(built: dict[str, Page]) -> None:
    reached = {posixpath.normpath(urlsplit(link).path) for link in built["index.html"].links}
    assert set(built) - reached - {"404.html", "index.html"} == set()


def test_a_page_loads_nothing_from_elsewhere(site: Path, built: dict[str, Page]) -> None:
    loaded = {address for page in built.values() for address in page.loaded}
    assert [address for address in loaded if urlsplit(address).netloc] == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import\s*|url\()[\"']?(?:https?:)?//[^)\"']*", styles) == []
    fonts_and_scripts = " ".join(loaded)
    assert "main" in fonts_and_scripts
    assert "bundle" in fonts_and_scripts


def test_the_search_knows_what_is_written(site: Path) -> None:
    assert "false_rollback_budget" in (site / "search" / "search_index.json").read_text()


def test_no_link_and_no_anchor_is_broken(site: Path, built: dict[str, Page]) -> None:
    assert list(_broken(site, built)) == []


def _broken(site: Path, built: dict[str, Page]) -> Iterator[str]:
    for name, page in built.items():
        if name == "404.html":
            continue  # shown under any address, so its links are absolute
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path)) if parts.path else name
            target = "index.html" if target == "." else target
            fragment = unquote(parts.fragment)
            if not (site / target).is_file():
                yield f"{name}: {link}"
            elif target in built and fragment and fragment not in built[target].anchors | {"__search"}:
                yield f"{name}: {link}: no such heading"


def test_what_is_broken_fails_the_build(tmp_path: Path) -> None:
    """A link to a page, to a heading, and to a file that are not there; and a page that the navigation forgot."""
    shutil.copy(REPOSITORY / "mkdocs.yml", tmp_path)
    shutil.copytree(REPOSITORY / "deploy" / "site", tmp_path / "deploy" / "site")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# One\n[a](gone.md) [b](faq.md#no-such-heading) [c](../gone.yaml)\n")
    (tmp_path / "docs" / "faq.md").write_text("# Two\n")
    (tmp_path / "docs" / "forgotten.md").write_text("# Three\n")
    failed = build(tmp_path, tmp_path / "site")
    assert failed.returncode != 0
    for complaint in ("gone.md", "no-such-heading", "gone.yaml", "forgotten.md"):
        assert complaint in failed.stderr


def test_a_link_to_a_file_of_the_repository_becomes_words(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "mkdocs.yml", tmp_path)
    shutil.copytree(REPOSITORY / "deploy" / "site", tmp_path / "deploy" / "site")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# One\nthe [style sheet](../deploy/site/site.css) is\n")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    assert "the style sheet is" in (tmp_path / "site" / "index.html").read_text()
