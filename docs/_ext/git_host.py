"""What the site makes of pages that are plain Markdown, so that a Git host shows them as well.

Three things that such a page says are more on the site:

- A comment `<!-- on the site ... -->` holds what only Sphinx can do, such as to include a file. The line right
  above, a link to that file, is for Git hosts, and on the site the comment stands in its place.
- A link to a script of `demos/` leads to its page in the gallery.
- A name in code font, such as `Huber`, `Huber(delta=1.0)`, `Loss.gradient` or `engines.lightgbm.train`, leads to
  its page in the reference if it has one. In a call of calls, `GBMRegressor(Quantile(0.9))`, each does.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

ON_THE_SITE = re.compile(r"(?:(?<=\n\n)\S.*\n)?^<!-- on the site\n((?:.*\n)*?)-->$", re.MULTILINE)
DEMO = re.compile(r"\]\((?:\.\./)+demos/(\w+)\.py\)")
# A call counts as its name as long as it calls nothing else.
NAME = re.compile(r"~?([A-Za-z_][\w.]*)(?:\([^()]*\))?")
CALLED = re.compile(r"[A-Za-z_][\w.]*(?=\()")
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
        if in_a(code, NO_PLACE):
            continue
        text = code.astext()
        if (name := NAME.fullmatch(text)) and name[1] in known:
            looks = code.deepcopy()
            looks["classes"] += ["xref", "py", "py-obj"]
            code.replace_self(to(app, page, known[name[1]], looks))
        elif not name and any(call[0] in known for call in CALLED.finditer(text)):
            code.replace_self(calls(app, page, code, known))


def to(app: Any, page: str, entry: Any, looks: nodes.Node) -> nodes.reference:
    """Return a link from a page to an entry of the reference."""
    return make_refnode(app.builder, page, entry.docname, entry.node_id, looks, entry.node_id)


def calls(app: Any, page: str, code: nodes.literal, known: dict[str, Any]) -> nodes.literal:
    """Return code with a link at each name that it calls and that has a page."""
    text, end, linked = code.astext(), 0, nodes.literal(classes=[*code["classes"], "xref", "py", "py-obj"])
    for call in CALLED.finditer(text):
        if call[0] in known:
            linked += [nodes.Text(text[end : call.start()]), to(app, page, known[call[0]], nodes.Text(call[0]))]
            end = call.end()
    linked += nodes.Text(text[end:])
    return linked


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
