"""How the modules of the package import each other: circles, arrows that go up, files a folder; and the picture of it.

    python benchmarks/import_graph.py [--picture docs/layers.svg]

All of it is read from the source. The order of the folders, from the ground up, is the list in tests/support/layers.py.
Another state of the package is looked at with ``--package``, and with ``--order`` where a file holds its own
``LAYERS``: names from the ground up, or the height of each.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.layers import GROUPS, LAYERS, PACKAGE, arrows, circles, floors_of, is_package, modules, rises


# ---- what is printed -----------------------------------------------------------------------------------------------
def files(sources: Mapping[str, str]) -> dict[str, int]:
    """How many files each folder holds, those of its own folders not counted, and the one that describes it neither."""
    folders = {name: 0 for name in sources if is_package(name, sources)}
    for name in sources:
        if name not in folders:
            folders[name.rpartition(".")[0]] += 1
    return folders


def report(sources: Mapping[str, str], floors: Mapping[str, int]) -> Iterator[str]:
    """The lines that are printed."""
    pairs, found, folders = arrows(sources), circles(sources), files(sources)
    # What the package itself exports may come from anywhere.
    rising = sorted(pair for pair in pairs if pair[0] and rises(*pair, floors))
    top = {name.split(".")[0] for name in sources if name}
    levels = len(set(floors.values()))
    yield f"{len(sources)} modules, {len(pairs)} imports, {len(top)} names at the top, {levels} floors"
    yield f"circles: {len(found)}" + "".join(f"\n  {len(part)}: {', '.join(part)}" for part in found)
    yield f"arrows that go up: {len(rising)}" + "".join(f"\n  {name} -> {module}" for name, module in rising)
    yield "files a folder:"
    yield from (f"  {count:3}  cpwl/{name.replace('.', '/')}" for name, count in folders.items())


def order(path: Path) -> dict[str, int]:
    """The heights that a file gives as ``LAYERS``."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "LAYERS":
            layers = ast.literal_eval(node.value)
            return layers if isinstance(layers, dict) else floors_of(layers)
    raise click.ClickException(f"{path} has no LAYERS.")


# ---- the picture ---------------------------------------------------------------------------------------------------
WIDTH, MARGIN, NAMES, TEXTS, COUNTS = 960, 26, 40, 180, 932
LETTERS, LINE = 98, 17
TINTS = ("#f1efe8", "#e6f1fb", "#e1f5ee", "#faeeda", "#fbeaf0", "#eeedfe")
INKS = ("#5f5e5a", "#185fa5", "#0f6e56", "#854f0b", "#993556", "#534ab7")
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #2c2c2a }
  .name { font: 600 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
  .inner { font-weight: 400; font-size: 12px }
  .group { font-weight: 600 }
  .count { fill: #5f5e5a; font-size: 12px; text-anchor: end }
"""


@dataclass(frozen=True)
class Row:
    """A folder, or a file beside the folders, in the picture."""

    name: str
    depth: int
    text: Sequence[str]
    files: int

    @property
    def height(self) -> int:
        """In pixels."""
        return LINE * len(self.text) + 6

    @classmethod
    def of(cls, name: str, sources: Mapping[str, str]) -> Row:
        """The row of a module."""
        folder, depth = is_package(name, sources), name.count(".")
        shown = name.rpartition(".")[2] + ("/" if folder else ".py")
        return cls(shown, depth, balanced(summary(sources[name])), files(sources)[name] if folder else 1)

    def svg(self, y: int) -> Iterator[str]:
        """Its text, in the picture from a height on."""
        x, kind = NAMES + 14 * self.depth, "name inner" if self.depth else "name"
        yield f'<text class="{kind}" x="{x}" y="{y + 15}">{escape(self.name)}</text>'
        for k, line in enumerate(self.text):
            yield f'<text x="{TEXTS}" y="{y + 15 + LINE * k}">{escape(line)}</text>'
        count = f"{self.files} files" if self.files > 1 else "1 file"
        yield f'<text class="count" x="{COUNTS}" y="{y + 15}">{count}</text>'


def summary(source: str) -> str:
    """The first sentence of a module's docstring, without what is only for its readers."""
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    sentence = re.split(r"\.(?: |$)", text)[0]
    return re.sub(r" \(proofs/[^)]*\)", "", sentence).replace("``", "")


def balanced(text: str) -> list[str]:
    """A text in as few lines as hold it, of like length."""
    count = -(-len(text) // LETTERS)
    return wrap(text, LETTERS if count < 2 else len(text) // count + 8)


def rows(group: Sequence[str], sources: Mapping[str, str]) -> list[Row]:
    """A group's rows, from the top down: each folder, then the folders in it."""
    found = []
    for layer in reversed(group):
        inner = [name for name in sources if name.startswith(f"{layer}.") and is_package(name, sources)]
        found += [Row.of(name, sources) for name in [layer, *inner]]
    return found


def picture(sources: Mapping[str, str]) -> str:
    """The folders from the ground up, each with what it holds and how many files, as SVG."""
    body, y = list[str](), 14
    for (group, layers), tint, ink in reversed(list(zip(GROUPS.items(), TINTS, INKS, strict=True))):
        shown = rows(layers, sources)
        height = 32 + sum(row.height for row in shown)
        body.append(
            f'<rect x="{MARGIN}" y="{y}" width="{WIDTH - MARGIN - 14}" height="{height}" rx="8" fill="{tint}"/>'
        )
        body.append(f'<text class="group" x="{NAMES - 4}" y="{y + 19}" style="fill: {ink}">{escape(group)}</text>')
        y += 26
        for row in shown:
            body += row.svg(y)
            y += row.height
        y += 14
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">'
    title = "<title>The folders of cpwl: each may import what is below it, and nothing above</title>"
    ground = f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>'
    down = f'<path d="M12 16 V{y - 18} m-5 -8 l5 8 l5 -8" fill="none" stroke="#5f5e5a" stroke-width="1.5"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", ground, down, *body, "</svg>", ""])


@click.command(help=(__doc__ or "").split("\n")[0])
@click.option("--picture", "drawn", type=click.Path(dir_okay=False, path_type=Path), help="Draw the layers to a file.")
@click.option("--package", type=click.Path(exists=True, file_okay=False, path_type=Path), default=PACKAGE)
@click.option("--order", "ordered", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(drawn: Path | None, package: Path, ordered: Path | None) -> None:
    sources = modules(package)
    for line in report(sources, order(ordered) if ordered else floors_of(LAYERS)):
        click.echo(line)
    if drawn is not None:
        drawn.write_text(picture(sources), encoding="utf-8")


if __name__ == "__main__":
    main()
