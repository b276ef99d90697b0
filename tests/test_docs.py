"""Every Python snippet of the documentation runs; every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SNIPPETS = [(f"{page.name}:{number}", text) for page in PAGES for number, text in enumerate(
    re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL), 1)]


@pytest.mark.parametrize("text", [t for _, t in SNIPPETS], ids=[name for name, _ in SNIPPETS])
def test_a_snippet_runs(text, pytester, monkeypatch):
    monkeypatch.chdir(pytester.path)
    (pytester.path / "examples").symlink_to(ROOT / "examples")
    pytester.makeconftest("")
    page = pytester.makepyfile(
        text if "def test_" in text else f"def test_snippet():\n{_indent(text)}")
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", page)
    result.assert_outcomes(passed=len(re.findall("^def test_", text, re.MULTILINE)) or 1)


def _indent(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [link for link in links
               if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = [f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")]
    assert [page for page in pages if f"({page})" not in readme] == []
