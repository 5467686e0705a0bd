"""Sphinx's configuration; `nox -s docs` builds and checks the site."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Some demos import `demos.common`; extensions of this folder are in _ext.
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

import gbm_objectives  # noqa: E402  # from ROOT

project = "gbm_objectives"
release = version = gbm_objectives.__version__
copyright = "the authors of gbm_objectives"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "git_host",
    "mathml",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "plots", "auto_gallery/*.md5"]
nitpicky = True
# Single backticks are names of the package where there is such a page, and code where there is none.
default_role = "py:obj"
nitpick_ignore_regex = [("py:obj", ".*")]

# What code prints is not for copying.
copybutton_selector = "div:not(.highlight-text):not(.highlight-none) > div.highlight pre"

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

# ---- pages of the API: one for each name in api.md, from its docstring -------------------------------------

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say the types in words
autodoc_member_order = "groupwise"
# What an implementation does not document stands once, at `Loss`.
autodoc_inherit_docstrings = False
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

# ---- the demos as a gallery --------------------------------------------------------------------------------

os.environ["TQDM_DISABLE"] = "1"  # pages have no room for progress bars
sphinx_gallery_conf = {
    "parallel": os.cpu_count() or 1,  # they take most of the time of a build
    "examples_dirs": "../demos",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"__init__|common|smooth",
    "within_subsection_order": "gallery.place",
    "reset_argv": "gallery.arguments",
    "download_all_examples": False,
    "thumbnail_size": (720, 480),
    "show_signature": False,
    "write_computation_times": False,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("gbm_objectives",),
}

# ---- HTML --------------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "gbm_objectives"
html_favicon = html_logo = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_use_index = False  # api.md is one
html_copy_source = False
# These have no pages below them.
html_sidebars = {page: [] for page in ("index", "getting_started", "benchmarks", "changelog")}
html_context = {"default_mode": "auto"}


def repository():
    """Return where the clone came from, if that is an address of the web, for a link to it; otherwise None."""
    command = ["git", "-C", str(ROOT), "config", "--get", "remote.origin.url"]
    try:
        address = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no Git
        return None
    return address.removesuffix(".git") if address.startswith("https://") else None


SOURCE = {"name": "Source", "url": repository(), "icon": "fa-solid fa-code-branch"}
html_theme_options = {
    "icon_links": [SOURCE] if SOURCE["url"] else [],
    "logo": {"text": project},
    "navbar_align": "left",
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "show_toc_level": 2,
}


def signature(app, what, name, obj, options, arguments, returns):
    """Show the parameters of a loss: `Loss.__new__`, which Sphinx would show, takes any."""
    if what == "class" and issubclass(obj, gbm_objectives.Loss):
        _, *parameters = inspect.signature(obj.__init__).parameters.values()
        plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        return str(inspect.Signature(plain)), returns


def setup(app):
    """Connect what no option does."""
    app.connect("autodoc-process-signature", signature)
