"""What mkdocs does by itself only with plugins: patterns in the navigation, and links that lead out of docs/.

mkdocs calls the functions by their names; mkdocs.yml names this file.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_STYLE = "site.css"
_FENCE = re.compile(r"^(```|~~~)")
_LINK = re.compile(r"(?<!!)\[(?P<words>[^\]]+)\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages that the patterns of the navigation match: the index of a folder, then the others by name."""
    config.nav = _listed(config.nav or [], Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The style sheet lies beside this file, as docs/ is read on code hosts as well."""
    files.append(File(_STYLE, str(Path(__file__).parent), config.site_dir, use_directory_urls=False))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show links to files of the repository, which the site does not have, as the words they stand on.

    Only where the file exists: whatever else leads nowhere is left for mkdocs to complain about.
    """
    here = Path(config.docs_dir) / posixpath.dirname(page.file.src_uri)

    def shown(link: re.Match[str]) -> str:
        target = (here / link["target"]).resolve()
        is_ours = target.exists() and files.get_file_from_path(_uri(target, config)) is None
        return link["words"] if is_ours else link[0]

    lines, in_code = [], False
    for line in markdown.splitlines(keepends=True):
        in_code ^= bool(_FENCE.match(line.lstrip()))
        lines.append(line if in_code else _LINK.sub(shown, line))
    return "".join(lines)


def _uri(target: Path, config: MkDocsConfig) -> str:
    return posixpath.relpath(target.as_posix(), Path(config.docs_dir).resolve().as_posix())


def _listed(entries: list[Any], docs: Path) -> list[Any]:
    """Entries with their patterns replaced by what they match; a section of nothing is left out."""
    listed: list[Any] = []
    for entry in entries:
        if isinstance(entry, str):
            found = sorted(docs.glob(entry), key=lambda path: (path.name != "index.md", path))
            listed += [path.relative_to(docs).as_posix() for path in found]
        else:
            ((title, below),) = entry.items()
            is_page = isinstance(below, str) and (docs / below).is_file()
            pages = below if is_page else _listed(below if isinstance(below, list) else [below], docs)
            if pages:
                listed.append({title: pages})
    return listed
