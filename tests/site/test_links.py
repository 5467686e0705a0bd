"""Links within the built site lead somewhere, anchors included."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)

if not PAGES:
    pytest.skip("the site is not built", allow_module_level=True)


class Page(HTMLParser):
    """What a page offers to jump to, and what it asks for."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.sources = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and "href" in attributes:
            self.links.add(attributes["href"])
        self.sources |= {attributes[key] for key in ("src", "href") if key in attributes and tag != "a"}


@pytest.fixture(scope="module")
def pages():
    return {path: Page(path) for path in PAGES}


def test_links_and_anchors(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links | page.sources:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                broken.append(f"{path.relative_to(SITE)}: {link}")
    assert broken == []


def test_nothing_comes_from_the_network(pages):
    outside = {source for page in pages.values() for source in page.sources if urlsplit(source).netloc}
    assert outside == set()
