"""The pages that a reader of the README gets to on a Git host are plain Markdown there, and their links hold."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.draw import FIGURES, SCRIPTS, draw, drawn_by

ROOT = Path(__file__).parent.parent
# Lists for Sphinx, with a line of text here and there. No page that reads by itself leads to another one of these.
FOR_THE_SITE_ALONE = {"docs/api.md", "docs/changelog.md", "docs/index.md"}
# What a Git host shows as it stands: roles, labels, fences of MyST, and blocks that Sphinx reads.
SPHINX = {
    "a role": re.compile(r"\{[\w:+-]+\}`"),
    "a label": re.compile(r"^\([\w-]+\)=$", re.MULTILINE),
    "a colon fence": re.compile(r"^ *:::", re.MULTILINE),
    "a directive": re.compile(r"^ *(?:`{3,}|~{3,})\{", re.MULTILINE),
    "a directive of reST": re.compile(r"^ *\.\. \w[\w:-]*::", re.MULTILINE),
}
FENCE = re.compile(r"^( *)(`{3,}|~{3,})[^\n]*\n.*?^\1\2 *$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]*)\)")


def without_comments(path):
    return re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def links(path):
    """Return (whether it is an image, text, target) of each link; in code there are none."""
    text = CODE.sub("code", FENCE.sub("", without_comments(path)))
    found = [(bool(sign), words, target) for sign, words, target in LINK.findall(text)]
    # The text of a link may be an image with a link of its own.
    return found + [(True, w, t) for _, words, _ in found for _, w, t in LINK.findall(words)]


def at(path, target):
    """Return the file or folder that a relative link leads to, or None where it leads out of the repository."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    return (path.parent / unquote(parts.path)).resolve() if parts.path else path


def reachable():
    """Return all pages that the README leads to, itself included."""
    pages, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in pages or str(page.relative_to(ROOT)) in FOR_THE_SITE_ALONE:
            continue
        pages.add(page)
        targets = (at(page, target) for _, _, target in links(page))
        waiting += [target for target in targets if target and target.suffix == ".md" and target.is_file()]
    return sorted(pages)


def anchors(path):
    """Return the anchors of a page's headings, by the rule of GitHub."""
    found = {}
    text = FENCE.sub("", without_comments(path))
    for heading in re.findall(r"^#{1,6} +(.*?)(?: +#+)? *$", text, re.MULTILINE):
        words = LINK.sub(r"\2", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {slug if n == 0 else f"{slug}-{n}" for slug, last in found.items() for n in range(last + 1)}


PAGES = reachable()


def name(path):
    return str(path.relative_to(ROOT))


def test_the_readme_leads_to_the_pages():
    documentation = {name(path) for path in (ROOT / "docs").glob("[!_]*.md")} | {
        name(path) for path in (ROOT / "docs" / "losses").glob("*.md")
    }
    assert documentation - FOR_THE_SITE_ALONE - {name(page) for page in PAGES} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_there_is_nothing_for_sphinx_in(page):
    text = without_comments(page)
    # Directives are fences themselves; the others do not count in code.
    found = [what for what in ("a directive", "a colon fence") if SPHINX[what].search(text)]
    text = FENCE.sub("", text)
    assert found + [what for what, pattern in SPHINX.items() if pattern.search(text)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_hold_in(page):
    broken = []
    for image, words, target in links(page):
        file, anchor = at(page, target), unquote(urlsplit(target).fragment)
        if file is None:
            assert not image, f"{target} is outside of the repository"
        else:
            exists = file.is_relative_to(ROOT) and (file.is_file() if image else file.exists())
            if not exists or (anchor and anchor not in anchors(file)):
                broken.append(target)
        assert words.strip(), f"{target} has no text"
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_of_comments_have_a_link_above(page):
    """What the site includes, the reader of a Git host gets to."""
    text = page.read_text(encoding="utf-8")
    targets = {target for _, _, target in links(page)}
    included = re.findall(r"\{(?:literal)?include\} (\S+)", text)
    assert set(included) <= targets
    # Where the comment stands in place of the line above, that line is this link alone.
    for file in included:
        assert re.search(rf"^\[[^\]]*\]\({re.escape(file)}\)\n<!-- on the site\n", text, re.MULTILINE)


# ---- numbers: those of the files that benchmarks write -----------------------------------------------------

BENCHMARKS = {
    text.split("\n")[0]: text
    for text in re.split(r"\n## ", (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"))[1:]
}


@pytest.mark.parametrize("section", BENCHMARKS)
def test_numbers_are_those_of_the_benchmarks(section):
    """Each number with two digits behind the point stands in a file that the section shows, or is one rounded.

    Those with a sign are differences, of which no file tells.
    """
    text = BENCHMARKS[section]
    files = set(re.findall(r"\.\./benchmarks/(\w+\.md)", text))
    measured = " ".join((ROOT / "benchmarks" / file).read_text(encoding="utf-8") for file in files)
    known = {float(number) for number in re.findall(r"\d*\.\d+", measured)}
    prose = FENCE.sub("", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    for number in re.findall(r"(?<![\w.+-])\d*\.\d\d+", prose):
        digits = len(number.partition(".")[2])
        assert any(round(one, digits) == float(number) for one in known), number


# ---- figures: files that scripts draw ----------------------------------------------------------------------


def test_each_script_has_its_figure_and_its_place():
    pages = [*PAGES, ROOT / "docs" / "index.md"]
    shown = {at(page, target) for page in pages for image, _, target in links(page) if image}
    assert {path.stem for path in FIGURES.iterdir()} == set(SCRIPTS)
    assert {FIGURES / f"{script}.svg" for script in SCRIPTS} <= shown


NUMBER = re.compile(r"-?\d+\.\d+|-?\b\d+\b")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_figure_is_what_its_script_draws(script, tmp_path):
    committed = (FIGURES / f"{script}.svg").read_text(encoding="utf-8")
    if drawn_by() not in committed:
        pytest.skip("other versions drew it: `python -m docs.draw` draws all anew")
    drawn = draw(script, tmp_path).read_text(encoding="utf-8")
    # The names of clipping paths and markers are hashes of what they hold.
    one, two = (re.sub(r"\b[pm][0-9a-f]{10}\b", "hash", text) for text in (committed, drawn))
    assert NUMBER.sub("#", one) == NUMBER.sub("#", two)
    # Other processors round otherwise; a point of a figure is 1/72 of an inch.
    pairs = zip(NUMBER.findall(one), NUMBER.findall(two), strict=True)
    assert all(abs(float(a) - float(b)) <= 0.5 for a, b in pairs)
