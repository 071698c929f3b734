"""How Sphinx builds the documentation. The source folder is the checkout, so that links work there and on the site."""

import re
from pathlib import Path

import cpwl

project = "cpwl"
author = "the authors of cpwl"
copyright = "the authors of cpwl; Apache-2.0"
version = release = cpwl.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_click", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = ["docs/**.md", "proofs/**.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "*.egg-info", "build", "dist", "cpwl", "tests", "benchmarks", "examples"]

myst_heading_anchors = 3
copybutton_prompt_text = "$ "
smartquotes = False  # options begin with two hyphens

autodoc_member_order = "bysource"
autosummary_generate = False  # the pages list what is summarised
# numpy's two aliases as they are written; they stand for pages of unions.
autodoc_type_aliases = {"ArrayLike": "ArrayLike", "NDArray": "NDArray"}
autodoc_inherit_docstrings = False  # torch's, on our modules
autodoc_class_signature = "separated"  # and left out, as users do not make these objects but get them
autodoc_default_options = {"members": True, "undoc-members": True, "exclude-members": "__init__, __new__"}
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"cpwl {version}"
html_extra_path = ["extra"]
html_copy_source = False


def plain_text(text):
    """A docstring outside of its literals as reStructuredText: stars and bars are themselves, proofs are links."""
    text = re.sub(r"\*(?=[\w. ]+\))|\|", r"\\\g<0>", text)
    return re.sub(r"proofs/, ((Lemma|Theorem) (\d+))", lambda match: proof(*match.groups()), text)


def proof(name, kind, number):
    """A link to the page of that lemma or theorem."""
    (page,) = (Path(__file__).parent.parent / "proofs").glob(f"{kind.lower()}-{number}-*.md")
    return f":doc:`proofs/, {name} </proofs/{page.stem}>`"


def process_docstring(app, what, name, obj, options, lines):
    """Leaves literals as they are."""
    parts = re.split(r"(``.*?``)", "\n".join(lines), flags=re.DOTALL)
    lines[:] = "".join(part if part.startswith("``") else plain_text(part) for part in parts).split("\n")


def process_help(app, ctx, lines):
    """Makes the examples in a command's help, which sphinx-click has as lines that begin with a bar, code."""
    text = re.sub(r"^\|   ", "    ", "\n".join(lines), flags=re.MULTILINE)
    lines[:] = re.sub(r"^\| (.*)$", r"\1:\n", text, flags=re.MULTILINE).split("\n")


def process_options(app, ctx, lines):
    """Stars in the help of options are themselves."""
    lines[:] = [line.replace("*", r"\*") for line in lines]


def setup(app):
    app.connect("sphinx-click-process-options", process_options)
    app.connect("sphinx-click-process-description", process_help)
    app.connect("autodoc-process-docstring", process_docstring)
