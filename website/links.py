"""The pages of the site: those of `docs/`, those that stand beside it, and the API reference.

In the repository pages link to each other and to files by relative paths, so that they can be read there too. README,
the studies, the log and every file that a page refers to are taken along under their own paths; links are rewritten.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import maskwright

ROOT = Path(__file__).parents[1]
BESIDE = ("README.md", "LOG.md", "CHANGELOG.md", "CONTRIBUTING.md", "runs/README.md", "benchmarks/README.md")
"""Pages outside `docs/`."""
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
"""The path of a link, without its anchor; addresses have a colon."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages beside `docs/`, the files that pages refer to, and the API reference."""
    pages = [*BESIDE, *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    for path in dict.fromkeys([*BESIDE, *(target for page in pages for target in _targets(page))]):
        if files.get_file_from_path(_on_site(path)) is None:
            files.append(File.generated(config, _on_site(path), abs_src_path=str(ROOT / path)))
    files.append(File.generated(config, "reference.md", content=_reference()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links for where things are on the site."""
    here = next((path for path in BESIDE if _on_site(path) == page.file.src_uri), f"docs/{page.file.src_uri}")
    folder = str(PurePosixPath(page.file.src_uri).parent)
    return LINK.sub(lambda link: relpath(_on_site(_resolved(here, link[0])), folder), markdown)


def _targets(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [_resolved(page, link[0]) for link in LINK.finditer(text)]


def _resolved(page: str, link: str) -> str:
    """The path in the repository that a link on `page` leads to; a folder stands for the README in it or above it."""
    path = PurePosixPath(normpath(PurePosixPath(page).parent / link))
    if not (ROOT / path).is_dir():
        return str(path)
    return next(str(place / "README.md") for place in (path, *path.parents) if (ROOT / place / "README.md").is_file())


def _on_site(path: str) -> str:
    return "index.md" if path == "README.md" else path.removeprefix("docs/")


def _reference() -> str:
    """What `import maskwright` gives, from the docstrings."""
    homes = (f"maskwright.{maskwright._HOMES[name]}.{name}" for name in maskwright.__all__)
    return "# API reference\n\n" + "\n\n".join(f"::: {home}" for home in homes) + "\n"
