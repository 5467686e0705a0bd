"""What the site makes of pages that are plain Markdown, so that a Git host shows them as well.

Three things that such a page says are more on the site:

- A comment `<!-- on the site ... -->` holds what only Sphinx can do, such as to include a file. The line right
  above, a link to that file, is for Git hosts, and on the site the comment stands in its place.
- A link to a script of `demos/` leads to its page in the gallery.
- A name in code font, such as `Huber`, `Huber(delta=1.0)`, `Loss.gradient` or `engines.lightgbm.train`, leads to
  its page in the reference if it has one.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

ON_THE_SITE = re.compile(r"(?:(?<=\n\n)\S.*\n)?^<!-- on the site\n((?:.*\n)*?)-->$", re.MULTILINE)
DEMO = re.compile(r"\]\((?:\.\./)+demos/(\w+)\.py\)")
# A call counts as its name as long as it calls nothing else: `GBMRegressor(Quantile(0.9))` is about two names.
NAME = re.compile(r"~?([A-Za-z_][\w.]*)(?:\([^()]*\))?")
# In a heading or in another link there is no room for a link.
NO_PLACE = (nodes.title, nodes.reference)


def read(app: Any, page: str, source: list[str]) -> None:
    """Take what stands for the site alone out of its comments, and turn links to demos to the gallery."""
    if not str(app.env.doc2path(page)).endswith(".md"):
        return
    source[0] = DEMO.sub(r"](/auto_gallery/\1.rst)", ON_THE_SITE.sub(r"\1", source[0]))


def names(env: Any) -> dict[str, Any]:
    """Return what has a page or a section in the reference, under all names that text may use.

    These are the full name, with the package and without, and the last word of it, `Class.method` of a method. A
    name that could be two things is none: `train` of one engine or the other, `crps` the function or the method.
    """
    found: dict[str, dict[str, Any]] = {}
    members = set()
    for full, entry in env.domaindata["py"]["objects"].items():
        words = full.split(".")
        last = words[-1:]
        if entry.objtype in ("method", "property", "attribute"):
            members.add(words[-1])
            last = words[-2:]
        for name in {full, ".".join(words[1:]), ".".join(last)}:
            found.setdefault(name, {})[entry.node_id] = entry
    return {
        name: next(iter(entries.values()))
        for name, entries in found.items()
        if len(entries) == 1 and name not in members
    }


def link(app: Any, doctree: nodes.document, page: str) -> None:
    """Link names in code font."""
    if not str(app.env.doc2path(page)).endswith(".md"):
        return
    known = names(app.env)
    for code in list(doctree.findall(nodes.literal)):
        name = NAME.fullmatch(code.astext())
        if not name or name[1] not in known or in_a(code, NO_PLACE):
            continue
        entry, looks = known[name[1]], code.deepcopy()
        looks["classes"] += ["xref", "py", "py-obj"]
        reference = make_refnode(app.builder, page, entry.docname, entry.node_id, looks, entry.node_id)
        code.replace_self(reference)


def in_a(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    """Return whether a node is inside of one of these kinds."""
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def setup(app: Any) -> dict[str, Any]:
    """Connect both."""
    app.connect("source-read", read)
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
