"""Seeded bugs: each is planted alone into a copy of the library, and the tests must catch it.

    python benchmarks/seeded_bugs.py [NAME ...] [--seconds 60]

NAME is a bug; all by default. For each one the tests named with it run until the first failure. Prints a table of bugs,
the test that caught each, and the seconds that it took. The exit code is 1 if a bug was missed (a run that does not end
in time counts as a miss), or if a test that caught one fails without it as well. A bug whose text does not stand in the
library exactly once stops the script before anything runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).parent.parent
COPIED = ("cpwl", "tests", "proofs", "benchmarks", "examples", "docs")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "constraints.txt")
NO_SHRINKING = """
from hypothesis import Phase
settings.register_profile("seeded", deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("seeded")
"""
"""For the copied conftest: that a test fails is all that is asked, not the least example."""

TORCH, EXACT = "backends/torch", "backends/exact"
REFINE, LONG = f"{TORCH}/refinement", f"{TORCH}/long_numbers"
KERNELS, OPERATIONS = f"{TORCH}/kernels.pyx", f"{REFINE}/kernels/operations.py"
LADDER = "geometry/ladder.py"
LATTICE = "backends/lattice"


@dataclass(frozen=True)
class Bug:
    """One change of one file of the library, and the test files that are to notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """``orders`` stands for ``test_orders.py``, ``compiler/conv`` where several folders have a file of that name."""

    def test_files(self, root: Path) -> list[Path]:
        """Those files, below the root of a checkout."""
        return [_called(root / "tests", name) for name in self.tests]

    def planted(self, source: str) -> str:
        """The source with the bug in it."""
        count = source.count(self.old)
        if count != 1:
            raise click.ClickException(f"bug '{self.name}': its text stands {count} times in {self.file}, not once.")
        return source.replace(self.old, self.new)


def _called(tests: Path, name: str) -> Path:
    """The one test file of a name."""
    folder, _, last = name.rpartition("/")
    (file,) = (file for file in tests.rglob(f"test_{last}.py") if file.parent.match(folder or "*"))
    return file


ORDERS = ("orders", "compiled", "predicates")
GEOMETRY = ("compiled", "predicates", "partition", "backend", "conformance")
SEQUENTIAL = ("degenerate", "repairs", "backend")
DEGENERATE = ("degenerate", "orders", "compiled", "predicates")
BUGS = (
    # ---- signs and crossings in float64 ----
    Bug("a zero counts as positive", "numbers/exact.py", "return (self.values > 0).astype(np.int8)",
        "return (self.values >= 0).astype(np.int8)", GEOMETRY),
    # ---- segments ----
    Bug("a sign at a place is one at the exact vertex", f"{TORCH}/line/places.py",
        "return torch.where(self.off > 0, self.off * least * ROUND_UP, 0.0)", "return torch.zeros_like(least)",
        ("places",)),
    Bug("crossings on a segment are in the order of their positions", f"{TORCH}/line/cut.py",
        "open_ = np.flatnonzero(undecided[edge] | unclean | ~(slack <= _POOR))",
        "open_ = np.flatnonzero(~(slack <= _POOR))", ("places", "partitions/segments")),
    Bug("functions that vanish at one point are at their level there", f"{TORCH}/line/cut.py",
        "clean &= np.bincount(self.sorted.vertex) == 1", "pass", ("places",)),
    Bug("a row without values above their level is zero wherever it is taken", f"{TORCH}/line/places.py",
        "zero = self._nowhere_above & self.sharp", "zero = self._nowhere_above", ("places",)),
    Bug("all segments of a bundle are the first one", f"{TORCH}/long_numbers/oracle.py",
        "(0, i) for i, name in enumerate(names)", "(0, 0) for i, name in enumerate(names)", ("partitions/segments",)),
    # ---- the ladder of decisions ----
    Bug("what a rung leaves open is not asked of the next", LADDER, "left = left[still_open]",
        "left = left[still_open][:0]", ("ladder", "predicates", "long_numbers")),
    Bug("what is passed over on a sample is decided", LADDER, "            continue\n",
        "            left = left[:0]\n", ("ladder",)),
    Bug("a rung is asked for all that there is", LADDER, "still_open = rung.ask(left)\n",
        "still_open = rung.ask(np.arange(count))[left]\n", ("ladder",)),
    Bug("minors of more than two walls have the signs of two", LADDER, "-term if (k + t) % 2 else term",
        "-term if (1 + t) % 2 else term", ("ladder",)),
    Bug("a function that vanishes with one minor vanishes along the wall", LADDER,
        "np.array(list(combinations(range(form.shape[1]), 2))).T",
        "np.array(list(combinations(range(form.shape[1]), 2))[:1]).T", ("ladder", "predicates", "boundary")),
    Bug("ties are decided by integers alone", LADDER, "climb(self._rungs(\"tie\", by_name, by, by_structure)",
        "climb(self._rungs(\"tie\", by_name, by, by_structure)[-1:]", ("ladder",)),
    Bug("signs at crossings of edges count as those of vertices", f"{REFINE}/coincidence.py",
        'column[other], "cut")', "column[other])", ("degenerate",)),
    Bug("signs at crossings of chords count as those of vertices", f"{REFINE}/degenerate.py",
        'spans.column[third], "cut")', "spans.column[third])", ("degenerate",)),
    Bug("a tolerance decides signs", OPERATIONS, "doubtful[row, column] = ~(size > bound) & (bound != 0)",
        "doubtful[row, column] = ~(size > 1e-12) & (bound != 0)", GEOMETRY),
    Bug("zero on the sequential path is a tolerance", f"{REFINE}/entries.py",
        "self._open.append(~(size > bound[0]) & (bound[0] != 0))",
        "self._open.append(~(size > 1e-12) & (bound[0] != 0))", SEQUENTIAL),
    Bug("rising crossings are dropped", OPERATIONS,
        "((above[first] & below[second]) | (below[first] & above[second]))", "(above[first] & below[second])",
        GEOMETRY),
    Bug("a tolerance decides the order of crossings", f"{REFINE}/crossings.py",
        "slack = spread / gap * ROUND_UP + 4 * UNIT",
        "slack = torch.full_like(spread, 1e-12)", ("error_bound",)),
    Bug("edges are walked in one direction only", OPERATIONS,
        "torch.where(cells.forward[half_edge], crossing, mirrored)", "crossing", GEOMETRY),
    Bug("nested chords count as crossing", OPERATIONS,
        "(chords.end[second] > chords.end[first])", "(chords.end[second] < chords.end[first])", GEOMETRY),
    Bug("ties along a chord are not noticed", OPERATIONS,
        "tied[chain[1:][within_slack(chain, sorted_, slacks)]] = True", "tied[chain[:0]] = True", GEOMETRY),
    # ---- the half-edges ----
    Bug("crossings met backwards are off by one", OPERATIONS,
        "mirrored = 2 * first[half_edge] + counts[half_edge] - 1 - crossing",
        "mirrored = 2 * first[half_edge] + counts[half_edge] - 2 - crossing", GEOMETRY),
    Bug("two next pointers are exchanged", f"{REFINE}/assemble.py",
        "successor[forward + last] = end + 1\n        successor[backward + first] = begin + 1",
        "successor[forward + last] = begin + 1\n        successor[backward + first] = end + 1", GEOMETRY),
    Bug("a chord passes a crossing on the wrong side", f"{REFINE}/assemble.py",
        "earlier, later = links.before.unbind(1)", "later, earlier = links.before.unbind(1)", GEOMETRY),
    Bug("the new cell is the one above the chord", f"{REFINE}/sequential.py",
        "self._below.all[new_cell, column] = True",
        "self._below.all[cell, column] = True", SEQUENTIAL),
    Bug("corners are passed over", f"{TORCH}/complex/dissolve.py", "return (degree == 2) & ((birth >= oldest)",
        "return (degree == 2) & ((birth >= 0)", ("partitions/conv", "boundary", "conformance")),
    Bug("old vertices stay on straight lines", f"{TORCH}/complex/dissolve.py",
        "((birth >= oldest) | inside | _along_a_side(old, removed, ends, len(birth)))", "(birth >= oldest)",
        ("maximum",)),
    Bug("an edge too many is dissolved", "tiling/maximum.py",
        "(self._winners.values[cell] == self._winners.values[neighbour]).all(axis=1)",
        "(self._winners.values[cell] == self._winners.values[neighbour]).any(axis=1)",
        ("boundary", "partitions/conv", "partition")),
    Bug("matches with one function in common are the same", "tiling/maximum.py",
        "meetings = np.stack([self.numbers[first], self.numbers[first + 1]])",
        "meetings = np.stack([self.numbers[first], self.numbers[first]])", ("maximum", "partitions/conv")),
    # ---- degenerate cells ----
    Bug("what lies beyond a pivot comes before it", f"{REFINE}/coincidence.py", '"cut") * at_start[other]',
        '"cut") * -at_start[other]', DEGENERATE),
    Bug("of crossings that coincide one column is left", f"{REFINE}/coincidence.py",
        "shared = Shared(number[~leads], crossings.column[whole[~leads]])",
        "shared = Shared(number[:0], crossings.column[:0])", DEGENERATE),
    Bug("a gap is certain by the neighbours' slack alone", f"{REFINE}/coincidence.py",
        'radius, "amax", include_self=False)', 'radius, "amin", include_self=False)', DEGENERATE),
    Bug("every chord begins on the left of every other", f"{REFINE}/degenerate.py",
        "torch.where(own < third, at_begin, -at_begin)", "at_begin", DEGENERATE),
    Bug("chords with one end in common cross", OPERATIONS,
        "begin = torch.searchsorted(chords.start, chords.start, right=True)",
        "begin = torch.arange(1, len(chords) + 1, device=inside.device)", DEGENERATE),
    Bug("rays of a site stand in the order of their sites' numbers", f"{REFINE}/kernels/weaving.py",
        "torch.where(target > site, target, target + spans.sites.count)", "target", DEGENERATE),
    Bug("rays of a point are passed in the other direction", f"{REFINE}/kernels/weaving.py",
        "torch.where(leads, along + last + 1, against + previous)",
        "torch.where(leads, along + last, against + previous)", DEGENERATE),
    Bug("a column that is zero at the first corner is nowhere below", f"{REFINE}/degenerate.py",
        "below[first] | (~above[first] & below[last]), cells", "below[first], cells", DEGENERATE),
    Bug("columns with one chord are on one side of it", f"{REFINE}/sides_of_chords.py",
        "column = torch.cat([cell, cell[which]]), torch.cat([column, also.column[extra]])",
        "column = cell, column", DEGENERATE),
    Bug("columns with one chord are on one side of it, compiled", KERNELS,
        "for ahead in range(first[count], first[count + 1]):", "for ahead in range(0):", DEGENERATE),
    Bug("the further columns of a point are not known to vanish", f"{REFINE}/kernels/weaving.py",
        "point, column = web.point[new], spans.column[web.chord[new]]",
        "new &= False\n    point, column = web.point[new], spans.column[web.chord[new]]", ("degenerate", "kernels")),
    Bug("the further columns of a point are not known to vanish, compiled", KERNELS,
        "if c != pairs[point[i], 0] and c != pairs[point[i], 1]:", "if c < 0:", ("kernels",)),
    Bug("what is less than twice the least is zero", OPERATIONS, "zero = sizes * ROUND_UP < least",
        "zero = ~(sizes * ROUND_UP >= 2 * least)", ("certainty",)),
    Bug("what is less than twice the least is zero, compiled", KERNELS,
        "if (fabs(values[r, c]) + _bound(row, column, floor, r, c)) * ROUND_UP < least:",
        "if not (fabs(values[r, c]) + _bound(row, column, floor, r, c)) * ROUND_UP >= 2 * least:", ("certainty",)),
    Bug("crossings that are near are one point", f"{REFINE}/coincidence.py",
        "reach * ROUND_UP < least) & (slack[first]", "~(reach * ROUND_UP >= least)) & (slack[first]", ("certainty",)),
    Bug("crossings that are near are one point, compiled", KERNELS,
        "                    if not step * ROUND_UP < least:", "                    if step * ROUND_UP >= least:",
        ("certainty",)),
    Bug("crossings at one point have the place of the first", KERNELS,
        "_sort(&order[begin], &spare[0], k - begin, &slack[0])", "pass", ("certainty", "kernels")),
    Bug("crossings that are known poorly are left as they are", f"{REFINE}/coincidence.py",
        "& (slack[first] <= NEAR) & (slack[second] <= NEAR)", "", ("certainty",)),
    Bug("chords that cross in near points meet in one", f"{REFINE}/coincidence.py",
        "sizes * ROUND_UP < least\n    if len(central)", "sizes * ROUND_UP >= 0\n    if len(central)", ("certainty",)),
    Bug("chords that cross in near points meet in one, compiled", KERNELS,
        "if not step * (fabs(one) + fabs(other) + one_bound + other_bound) * ROUND_UP < least:",
        "if step * (fabs(one) + fabs(other) + one_bound + other_bound) * ROUND_UP >= least:", ("certainty",)),
    Bug("two central chords make a point of three", KERNELS, "central[c] and central[low] and central[high]",
        "central[c] and central[low]", ("certainty",)),
    Bug("determinants are products of one norm", "geometry/separation.py",
        "[max(1.0, self.walls)] * walls + [max(1.0, self.columns)] * columns)",
        "[max(1.0, self.walls), max(1.0, self.columns)])", ("separation",)),
    Bug("a maximum is as steep as what it reads", f"{EXACT}/short.py", "terms = 2 if isinstance(node.op, Max) else 1",
        "terms = 1", ("separation",)),
    Bug("levels between whole numbers are whole", f"{EXACT}/short.py", "bits_of(node.op.breakpoints) > grain.bits",
        "bits_of(node.op.breakpoints) > 60", ("separation",)),
    Bug("a matrix is as steep as its steepest row", f"{EXACT}/short.py", "bounds = spectral_bound(factors), steepest",
        "bounds = steepest, steepest", ("separation",)),
    Bug("a matrix has the norm of its Gram matrix", "numbers/norms.py", "np.sqrt(gram +", "(gram +", ("norms",)),
    Bug("a bias does not move what is at the origin", "fields/structural_zeros.py", "np.tile(bias == 0,",
        "np.tile(bias == bias,", ("structural_zeros",)),
    Bug("an entry is central by its first term", "fields/structural_zeros.py", "& ((second < 0) | entries[second])", "",
        ("structural_zeros",)),
    Bug("levels do not move what is at the origin", "fields/structural_zeros.py",
        "(names.stage == stage) & (names.level == 0)", "names.stage == stage", ("structural_zeros",)),
    Bug("vertices near the origin are the origin", f"{TORCH}/arrangement.py", "~(far < walls.nearest(2))",
        "~(far < 1e-3)", ("coordinates", "degenerate")),
    Bug("a column that is met thrice is met twice", f"{REFINE}/kernels/weaving.py", "high - low != 2", "high - low < 2",
        ("webs",)),
    Bug("a point of three chords may be one for two of them", f"{REFINE}/kernels/weaving.py",
        "2 * pairs != degree * (degree - 1)", "2 * pairs > degree * (degree - 1)", ("webs",)),
    Bug("pieces of degenerate cells lie on the left of all chords", f"{REFINE}/sides_of_chords.py",
        "return torch.where((low <= link)", "return torch.where(~later & (low <= link)", ("degenerate",)),
    Bug("a product in int64 may wrap around", "numbers/exact.py", "            if peak < _LONG:\n",
        "            if peak < _LONG**2:\n", ("exact",)),
    Bug("a row that vanishes in part has no error", f"{REFINE}/prolong.py",
        "minlength=plan.rows)[plan.old :] == count", "minlength=plan.rows)[plan.old :] > 0", DEGENERATE),
    Bug("numbers of 60 bits are short", f"{EXACT}/short.py", "_BITS = 53", "_BITS = 60", ("short",)),
    Bug("shifts take no bits", f"{EXACT}/short.py", "reshape(-1, len(affine.shift)) + affine.shift",
        "reshape(-1, len(affine.shift)) + 0 * affine.shift", ("short",)),
    Bug("a level is rounded to the grid", f"{EXACT}/short.py", "& (np.rint(levels) == levels)", "", ("short",)),
    # ---- what needs no exact arithmetic ----
    Bug("every unit is relevant", "network/relevance.py", "np.where(here, pieces, np.int16(IRRELEVANT))", "pieces",
        ("relevance",)),
    Bug("what a maximum reads is not relevant", "network/relevance.py",
        "np.put_along_axis(chosen, pieces[:, :, None].astype(np.int64), relevant[:, :, None], axis=2)", "pass",
        ("relevance",)),
    Bug("of several copies only one is relevant", "network/relevance.py",
        "np.logical_or.reduceat(relevant[:, order], starts, axis=1)", "relevant[:, order[starts]]", ("relevance",)),
    Bug("dilated places are read side by side", "network/relevance.py", "slice(t * d, t * d + s * (n - 1) + 1, s)",
        "slice(t, t + s * (n - 1) + 1, s)", ("relevance",)),
    Bug("long digits that are zero are zero", "comparisons/judge.py", "return signs, (signs == 0) & ~values.is_zero()",
        "return signs, (signs == 0) & (values.high != 0)", ("execution",)),
    Bug("the wrong winner of a maximum", "tiling/maximum.py",
        "np.where(below.at(match[varying]), other.columns(varying), self.columns(varying))",
        "np.where(below.at(match[varying]), self.columns(varying), other.columns(varying))", ("boundary", "partition")),
    # ---- spanned fields ----
    Bug("a function is out of reach if its centre is off the level", f"{TORCH}/low_rank/field.py",
        "> self.radius[function]", "> 0", ("low_rank",)),
    Bug("a spanned zero needs no constant that is zero", f"{TORCH}/low_rank/field.py",
        "(terms == 0) & self.constant.zeros[:, functions]", "terms == 0", ("low_rank",)),
    Bug("errors of coefficients are left out", f"{TORCH}/low_rank/field.py",
        "Sharp(row, column, floor)", "Sharp(0 * row, column, floor)", ("low_rank",)),
    Bug("errors of generators are left out", f"{TORCH}/low_rank/field.py",
        "(size[here] * part.rows.error) @ unknown", "0 * (size[here] * part.rows.error) @ unknown", ("low_rank",)),
    Bug("a new coefficient has no error", f"{TORCH}/low_rank/arithmetic.py",
        "lifted(torch.hypot(old.error, more.error) * ROUND_UP)", "old.error", ("low_rank",)),
    Bug("a unit that keeps to one piece of a block keeps its old base", f"{TORCH}/low_rank/arithmetic.py",
        "torch.where(lowest == highest, lowest, base)", "base", ("low_rank",)),
    Bug("new numbers of maxima are given again", f"{TORCH}/low_rank/arithmetic.py",
        "self._next_number += len(units)", "pass", ("low_rank",)),
    Bug("units that bend are the same if their arguments are", "fields/value_numbers.py",
        "[argument[units], *map(_bits, table(node.op.slopes, node)[:, units])]", "[argument[units]]", ("low_rank",)),
    Bug("maxima are the same if their first arguments are", "fields/value_numbers.py",
        "functions = argument.reshape(node.size, -1)[units]", "functions = argument.reshape(node.size, -1)[units, :1]",
        ("value_numbers", "image_planes")),
    Bug("functions of two nodes with one number cancel", f"{TORCH}/low_rank/arithmetic.py",
        "return LowRankField(recipe.coefficients, constant, rows, recipe.makings, numbers)",
        "return _without(LowRankField(recipe.coefficients, constant, rows, recipe.makings, numbers), "
        "fields[0].numbers == fields[-1].numbers if len(fields) > 1 else numbers < 0)", ("low_rank",)),
    Bug("a cell lies on the sides of its own chord only", f"{REFINE}/sides_of_chords.py",
        "row[cell] ^= row[towards]", "pass", GEOMETRY),
    Bug("a vertex on two chords is at the level of one", f"{REFINE}/prolong.py",
        "torch.cat([place, place[twice]]), torch.cat([column, also[twice]])", "place, column",
        ("conformance",)),
    # ---- the compiled loops ----
    Bug("loops: a column that is met thrice is met twice", KERNELS, "wrong[c] |= times[k] != 2",
        "wrong[c] |= times[k] < 2", ("webs",)),
    Bug("loops: a point of three chords may be one for two of them", KERNELS,
        "wrong[i] = 2 * several[k] != degree[k] * (degree[k] - 1)",
        "wrong[i] = 2 * several[k] > degree[k] * (degree[k] - 1)", ("webs",)),
    Bug("loops: chords that end at a site come before those that begin there", KERNELS,
        "following[against + start[c]] = site if out[site] < 0 else out[site]",
        "following[against + start[c]] = site", ("degenerate",)),
    Bug("loops: a gap is certain by the last slack alone", KERNELS,
        "reach = max(reach, _reach(position[order[high]], slack[order[high]]))",
        "reach = _reach(position[order[high]], slack[order[high]])", ("degenerate", "kernels")),
    Bug("loops: a gap of crossings is certain by the last slack alone", KERNELS,
        "reach = max(reach, _reach(position[k], slack[k]))", "reach = _reach(position[k], slack[k])",
        ("certainty", "kernels")),
    Bug("no sign is in doubt", KERNELS,
        "close |= (uint64_t)_mm_movemask_pd(_mm_cmpngt_pd(_mm_andnot_pd(sign, value), most)) << k",
        "close |= (uint64_t)_mm_movemask_pd(_mm_cmpeq_pd(value, zero)) << k", GEOMETRY),
    Bug("values below zero stay", KERNELS, "_mm_max_pd(_mm_loadu_pd(values + k), zero)", "_mm_loadu_pd(values + k)",
        GEOMETRY),
    Bug("a zero touches no cell", KERNELS, "neither |= ~(above[v, w] | below[v, w])", "neither |= 0", GEOMETRY),
    Bug("merging is not stable and loses order", KERNELS, "if j < count and key[items[j]] < key[spare[i]]:",
        "if j < count and key[items[j]] > key[spare[i]]:", GEOMETRY),
    Bug("crossings within their slack are in order", KERNELS,
        "return not high - low > (high_slack + low_slack + 2 * UNIT) * ROUND_UP", "return high < low", GEOMETRY),
    Bug("two zeros vanish at no number", KERNELS, "else (1.0 if t > 1 else 0.5)", "else (1.0 if t > 1 else t)",
        ("certainty",)),
    Bug("entries are bounded as before they moved", KERNELS,
        "result[i] = max(most * ROUND_UP, SMALLEST) if most != 0 else 0.0", "result[i] = 0.0",
        ("certainty", "error_bound")),
    Bug("a column may be met three times", KERNELS, "odd[c] |= times[column[crossing[k]]] != 2",
        "odd[c] |= times[column[crossing[k]]] < 2", ("compiled",)),
    Bug("a chord is left for the wrong side", KERNELS, "successor[ahead + two] = back + one",
        "successor[ahead + two] = back + two", GEOMETRY),
    Bug("the chord crossed last is not turned over", KERNELS,
        "result[n, w // 64] ^= <uint64_t>1 << (w % 64)", "result[n, w // 64] ^= 0", GEOMETRY),
    Bug("a new row is as near as the nearer of its ends", KERNELS,
        "(1 - t) * one.error + t * other.error + slack * (reach + one.error + other.error)",
        "min(one.error, other.error)", ("compiled", "streamed", "error_bound")),
    # ---- exact decisions ----
    Bug("an exact position is measured from the other end", LADDER, "return float(start / (start + end))",
        "return float(end / (start + end))", GEOMETRY),
    Bug("a function of float64 numbers has no bound", f"{LONG}/oracle.py",
        "as_numpy(field.values[at])[None], as_numpy(field.bound().at(*at))",
        "as_numpy(field.values[at])[None], 0 * as_numpy(field.bound().at(*at))", ("long_numbers", "coordinates")),
    Bug("what may be zero on a cell is zero there", LADDER,
        "result[result] = self._functions.vanishing_everywhere(*pairs[:, result])", "pass", ("ladder", "image_planes")),
    Bug("an argument that is exceeded somewhere does not play", "tiling/stages.py",
        "kept &= ~(high < low.max(axis=1, keepdims=True))", "kept &= ~(low < high.max(axis=1, keepdims=True))",
        ("low_rank",)),
    Bug("lines keep the names of those before them", "fields/predicates.py",
        "np.concatenate([part[:start], new])", "np.concatenate([part, new])", GEOMETRY),
    Bug("outputs are one function whatever their biases", "fields/value_numbers.py",
        "op.weight.reshape(len(op.weight), -1), op.bias]",
        "op.weight.reshape(len(op.weight), -1), 0 * op.bias]", ("value_numbers",)),
    Bug("numbers of two inputs are mixed up", "fields/value_numbers.py",
        "_numbered(np.concatenate(inputs), _origins(inputs))",
        "np.concatenate(inputs)", ("value_numbers",)),
    Bug("crossings in a new order keep their old columns", f"{REFINE}/orders.py",
        "column[index], position[index], slack[index] = crossings.column[index[order]],",
        "column[index], position[index], slack[index] = crossings.column[index],", ORDERS),
    Bug("crossings of an edge that coincide are in order", f"{REFINE}/orders.py",
        "undecided[line.segment[line.tied()]] = True", "pass", ORDERS),
    Bug("crossings of a chord that coincide are in order", f"{REFINE}/orders.py",
        "left[line.segment[line.tied()]] = True", "pass", ORDERS),
    Bug("a chord is measured from its other end", f"{REFINE}/orders.py",
        "ends.ends[chord, k], cell, column) for k in (0, 1))",
        "ends.ends[chord, k], cell, column) for k in (1, 0))", ORDERS),
    Bug("an edge is measured from its other end", f"{REFINE}/orders.py",
        "torch.where(forward, here, ahead), torch.where(forward, ahead, here)",
        "torch.where(forward, ahead, here), torch.where(forward, here, ahead)", ORDERS),
    # ---- values and their bounds ----
    Bug("a unit that is off at one vertex is left out", f"{TORCH}/complex/segments.py",
        "np.bitwise_and.reduce", "np.bitwise_or.reduce", ORDERS),
    Bug("a unit that is off at one vertex is left out, on other devices", f"{TORCH}/complex/segments.py",
        "words[:half] & words[half : 2 * half]", "words[:half] | words[half : 2 * half]", ("backend",)),
    Bug("streamed rows are not exactly zero where a unit made them", f"{REFINE}/streamed.py",
        "made, also = (self.cutting.place_of(columns)", "made, also = (self.cutting.place_of(columns) * 0 - 1",
        ("streamed",)),
    Bug("streamed rows do not know which signs were decided", f"{REFINE}/streamed.py",
        "zeros = self.cutting.zeros", "zeros = points.first[:0], points.first[:0]", ("streamed",)),
    Bug("of the units that are left some are others", f"{REFINE}/streamed.py",
        "self.held, self._kernel = cutting.reaching, kernel",
        "self.held, self._kernel = cutting.reaching - (cutting.reaching > 0).long(), kernel", ("streamed",)),
    Bug("a whole number too large for its bytes is sent in them", "arrays/pickled.py",
        "np.iinfo(kind).min <= low and high <= np.iinfo(kind).max", "np.iinfo(kind).min <= low", ("pickled",)),
    Bug("a block's last vertices are glued to nothing", f"{TORCH}/complex/glue.py",
        "number[places] = number[first]", "pass", ("blocks",)),
    Bug("glued edges run as they did in their blocks", f"{TORCH}/complex/glue.py",
        "block.forward ^ turned[part]", "block.forward ^ torch.zeros_like(turned)[part]", ("blocks",)),
    Bug("the lines of all blocks are numbered alike", f"{TORCH}/complex/glue.py",
        "done, lines = here.stop, lines + block.lines - first_lines[k]", "done = here.stop", ("blocks",)),
    Bug("the first weights are taken for those of the units that are left", f"{TORCH}/fields/arithmetic.py",
        "self.weight.index_select(1, columns)", "self.weight[:, : len(columns)]", ORDERS),
    Bug("columns keep their places when others are left out", f"{REFINE}/prolong.py",
        "return place[self.function]", "return self.function", ORDERS),
    Bug("the rounding of a dense layer is left out of its bound", f"{TORCH}/fields/arithmetic.py",
        "error = lifted((constants.norms.spectral * x.error + rounding) * ROUND_UP)",
        "error = lifted(constants.norms.spectral * x.error * ROUND_UP)", ("error_bound",)),
    Bug("an error bound is half of what it must be", f"{TORCH}/fields/field.py",
        "return operations * UNIT / (1 - operations * UNIT)", "return 0.5 * operations * UNIT",
        ("error_bound", "predicates")),
    Bug("the spectral bound is a Frobenius norm over the root of the width", f"{TORCH}/fields/norms.py",
        "return Norms(factor(min(spectral_bound(weight), absolute)), absolute)",
        "return Norms(factor(float(weight.norm()) / weight.shape[0] ** 0.5), absolute)", ("error_bound",)),
    Bug("a gathered zero is the first entry", f"{TORCH}/fields/field.py",
        "return result.masked_fill(missing, 0.0) if bool(missing.any()) else result", "return result",
        ("error_bound", "compiler/conv")),
    Bug("a skip connection reads a stale field", "fields/arithmetic.py",
        "inputs = [self._live[j] for j in node.inputs]\n            if node.is_nonlinear:",
        "inputs = [self._live[min(self._live)] if len(node.inputs) > 1 else self._live[j] for j in node.inputs]\n"
        "            if node.is_nonlinear:", ("predicates",)),
    # ---- the exact backend ----
    Bug("a division is rounded", f"{EXACT}/arithmetic.py", "lambda d: 1 / Fraction(d)", "lambda d: Fraction(1 / d)",
        ("arithmetic", "checker")),
    Bug("the shares of a cut are exchanged", f"{EXACT}/cutter.py", "return s // divisor, t // divisor",
        "return t // divisor, s // divisor", ("arrangement",)),
    Bug("strides and dilations are exchanged", "network/operators.py", "(*self.stride, *self.dilation)",
        "(*self.dilation, *self.stride)", ("arithmetic",)),
    Bug("the canonical piece is the left one", "certification/criterion.py", "pieces += lowest >= 0",
        "pieces += (lowest >= 0) & (highest > 0)", ("certify",)),
    Bug("the last of tied arguments wins", "certification/criterion.py", "fits.argmax(axis=2), -1)",
        "fits.shape[2] - 1 - fits[:, :, ::-1].argmax(axis=2), -1)", ("certify", "checker")),
    Bug("a polygon may wind twice", "geometry/polytope.py",
        "zip(upper[-1:] + upper[:-1], upper, strict=True)) == 1",
        "zip(upper[-1:] + upper[:-1], upper, strict=True)) >= 1", ("certify",)),
    # ---- for people ----
    Bug("a margin has the wrong sign", "network/heads.py", "Sum((1.0, -1.0))", "Sum((-1.0, 1.0))", ("heads",)),
    Bug("a head loses its constant", "network/heads.py", "bias = np.array(np.broadcast_to(shift.ravel(), len(weight)))",
        "bias = np.zeros(len(weight))", ("heads",)),
    Bug("an estimate counts regions that a square cuts", "partitions/estimate.py",
        "np.bincount(inside[lowest],", "np.bincount(np.full(len(lowest), self.domain.dim),", ("estimate",)),
    Bug("a matrix on bounds has no margin", "bounds/products.py",
        "margin = self.precision.margin(self.sizes * length + self.shares, self.terms)",
        "margin = 0 * self.precision.margin(self.sizes * length + self.shares, self.terms)", ("bounds",)),
    Bug("tables reach as far as weights say, not their sizes", "bounds/products.py",
        "np.matmul(self.absolute, ends[UPPER] - ends[LOWER])", "np.matmul(self.half, ends[UPPER] - ends[LOWER])",
        ("bounds",)),
    Bug("dropped regions of blocks lose how they began", "tiling/stages.py",
        "flattened((*state.history, *state.steps), some),", "flattened(state.steps, some),", ("dropped",)),
    Bug("the border of a block that is kept has no names", "backends/torch/persist.py",
        '{} if arrangement.names is None else {"names": arrangement.names}', "{}", ("kept_blocks",)),
    Bug("a block that time has ended is kept", "tiling/kept_blocks.py", "if leaf.state.complete:", "if True:",
        ("kept_blocks",)),
    Bug("bounds of dropped regions are kept in another order", "tiling/pruning.py",
        "more = Irrelevant(dropped, *(side[dropped] for side in bounds))",
        "more = Irrelevant(dropped, *(side[dropped][::-1] for side in bounds))", ("dropped",)),
    Bug("constants that underflow are rounded by a share of themselves", "bounds/precision.py",
        "np.maximum(np.abs(slope), self.dtype(self.normal)) * size", "np.abs(slope) * size", ("underflow",)),
    Bug("what may lie inside lies outside", f"{LATTICE}/inside.py", "~_in_some_cell(on >= 0", "~_in_some_cell(on > 0",
        ("lattice/inside",)),
    Bug("regions are open", f"{LATTICE}/inside.py", "within = (on >= 0)", "within = (on > 0)", ("lattice/inside",)),
    Bug("estimates are sure of what was never seen", "partitions/estimate.py", "hypot(spread, of_one_more,",
        "hypot(spread,", ("estimate",)),
    Bug("intervals leave out a corner", "bounds/enclosure.py", "for places in corners[1:]:",
        "for places in corners[2:]:", ("bounds",)),
    Bug("intervals have no margin", "bounds/enclosure.py", "high.T + margin, low.T - margin",
        "high.T + 0 * margin, low.T - 0 * margin", ("bounds",)),
    Bug("a ReLU is bounded from below at the corners", "bounds/pieces.py",
        "np.multiply(x.table[LOWER], rising[:, None], out=table[LOWER])",
        "np.maximum(x.table[LOWER], 0, out=table[LOWER])", ("bounds",)),
    Bug("a maximum is bounded from below at the corners", "bounds/entries.py",
        "lower = np.take_along_axis(table[LOWER], chosen[:, :, None], axis=1)[:, 0]",
        "lower = table[LOWER].max(axis=1)", ("bounds",)),
    Bug("what is not known is dropped", "bounds/relevance.py", "(lower[:, 0] > 0) | (upper[:, 0] < 0)",
        "~((lower[:, 0] <= 0) & (upper[:, 0] >= 0))", ("surfaces",)),
    Bug("borders that pruning makes in a block have no names", "tiling/stages.py",
        "    if not state.path or not len(regions):", "    if True:", ("surfaces",)),
    Bug("a slice takes its axes in order", "geometry/domain.py", "basis[chosen, np.arange(polytope.dim)] = 1",
        "basis[sorted(chosen), np.arange(polytope.dim)] = 1", ("domain_slices",)),
    Bug("the page has the patterns of parents", "plots/page_parts.py",
        "counts[rows] = np.bincount(row, minlength=len(rows))", "counts[rows] = 0", ("page_data",)),
    Bug("polygons that hang together face one way", "boundary/meshes/orientation.py",
        "against = edges.rising[left] == edges.rising[right]", "against = edges.rising[left] != edges.rising[right]",
        ("mesh",)),
    Bug("edges beside ties are degenerate", "boundary/meshes/mesh.py",
        "regular = (edges.degree == 2) & ~shared(surface.tied, edges.ends)", "regular = edges.degree == 2",
        ("mesh",)),
    Bug("corners that move sweep volumes", "boundary/meshes/measures.py",
        "(swept + rounding) * _UP + _TINY", "rounding * _UP + _TINY", ("mesh",)),
    Bug("the patterns of a section along facets are canonical", "boundary/section.py",
        "patterns[k] = self._canonical(patterns[k])", "pass", ("section",)),
    # ---- the checker ----
    Bug("the checker does not add up areas", "checker.py", "demand(area * unit == wanted * size, 7,",
        "demand(True, 7,", ("checker",)),
    Bug("the checker does not compare patterns", "checker.py", "demand(other == r, 9,", "demand(True, 9,",
        ("checker",)),
    Bug("the checker lets polygons wind twice", "checker.py", "return lefts and turns == 1", "return lefts",
        ("checker",)),
    Bug("the checker takes a unit at its breakpoint for below it", "checker.py",
        "pairs.append((bits([x < 0 for x in differences])", "pairs.append((bits([x <= 0 for x in differences])",
        ("checker",)),
    Bug("the checker lets a decision be a tie", "checker.py", "larger = all(seen.outputs[k] > x",
        "larger = all(seen.outputs[k] >= x", ("checker",)),
    Bug("the checker reads one padding for the other", "checker.py", "gap, (before, after) in zip(",
        "gap, (after, before) in zip(", ("checker",)),
    Bug("the checker lets facets of simplices stay open", "checker.py", "demand(along, 23,", "demand(True, 23,",
        ("checker",)),
    Bug("the checker lets simplices overlap", "checker.py", "demand(apart or not holds(", "demand(True or not holds(",
        ("checker",)),
    Bug("the checker lets simplices be flat", "checker.py", "demand(turn, 22,", "demand(True, 22,", ("checker",)),
    Bug("facets of simplices match whatever their orientation", "certification/cover.py",
        "turns.astype(np.int64) * (-1) ** i", "turns.astype(np.int64) ** 2 * (-1) ** i", ("simplices",)),
    Bug("the checker divides errors by the denominator of other numbers", "checker.py",
        "r - (-e * self._one // own)", "r - (-e * self._one // scales[0])", ("named_vertices",)),
    Bug("the checker forgets the errors of rows in a combination", "checker.py",
        "sizes.append(field.errors)", "sizes.append([0] * len(field.errors))", ("named_vertices",)),
    Bug("the checker rounds down what radii are multiplied by", "checker.py",
        "[upward(abs(x) + e, coarse)", "[(abs(x) + e >> coarse)", ("named_vertices",)),
    Bug("the checker forgets what it rounds in a combination", "checker.py",
        "(r >> fine) + 2 if r or x & mask", "(r >> fine) + 1 if r", ("named_vertices",)),
    Bug("the checker asks units that do not bend whether they are positive", "checker.py",
        "for j, i in self._known.items() if j not in self._steps)", "for j, i in self._known.items() if False)",
        ("named_entries",)),
    Bug("the checker adds to a maximum what its winner is less", "checker.py",
        "centres[unit] -= balls[0][i]", "centres[unit] += balls[0][i]", ("named_entries",)),
    Bug("the checker of named vertices lets regions have the same pattern", "checker.py",
        'demand(first == r, 9, f"region {r} and region {first}', 'demand(True, 9, f"region {r} and region {first}',
        ("checker", "named_vertices")),
    Bug("the checker forgets the errors of rows in an enclosure", "checker.py",
        "size = sum(map(abs, middle)) + sum(reach)", "size = 0", ("named_vertices",)),
    Bug("the checker takes a crossing for exact", "checker.py",
        "least, most = (max(near - error, 0), far + other), (near + error, max(far - other, 0))",
        "least, most = (near, far), (near, far)", ("named_vertices",)),
    Bug("the checker takes the better end's radius between two vertices", "checker.py",
        "(e if e > f else f) + (more", "(f if e > f else e) + (more", ("named_vertices",)),
    Bug("the checker names vertices across regions", "checker.py",
        "demand(fits, 26,", "demand(True, 26,", ("named_vertices", "checker")),
    Bug("the checker names vertices where nothing changes sign", "checker.py",
        "demand(opposite, 27,", "demand(True, 27,", ("named_vertices", "checker")),
    Bug("the checker leaves out the wrong argument of a maximum", "checker.py",
        "out = {j if least >= 0 else i", "out = {i if least >= 0 else j", ("named_vertices",)),
    Bug("the checker takes subnormal words for normal ones", "checker.py",
        "hidden = {head: 1 << 52 if head & 0x7FF else 0", "hidden = {head: 1 << 52 if head else 0", ("float_words",)),
    Bug("the checker takes minus infinity for a number", "checker.py",
        "not heads & {0x7FF, 0xFFF}", "not heads & {0x7FF}", ("float_words", "checker")),
    Bug("the checker reads words with bits that are not used", "checker.py",
        'and base64.b64encode(data).decode("ascii") == text', "", ("float_words", "checker")),
    Bug("the checker counts no byte of a large file of words", "checker.py",
        "require(len(data) - apart <= MAX_BYTES", "require(len(data) - apart <= most", ("float_words",)),
    Bug("the checker does not count what a node reads", "checker.py",
        "return sum(map(prod, inputs)) + prod(size) * (1 + asked)", "return prod(size) * (1 + asked)",
        ("short_files", "checker")),
    Bug("the checker does not count rows of units that bend", "checker.py",
        "self._work.spend((self._rows + len(units)) * size)", "pass", ("short_files",)),
    Bug("the checker skips windows where some channel is zero", "checker.py",
        "supports = [reduce(or_, (int.from_bytes", "supports = [reduce(and_, (int.from_bytes", ("affine_rows",)),
    Bug("the checker rounds down magnitudes of weights", "checker.py",
        "[upward(abs(x), coarse) for x in numerators]", "[abs(x) >> coarse for x in numerators]", ("affine_rows",)),
    Bug("the checker does not count determinants", "checker.py",
        "work.spend(sum(map(len, regions)) * (domain.dimension + 1) ** 3)", "pass", ("counted_work",)),
    Bug("the checker does not count halfspaces", "checker.py",
        "work.spend(len(points) * len(self.sides) * (self.dimension + 1))", "pass", ("counted_work",)),
    Bug("the checker does not count points of the frame", "checker.py",
        " + len(frame[0]) * sum(nodes[i].cost for i in early)", "", ("counted_work",)),
    Bug("the library reads what its checker calls malformed", "certification/certificate.py",
        "    _demand_format(entry)\n", "", ("files_of_strangers",)),
    Bug("the checker believes the name of a network", "checker.py", "demand(digest(nodes) == name, 1,",
        "demand(True, 1,", ("checker",)),
    # ---- the compiler and what is read from a partition ----
    Bug("the padding of a convolution is exchanged", "compiler/operators/conv.py", "return [(r // 2, r - r // 2)",
        "return [(r - r // 2, r // 2)", ("compiler/conv",)),
    Bug("pooling windows are listed column by column", "compiler/operators/pool.py",
        "*(lead + 2 * d + 1 for d in range(dims))]", "*(lead + 2 * d + 1 for d in reversed(range(dims)))]",
        ("compiler/conv", "partitions/conv")),
    Bug("short pooling windows are filled up with zero", "compiler/operators/pool.py",
        "[_positions(axis, lambda window: window[0])", "[_positions(axis, lambda window: -1)", ("compiler/conv",)),
    Bug("a point at the height of a vertex is counted twice", f"{TORCH}/complex/locate.py",
        "(start[:, 1] <= y) & (y < end[:, 1])", "(start[:, 1] <= y) & (y <= end[:, 1])",
        ("backend", "conformance", "partition")),
    Bug("ends of boundaries stay where rows have them", "tiling/cells.py", "        if walls is None:\n",
        "        if True:\n", ("coordinates",)),
    Bug("what cuts a sharpened partition is not sharpened", "tiling/cells.py",
        "0.0 if tiling.arrangement.is_sharp else POOR", "POOR", ("coordinates",)),
    Bug("areas of cells are those of rounded corners", "tiling/cells.py", "None, self.exact_walls(), checked",
        "None, None, checked", ("areas",)),
    Bug("squares of bounds underflow", f"{TORCH}/arrangement.py", "bound = lifted(lengths(bounds) * ROUND_UP)",
        "bound = lifted(torch.linalg.vector_norm(bounds, dim=1) * ROUND_UP)", ("coordinates",)),
    Bug("what rounds to zero is zero", "numbers/rounding.py", "max(2.0**-53 * abs(near), LEAST)",
        "2.0**-53 * abs(near)", ("rounding",)),
    Bug("numbers that overflow keep their radius", "numbers/double_double.py",
        "np.where(np.isfinite(high + low), radius, np.inf)", "radius", ("double_double",)),
    Bug("the bound of a quotient underflows", "numbers/double_double.py",
        "missed / least * _ROUND_UP + _TINY, np.inf)", "missed / least * _ROUND_UP, np.inf)", ("double_double",)),
    Bug("a number beside a large one is nothing", "numbers/double_double.py",
        "np.where(np.logical_and.reduce(kept), radius, radius + _TINY)", "radius", ("double_double",)),
    Bug("a grid has squares of any size", "geometry/boxes.py", "self._side * np.finfo(float).tiny",
        "0.0", ("scales",)),
    Bug("vertices stay where rows have them, however poor", "tiling/stages.py", "POOR = 2.0**-20", "POOR = 1.0",
        ("coordinates",)),
    Bug("a coordinate is called close that is not", f"{REFINE}/corners.py", "SURE = 2.0**-10 * UNIT",
        "SURE = 2.0**10 * UNIT", ("coordinates",)),
    Bug("the inner side of a line is the positive one", f"{REFINE}/corners.py",
        "signs * _inner_signs(functions, lines))", "signs)",
        ("coordinates",)),
    Bug("the bound on an area forgets that corners are rounded", f"{TORCH}/complex/areas.py",
        "moved + rounding", "rounding", ("areas",)),
    Bug("points are placed by rounded vertices", f"{TORCH}/complex/locate.py",
        "margin = error[0] * sizes[1] + error[1] * sizes[0] + error[0] * error[1]", "margin = 0.0 * sizes[0]",
        ("locate", "coordinates")),
    Bug("a line is taken from the pieces of another region", f"{LONG}/lines.py",
        "home[wanted] = np.cumsum(fresh) - 1", "home[wanted] = 0", ("coordinates",)),
    Bug("a line between areas that tie is no boundary", "regions/classes.py",
        "winner = np.where(gap > 2 * error, order[:, -1], -1)", "winner = order[:, -1]", ("boundary",)),
    # ---- lattices ----
    Bug("what lies at the level already does not bound what is between", f"{LATTICE}/cut.py",
        "if self._touching[column]:", "if False:", ("lattice/cut",)),
    Bug("the part above keeps the number", f"{LATTICE}/cut.py",
        "for end in (low, high)]", "for end in (high, low)]", ("lattice/cut",)),
    Bug("a new vertex is on no side of what does not cut its edge", f"{LATTICE}/cut.py",
        "bits.add((on_edge & ~open_) | at)", "bits.add(at)", ("lattice/cut",)),
    Bug("a new facet lies on the wall of another", f"{LATTICE}/cut.py",
        "self._record.walls + np.arange(len(faces))", "self._record.walls + np.zeros_like(faces)", ("solid",)),
    Bug("two sides of a region that meet at the border are one", f"{LATTICE}/dissolve.py",
        "across = across[:, wall == other]", "pass", ("lattice/dissolve",)),
    Bug("faces of blocks are known by one of their faces", f"{LATTICE}/glue.py",
        "ordered[first] << 32 | ordered[first + 1]", "ordered[first]", ("lattice/dissolve",)),
    Bug("lists of a block end where they would if there were none before", f"{LATTICE}/glue.py",
        "= start + np.cumsum(counts[fresh])", "= np.cumsum(counts[fresh])", ("lattice/dissolve", "solid")),
    Bug("a vertex is found in the region that has fewest of the others", f"{TORCH}/solid/kernels/operations.py",
        "np.lexsort((place, -most, vertex))", "np.lexsort((place, most, vertex))", ("solid",)),
    Bug("vertices may be farther off than is promised", "tiling/stages.py",
        "sharpened(predicates.exact_walls(), POOR)", "sharpened(predicates.exact_walls(), 2.0**-12)", ("known_well",)),
    Bug("rows that are computed anew are exact", f"{TORCH}/fields/arithmetic.py",
        "anew.values[better], anew.error[better]", "anew.values[better], 0.0", ("known_well",)),
    Bug("a vertex on a border has the name of one end", f"{LATTICE}/names.py",
        "parts = result[first[new]], result[second[new]],", "parts = result[first[new]], result[first[new]],",
        ("lattice/dissolve", "dimensions")),
    Bug("any walls through a vertex tell where it is", "numbers/integers.py",
        "if fmpz_mat([rows[k] for k in kept] + [row]).rank() > len(kept):", "if True:", ("dimensions",)),
    Bug("the edges of a simplex are where they are stored", f"{LATTICE}/measure.py",
        "_moved_by(sizes, moved) + ", "", ("dimensions",)),
    Bug("a doubtful sign at a new vertex is taken as it is", f"{TORCH}/solid/kernels/operations.py",
        "unsure = as_numpy(~((value.abs() > bound) | (bound == 0)))", "unsure = as_numpy(value.abs() < 0)", ("solid",)),
    Bug("signs that contradict each other divide what they can", f"{LATTICE}/cut.py",
        "& spheres(self.members, k - 2, lists))", "& ((k > 2) | spheres(self.members, k - 2, lists)))",
        ("contradictions",)),
    Bug("what stays whole keeps one part of each face", f"{LATTICE}/cut.py",
        "parts = 1 + (upper >= 0)", "parts = np.ones_like(upper)", ("contradictions",)),
    Bug("a collection of faces with a hole is a sphere", f"{LATTICE}/spheres.py",
        "once & whole & (total == 1 + (-1) ** k)", "once & whole", ("contradictions",)),
    # ---- comparisons ----
    Bug("a tie of a run accuses it", "comparisons/judge.py", "return np.asarray((low <= piece) & (piece <= high))",
        "return np.asarray((high <= piece) & (piece <= high))", ("execution",)),
    Bug("a run is judged by signs that float64 leaves open", "comparisons/judge.py", "return still_open",
        "return still_open & False", ("execution",)),
    Bug("a search for inputs that was cut short is a proof", "numbers/float_formats.py",
        "len(ranks[axis]) <= columns)", "True)",
        ("float_formats",)),
    Bug("the width of a region is its height over its first edge", "comparisons/partitions.py",
        "root(min(squares, default",
        "root(min(squares[:1], default", ("comparisons/partitions",)),
    # ---- lines and solids ----
    Bug("a sample of a polygon may lie outside of it", "boundary/faces.py",
        "-np.sort(-generator.random((n, dim - 1)), axis=1)", "generator.random((n, dim - 1))", ("solid_boundaries",)),
    Bug("the lower bound on a distance is that of the nearest corner", "boundary/nearest_faces.py",
        ".sum(axis=3).min(axis=2)", ".sum(axis=3).max(axis=2)", ("solid_boundaries",)),
    Bug("boundaries of faces in a file may have gaps", "backends/lattice/persist.py", "if (counts != 2).any():",
        "if (counts > 9).any():", ("lattice_files",)),
    Bug("the width of a solid is the largest", "comparisons/widths.py", "root(min(squares", "root(max(squares",
        ("solid_regions",)),
    Bug("facets on the borders of blocks are named by one vertex", "statistics/statistics.py",
        "facets.reduce(np.add, mixed", "facets.reduce(np.minimum, mixed", ("partitions/solids",)),
    # ---- statistics, slices, units ----
    Bug("slopes from vertices wherever there are some", "statistics/slopes.py",
        "if len(open_):", "if len(open_) == len(slopes):",
        ("statistics",)),
    Bug("the bound on slopes forgets the places", "statistics/slopes.py", "lost = off + 8 * _UNIT * length",
        "lost = 8 * _UNIT * length", ("statistics",)),
    Bug("the mean slope is that of the regions", "statistics/statistics.py",
        "float(self.slopes @ (self.areas / self._area))",
        "float(self.slopes.mean())", ("statistics",)),
    Bug("the seed of a slice forgets its number", "analysis/many_slices.py", "seed=(seed, i, k)", "seed=(seed, i)",
        ("study",)),
    Bug("the second axis of a slice is not made orthogonal", "analysis/random_slices.py", "for _ in range(2):",
        "for _ in range(0):", ("study",)),
    Bug("squares of all sides are in one group", "analysis/many_slices.py", '("network", "points", "side"),',
        '("network", "points"),', ("study",)),
    Bug("the last batch of a file of regions is left out", "datasets/folder_statistics.py",
        "yield from read_regions(file)", "yield from list(read_regions(file))[:1]", ("measuring",)),
    Bug("a checksum is not compared", "datasets/folder.py", "if digest_of(file) != digest:", "if digest_of(file) == 0:",
        ("checksums",)),
    Bug("a line of the journal may be any", "datasets/journal.py",
        "if checksum != _sum(values):", "if not checksum:", ("checksums",)),
    Bug("a file is written over the old one", "storage/files.py",
        "    other = _beside(target)\n    try:\n        yield _creatable(other, target)",
        "    other = target\n    try:\n        yield _creatable(other, target)", ("storage/files",)),
    Bug("an archive may unpack to anything", "storage/archive.py", "if unpacked > max(_UNSUSPECTED, _GROWTH * size):",
        "if unpacked < 0:", ("damage",)),
    Bug("a step's edges are looked for where its regions are one", "statistics/crossing_units.py",
        "np.flatnonzero(regions[:, 0] != regions[:, 1])", "np.flatnonzero(regions[:, 0] == regions[:, 1])",
        ("units",)),
    Bug("pieces on the two sides of an edge are exchanged", "statistics/crossing_units.py",
        "left, right = pieces.take(regions[rows, 0]), pieces.take(regions[rows, 1])",
        "right, left = pieces.take(regions[rows, 0]), pieces.take(regions[rows, 1])", ("units",)),
    Bug("units that cut as many edges repeat each other", "analysis/unit_activity.py",
        "self.crossings.facet[rows[unit]].tobytes()", "bytes(len(rows[unit]))",
        ("units",)),
    Bug("a unit on one piece is dead whatever its slope", "analysis/unit_activity.py", "np.arange(node.size)] == 0",
        "np.arange(node.size)] < 9", ("units",)),
    Bug("curves go on where several meet", "analysis/unit_activity.py",
        "np.where((begin == 1) & (end == 1), starting, -1)",
        "starting", ("units",)),
    Bug("a closed curve is an open one", "analysis/unit_activity.py",
        "(True, order[led[order]])", "(False, order[led[order]])",
        ("units",)),
    # ---- properties ----
    Bug("equality is safe", "properties/unsafe.py", "on_face = np.asarray((signs[:, group] >= 0)",
        "on_face = np.asarray((signs[:, group] > 0)", ("properties/verify",)),
    Bug("strict constraints may be zero", "properties/unsafe.py", "for column in group[self.strict[group]]:",
        "for column in group[:0]:", ("properties/verify",)),
    Bug("a sign that is open excludes a region", "properties/unsafe.py", "negative = signs < 0",
        "negative = signs <= 0", ("properties/verify",)),
    Bug("the digits that one matrix does not hold are dropped", "properties/rational.py",
        "while not parts or table.any():", "while not parts:", ("properties/verify",)),
    Bug("inputs of a constraint are slice coordinates", "properties/problem.py", "constant += a * constants[i]",
        "constant += 0 * constants[i]", ("properties/verify",)),
    Bug("half of a box that took too long is lost", "properties/decide.py", "return [(upper, high), (low, lower)]",
        "return [(low, lower)]", ("properties/verify",)),
    Bug("a call may decide no box", "properties/decide.py", "not (clock.late and clock.decided):", "not clock.late:",
        ("properties/verify",)),
    Bug("bounds of inputs are divided by large numbers", "properties/rational.py",
        "Fraction(n, 1 << (n.bit_length() - 1))", "Fraction(n)", ("properties/verify",)),
    Bug("a vertex is unsafe when float64 says so", "properties/decide.py",
        "if height >= 0 and _is_unsafe(self.problem, point.tolist()):", "if height >= 0:", ("properties/verify",)),
    Bug("what is not decided holds", "properties/verify.py", "any(work.remaining for work in works)", "False",
        ("properties/verify",)),
    Bug("float32 inputs need not be unsafe exactly", "properties/counterexample.py",
        "if problem.case.is_unsafe(exact, outputs):", "if len(exact) >= 0:", ("properties/verify",)),
    Bug("a strict bound of an input is a bound alone", "properties/vnnlib/query.py",
        "            if constraint.strict:", "            if constraint.strict and constraint.outputs:",
        ("properties/vnnlib",)),
    Bug("the second of two bounds counts", "properties/vnnlib/query.py", "at if before is None else max(at, before)",
        "at", ("properties/vnnlib", "properties/verify")),
    Bug("a minus sign takes the first operand alone", "properties/vnnlib/formulas.py",
        'Fraction(1 if group.head == "+" else -1)', "Fraction(1)", ("properties/vnnlib",)),
    Bug("signs at vertices are those of the first cut", "tiling/signed_cells.py",
        "    again, _, outputs, _ = _cut(cells, outputs, predicates)\n", "    again = cells\n",
        ("signed_cells",)),
    Bug("boundaries of faces above kill no cycle", "regions/homology.py", "- ranks[k] - ranks[k + 1]", "- ranks[k]",
        ("betti",)),
    Bug("a face is in a set when a vertex is", "regions/homology.py", "inside |= faces.reduce(np.logical_and",
        "inside |= faces.reduce(np.logical_or", ("betti",)),
    Bug("a mesh's bound underflows with its area", "boundary/meshes/measures.py",
        "self.measured(errors, dim) + _LEAST", "self.measured(errors, dim)", ("meshes/mesh",)),
    Bug("a primes' product need not reach what denominators make of a bound", "backends/exact/residues.py",
        "Fraction(float(np.abs(levels).max()))) * denominators[-1])", "Fraction(float(np.abs(levels).max()))))",
        ("spans",)),
    Bug("a sum has the denominator of its last term", "backends/exact/residues.py",
        "return Size(lcm(self.denominator, denominator), self.bound + bound)",
        "return Size(denominator, self.bound + bound)", ("spans",)),
    Bug("what overflows, or is open, lies on its piece", f"{TORCH}/long_numbers/inside.py",
        "return over < -bound, ends & ~_reaches(over, bound)", "return over < -bound, ends & False",
        ("deep_regions",)),
    # ---- windows, and rows that span ----
    Bug("the padding of an image is its first entry", f"{LONG}/windows.py",
        "torch.where(index < 0, self._size, index)", "torch.where(index < 0, 0, index)", ("windows",)),
    Bug("a window holds something if its first place does", f"{LONG}/windows.py",
        "for tap in self._index.T:", "for tap in self._index.T[:1]:", ("windows",)),
    Bug("images stand without a zero between them", f"{LONG}/windows.py",
        "(image * (self._size + 1))", "(image * self._size)", ("windows",)),
    Bug("sums of zeros are those whose window holds something", f"{LONG}/arithmetic.py",
        "return ~held[:, None]", "return held[:, None]", ("windows",)),
    Bug("small images are laid out as large ones are", f"{LONG}/arithmetic.py",
        "        if windows.are_few:\n            return windows.product(images, held, stack)\n", "", ("windows",)),
    Bug("rows that span serve regions that are not among those meant", f"{LONG}/spans.py",
        "return known and self.span.holds(patterns)", "return bool(known)", ("fields/spans",)),
    Bug("rows that span serve where not all has been read", f"{LONG}/spans.py",
        "return known and self.span.holds(patterns)", "return self.span.holds(patterns)", ("fields/spans",)),
    Bug("rows that span serve every stage", f"{LONG}/lines.py", "last[0] != key or not last[1].serves",
        "not last[1].serves", ("fields/spans", "long_numbers")),
    Bug("the functions of sides are the first of them", f"{LONG}/lines.py",
        "result.put(side, self._sides[names.first[side]])", "result.put(side, self._sides[0 * names.first[side]])",
        ("fields/spans",)),
    Bug("kinds of regions differ where they differ in the last stage", "fields/spans.py",
        "np.logical_or.accumulate([np.zeros(max(self.count - 1, 0), np.bool_), *differ], axis=0)",
        "np.array([np.zeros(max(self.count - 1, 0), np.bool_), *differ])", ("fields/spans",)),
    Bug("rows of units cost what comes before them", f"{LONG}/reckoning.py",
        "[0, *(len(stage.units) for stage in span.stages)]", "[*(len(stage.units) for stage in span.stages), 0]",
        ("fields/spans",)),
    Bug("rows of one part are enough where one function is known", f"{LONG}/lines.py", "return bool(known.all())",
        "return bool(known.any())", ("fields/spans",)),
    Bug("an image that touches a side is not inside", "regions/image.py", "signed_cells(rows, open_).signs < 0",
        "signed_cells(rows, open_).signs <= 0", ("image",)),
)  # fmt: skip


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice([bug.name for bug in BUGS]))
@click.option("--seconds", default=60.0, help="The time that the tests of one bug may take.")
def main(names: tuple[str, ...], seconds: float) -> None:
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    for bug in chosen:
        bug.planted((ROOT / "cpwl" / bug.file).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(Path(folder))
        caught = _hunt(copy, chosen, seconds)
        wrong = _failing(copy, sorted({test for test in caught if test}))
    missed = [bug.name for bug, test in zip(chosen, caught, strict=True) if not test]
    click.echo(f"{len(chosen) - len(missed)} of {len(chosen)} bugs caught")
    if missed or wrong:
        raise click.ClickException(f"missed: {missed}; tests that fail without a bug as well: {wrong}")


def _copied(folder: Path) -> Path:
    """A copy of the tree in the folder, from which ``python -m pytest`` imports the copied library."""
    copy = folder / "copy"
    copy.mkdir()
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    with (copy / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(NO_SHRINKING)
    where = _python(copy, ["-c", "import cpwl; print(cpwl.__file__)"], 60).stdout.strip()
    if not Path(where).is_relative_to(copy):
        raise click.ClickException("the copy imports another cpwl than its own.")
    return copy


def _hunt(copy: Path, bugs: Sequence[Bug], seconds: float) -> list[str]:
    """For each bug the test that caught it, "" for none; prints the table."""
    table, console = Table("bug", "caught by", "s"), Console(width=200)
    found = []
    for bug in bugs:
        begin = time.perf_counter()
        test = _caught(copy, bug, seconds)
        spent = f"{time.perf_counter() - begin:.1f}"
        console.print(f"{bug.name}: {test or 'MISSED'} ({spent} s)", markup=False, highlight=False, soft_wrap=True)
        table.add_row(bug.name, escape(test) or "MISSED", spent)
        found.append(test)
    console.print(table)
    return found


def _caught(copy: Path, bug: Bug, seconds: float) -> str:
    """The first test that fails with the bug in the copy; "" if none does in time."""
    file = copy / "cpwl" / bug.file
    tests = [file.relative_to(copy).as_posix() for file in bug.test_files(copy)]
    source = file.read_text(encoding="utf-8")
    _write(copy, file, bug.planted(source))
    try:
        return next(iter(_failing(copy, tests, seconds)), "")
    finally:
        _write(copy, file, source)


def _write(copy: Path, file: Path, source: str) -> None:
    """Writes a file of the copy, and compiles it when that is what it is for."""
    file.write_text(source, encoding="utf-8")
    if file.suffix == ".pyx":
        build = ["-c", "import setuptools; setuptools.setup()", "--quiet", "build_ext", "--inplace", "--force"]
        answer = _python(copy, build, 300.0)
        if answer.returncode:
            raise click.ClickException(f"{file.name} does not compile: {answer.stderr}")


def _failing(copy: Path, tests: Sequence[str], seconds: float = 300.0) -> list[str]:
    """The first of some tests that fails, in a list; the list is empty when none does in time."""
    if not tests:
        return []
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    try:
        answer = _python(copy, ["-m", "pytest", *options, *tests], seconds)
    except subprocess.TimeoutExpired:
        return []
    if answer.returncode < 0:
        return [f"tests ended by signal {-answer.returncode}"]
    lines = answer.stdout.splitlines()
    failed = (line.partition(" ")[2] for line in lines if line.startswith(("FAILED ", "ERROR ")))
    return [line.partition(" - ")[0] for line in failed]


def _python(copy: Path, arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """A run of Python in the copy, on one core, without files of bytecode: those could be older than a bug."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


if __name__ == "__main__":
    main()
