# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Loops of a refinement on the CPU, compiled: what the torch code beside each caller does, in one pass instead of many.

Arrays are C-contiguous. Packed bits are rows of 64-bit words, lowest bit first, unused bits 0. A cell's half-edges, a
cell's visits, an edge's crossings and a chord's crossings are consecutive; "first" arrays are exclusive sums of counts.
``proofs/`` (Lemmas 3 to 5 and 8) says why the geometry is right; the bounds are those of Lemma 5 (c).
"""

import cython
import numpy as np
import torch
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport INFINITY, fabs, hypot, isfinite, isinf, sqrt
from libc.stdint cimport int8_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

cdef double UNIT = 2.0 ** -53
cdef double ROUND_UP = 1 + 2.0 ** -20
cdef double SMALLEST = 2.0 ** -500


def _new(count, shape, kind):
    return [np.empty(shape, kind) for _ in range(count)]


def _zeros(count, shape, kind):
    return [np.zeros(shape, kind) for _ in range(count)]


cdef void* _start(array) except NULL:
    """Where the entries of a contiguous array begin, as long as it is there: a view of it costs ten times as much."""
    cdef Py_buffer buffer
    PyObject_GetBuffer(array, &buffer, PyBUF_SIMPLE)
    PyBuffer_Release(&buffer)
    return buffer.buf


cdef bint _any(const uint8_t[::1] flags) noexcept:
    """Whether some flag is set."""
    cdef Py_ssize_t i
    for i in range(flags.shape[0]):
        if flags[i]:
            return True
    return False


# ---- arguments -------------------------------------------------------------------------------------------------------
_FORMATS = {torch.int64: b"l", torch.float64: b"d", torch.bool: b"B", torch.uint8: b"B", torch.int8: b"b"}


@cython.final
@cython.no_gc
@cython.freelist(32)
cdef class View:
    """A tensor's memory as a buffer: an array of it costs four times as much. Truth values are bytes."""

    cdef object tensor
    cdef bytes kind
    cdef void* start
    cdef Py_ssize_t[2] shape, strides
    cdef Py_ssize_t item, size
    cdef int axes  # at most 2

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        buffer.buf, buffer.obj = self.start, self
        buffer.len, buffer.itemsize = self.size, self.item
        buffer.format, buffer.ndim = <char*>self.kind, self.axes
        buffer.shape, buffer.strides, buffer.suboffsets = self.shape, self.strides, NULL
        buffer.readonly, buffer.internal = False, NULL


cdef View _view(tensor, bytes kind, Py_ssize_t item, Py_ssize_t share):
    """Of a tensor on the CPU, along whose last axis ``share`` entries make an item."""
    cdef View view = View.__new__(View)
    cdef tuple shape = <tuple>tensor.shape  # a subclass
    cdef int k
    if not 1 <= len(shape) <= 2:
        raise ValueError(f"loops read tensors with one or two axes, got one of shape {shape}")
    view.tensor = tensor if tensor.is_contiguous() else tensor.contiguous()
    view.start = <void*><size_t>view.tensor.data_ptr()
    view.kind, view.item, view.size, view.axes = kind, item, item, len(shape)
    for k in range(view.axes - 1, -1, -1):
        view.shape[k] = <Py_ssize_t>shape[k] // (share if k == view.axes - 1 else 1)
        view.strides[k] = view.size
        view.size *= view.shape[k]
    return view


def views(*tensors):
    """Buffers of tensors on the CPU with one or two axes, contiguous (copies where these are not)."""
    cdef list result = []
    for tensor in tensors:
        result.append(_view(tensor, _FORMATS[tensor.dtype], tensor.itemsize, 1))
    return result


def words(*packed):
    """Buffers of packed bits (rows, bytes) as words."""
    return [_view(bits, b"L", 8, 8) for bits in packed]


# ---- signs -----------------------------------------------------------------------------------------------------------
cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif

    /* Bit k: whether value k is above zero, below zero, and not certainly (as NaN is not) beyond the limit. */
    static inline void cpwl_signs(
        const double *values, int count, double limit, uint64_t *above, uint64_t *below, uint64_t *near
    ) {
        uint64_t up = 0, down = 0, close = 0;
        int k = 0;
    #ifdef __SSE2__
        const __m128d zero = _mm_setzero_pd(), most = _mm_set1_pd(limit), sign = _mm_set1_pd(-0.0);
        for (; k + 2 <= count; k += 2) {
            const __m128d value = _mm_loadu_pd(values + k);
            up |= (uint64_t)_mm_movemask_pd(_mm_cmpgt_pd(value, zero)) << k;
            down |= (uint64_t)_mm_movemask_pd(_mm_cmplt_pd(value, zero)) << k;
            close |= (uint64_t)_mm_movemask_pd(_mm_cmpngt_pd(_mm_andnot_pd(sign, value), most)) << k;
        }
    #endif
        for (; k < count; k++) {
            up |= (uint64_t)(values[k] > 0) << k;
            down |= (uint64_t)(values[k] < 0) << k;
            close |= (uint64_t)!(fabs(values[k]) > limit) << k;
        }
        *above = up, *below = down, *near = close;
    }
    """
    void _signs "cpwl_signs"(
        const double* values, int count, double limit, uint64_t* above, uint64_t* below, uint64_t* near
    ) noexcept nogil


def sign_bits(
    const double[:, ::1] values, const double[::1] coarse,
    const double[::1] row, const double[::1] column, const double[::1] floor,
    const double[::1] zero_row, const double[::1] zero_column, const double[::1] zero_floor,
    const uint8_t[:, ::1] known,
):
    """Packed bits (V, W): where values are above zero and below it by more than what counts as zero, and where they are
    within their error bounds. Entries ``known`` (if it has rows) to be zero are neither; ``coarse`` bounds all of a row."""
    cdef Py_ssize_t rows = values.shape[0], columns = values.shape[1], words = max(1, (columns + 63) // 64)
    above_, below_, doubtful_ = _zeros(3, (rows, words), np.uint64)
    cdef uint64_t[:, ::1] above = above_, below = below_, doubtful = doubtful_
    cdef uint64_t near, bit
    cdef Py_ssize_t r, w, c
    cdef double size, bound
    if columns == 0:
        return above_, below_, doubtful_
    with nogil:
        for r in range(rows):
            for w in range(words):
                _signs(
                    &values[r, 64 * w], <int>min(<Py_ssize_t>64, columns - 64 * w), coarse[r],
                    &above[r, w], &below[r, w], &near,
                )
                while near:
                    c = 64 * w + _lowest(near)
                    bit = near & (~near + 1)
                    near ^= bit
                    if known.shape[0] > 0 and known[r, c]:
                        continue
                    size, bound = fabs(values[r, c]), _bound(row, column, floor, r, c)
                    if not size > bound and bound != 0:
                        doubtful[r, w] |= bit
                    if not size > _bound(zero_row, zero_column, zero_floor, r, c):
                        above[r, w] &= ~bit
                        below[r, w] &= ~bit
    return above_, below_, doubtful_


def told(
    const double[:, ::1] values, const uint64_t[:, ::1] above, const uint64_t[:, ::1] below,
    const uint64_t[:, ::1] doubtful, const double[::1] row, const double[::1] column, const double[::1] floor, double least,
):
    """Packed bits (V, W) as given, above zero, below it and in doubt, without the entries in doubt that are zero as what
    is not is ``least`` or more; and the rows and columns of these."""
    cdef Py_ssize_t rows = values.shape[0], words = above.shape[1], r, w, c, i, n = 0, total = 0
    cdef uint64_t bits, bit
    with nogil:
        for r in range(rows):
            for w in range(words):
                total += _ones(doubtful[r, w])
    bits_, places_ = np.empty((3, rows, words), np.uint64), np.empty((2, total), np.int64)
    cdef uint64_t* up = <uint64_t*>_start(bits_)
    cdef uint64_t* down = up + rows * words
    cdef uint64_t* left = down + rows * words
    cdef int64_t* vertex = <int64_t*>_start(places_)
    cdef int64_t* found = vertex + total
    with nogil:
        for r in range(rows):
            for w in range(words):
                i = r * words + w
                up[i], down[i], left[i] = above[r, w], below[r, w], doubtful[r, w]
                bits = doubtful[r, w]
                while bits:
                    c = 64 * w + _lowest(bits)
                    bit = bits & (~bits + 1)
                    bits ^= bit
                    if (fabs(values[r, c]) + _bound(row, column, floor, r, c)) * ROUND_UP < least:
                        vertex[n], found[n] = r, c
                        up[i] &= ~bit
                        down[i] &= ~bit
                        left[i] &= ~bit
                        n += 1
    return bits_[0], bits_[1], bits_[2], places_[0, :n], places_[1, :n]


def nowhere_above(
    const uint64_t[:, ::1] above, const uint64_t[:, ::1] doubtful, const int64_t[::1] vertex, Py_ssize_t rows,
    Py_ssize_t least,
):
    """Of so many rows, the first of which have bits, those in which none is set; and the later ones that are a
    ``vertex`` at least so often."""
    cdef Py_ssize_t old = above.shape[0], words = above.shape[1], r, w, n = 0, often = 0
    cdef uint64_t bits
    found_, seen_ = np.empty((2, rows), np.int64), np.zeros(rows, np.int64)
    cdef int64_t* zero = <int64_t*>_start(found_)
    cdef int64_t* again = zero + rows
    cdef int64_t* seen = <int64_t*>_start(seen_)
    with nogil:
        for r in range(vertex.shape[0]):
            seen[vertex[r]] += 1
        for r in range(old):
            bits = 0
            for w in range(words):
                bits |= above[r, w] | doubtful[r, w]
            if bits == 0:
                zero[n] = r
                n += 1
        for r in range(old, rows):
            if seen[r] > 0 and seen[r] >= least:
                again[often] = r
                often += 1
    return found_[0, :n], found_[1, :often]


def reaching(const uint64_t[:, ::1] below, Py_ssize_t columns):
    """The columns whose bit is not set in some row, and the place of each column among these, or -1."""
    cdef Py_ssize_t words = below.shape[1], r, w, c, n = 0
    common_, found_ = np.full(words, -1).view(np.uint64), np.empty((2, columns), np.int64)
    cdef uint64_t* common = <uint64_t*>_start(common_)
    cdef int64_t* found = <int64_t*>_start(found_)
    cdef int64_t* place = found + columns
    with nogil:
        for r in range(below.shape[0]):
            for w in range(words):
                common[w] &= below[r, w]
        for c in range(columns):
            place[c] = -1
            if not (common[c // 64] >> (c % 64)) & 1:
                found[n], place[c] = c, n
                n += 1
    return found_[0, :n], found_[1]


def beside(
    const int64_t[::1] half_edge, const int64_t[::1] offsets, const uint8_t[::1] edges, const int64_t[::1] edge,
    const int64_t[::1] at,
):
    """Flags of cells beside an edge that has one, or that is the edge of a crossing in ``at``."""
    cdef Py_ssize_t cells = offsets.shape[0] - 1, c, h, i
    flags_, cell_ = np.zeros(edges.shape[0], np.uint8), np.zeros(cells, np.uint8)
    cdef uint8_t* flags = <uint8_t*>_start(flags_)
    cdef uint8_t* cell = <uint8_t*>_start(cell_)
    with nogil:
        for i in range(at.shape[0]):
            flags[edge[at[i]]] = 1
        for c in range(cells):
            for h in range(offsets[c], offsets[c + 1]):
                cell[c] |= edges[half_edge[h]] | flags[half_edge[h]]
    return cell_


def cell_bits(
    const uint64_t[:, ::1] above, const uint64_t[:, ::1] below, const uint64_t[:, ::1] doubtful,
    const int64_t[::1] origin, const int64_t[::1] offsets, Py_ssize_t columns,
):
    """Of each cell: columns below somewhere, columns that cut; whether one that cuts is zero or doubtful at a vertex,
    and whether any is doubtful at one."""
    cdef Py_ssize_t cells = offsets.shape[0] - 1, words = above.shape[1], c, h, w, v
    below_, cut_ = _zeros(2, (cells, words), np.uint64)
    touched_, uncertain_ = _zeros(2, cells, np.uint8)
    cdef uint64_t[:, ::1] cells_below = below_, cut = cut_
    cdef uint8_t[::1] touched = touched_, uncertain = uncertain_
    cdef uint64_t up, down, neither, unsure, valid
    with nogil:
        for c in range(cells):
            for w in range(words):
                valid = ~<uint64_t>0 >> (64 - min(columns - 64 * w, 64)) if columns > 64 * w else 0
                up = down = neither = unsure = 0
                for h in range(offsets[c], offsets[c + 1]):
                    v = origin[h]
                    up |= above[v, w]
                    down |= below[v, w]
                    neither |= ~(above[v, w] | below[v, w])
                    unsure |= doubtful[v, w]
                cells_below[c, w] = down
                cut[c, w] = up & down
                touched[c] |= (up & down & ((neither & valid) | unsure)) != 0
                uncertain[c] |= unsure != 0
    return below_, cut_, touched_, uncertain_


# ---- crossings -------------------------------------------------------------------------------------------------------
cdef inline double _bound(
    const double[::1] row, const double[::1] column, const double[::1] floor, Py_ssize_t r, Py_ssize_t c
) noexcept nogil:
    return (row[r] * column[c] + floor[c]) * ROUND_UP


cdef inline void _vanishing(
    double first, double second, double first_bound, double second_bound, double* position, double* slack
) noexcept nogil:
    cdef double t = first / (first - second), spread, gap
    if not 0 <= t <= 1:
        t = 0.0 if t < 0 else (1.0 if t > 1 else 0.5)  # 0.5: not a number, of which nothing is known
    spread = (1 - t + 4 * UNIT) * first_bound + (t + 4 * UNIT) * second_bound
    gap = fabs(first - second) * (1 - 4 * UNIT) - (first_bound + second_bound) * ROUND_UP
    position[0], slack[0] = t, 1.0
    if gap > 0:
        spread = spread / gap * ROUND_UP + 4 * UNIT
        if spread < 1:
            slack[0] = spread


cdef inline bint _within_slack(double low, double high, double low_slack, double high_slack) noexcept nogil:
    return not high - low > (high_slack + low_slack + 2 * UNIT) * ROUND_UP


cdef inline double _reach(double position, double slack) noexcept nogil:
    """How far a place may be from its computed position; infinite where nothing is known of it."""
    return (slack + 2 * UNIT) * ROUND_UP if slack <= 1 and isfinite(position) else INFINITY


cdef void _sort(int64_t* items, int64_t* spare, Py_ssize_t count, const double* key) noexcept nogil:
    """Sorts items by their keys, stably: by insertion when they are few, else by merging."""
    cdef Py_ssize_t half = count // 2, i, j, k
    cdef int64_t item
    if count <= 16:
        for i in range(1, count):
            item, j = items[i], i
            while j > 0 and key[items[j - 1]] > key[item]:
                items[j] = items[j - 1]
                j -= 1
            items[j] = item
        return
    _sort(items, spare, half, key)
    _sort(items + half, spare, count - half, key)
    for i in range(half):
        spare[i] = items[i]
    i, j, k = 0, half, 0
    while i < half:
        if j < count and key[items[j]] < key[spare[i]]:
            items[k] = items[j]
            j += 1
        else:
            items[k] = spare[i]
            i += 1
        k += 1


def crossings(
    const uint64_t[:, ::1] above, const uint64_t[:, ::1] below, const int64_t[:, ::1] edges,
    const double[:, ::1] values, const double[::1] row, const double[::1] column, const double[::1] floor,
):
    """Where columns vanish on edges, sorted along each: column, position, slack, whether a sign at an end is doubtful;
    the number on each edge; and the edges on which a crossing or the order of two is not certain."""
    cdef Py_ssize_t count = edges.shape[0], words = above.shape[1], e, w, a, b, c, n, k, low
    cdef uint64_t bits
    counts_ = np.zeros(count, np.int64)
    cdef int64_t[::1] counts = counts_
    cdef Py_ssize_t total = 0, most = 0
    with nogil:
        for e in range(count):
            a, b = edges[e, 0], edges[e, 1]
            for w in range(words):
                counts[e] += _ones((above[a, w] & below[b, w]) | (below[a, w] & above[b, w]))
            total += counts[e]
            most = max(most, counts[e])
    raw_, column_ = np.empty(total, np.int64), np.empty(total, np.int64)
    raw_position_, raw_slack_, position_, slack_ = _new(4, total, np.float64)
    raw_doubtful_, doubtful_, undecided_ = np.empty(total, np.uint8), np.empty(total, np.uint8), np.zeros(count, np.uint8)
    order_, spare_ = np.empty(total, np.int64), np.empty(most, np.int64)
    cdef int64_t[::1] raw = raw_, found = column_, order = order_, spare = spare_
    cdef double[::1] raw_position = raw_position_, raw_slack = raw_slack_, position = position_, slack = slack_
    cdef uint8_t[::1] raw_doubtful = raw_doubtful_, doubtful = doubtful_, undecided = undecided_
    cdef double one, other, one_bound, other_bound
    if total == 0:
        return column_, position_, slack_, doubtful_, counts_, undecided_
    with nogil:
        n = 0
        for e in range(count):
            if counts[e] == 0:
                continue
            low, a, b = n, edges[e, 0], edges[e, 1]
            for w in range(words):
                bits = (above[a, w] & below[b, w]) | (below[a, w] & above[b, w])
                while bits:
                    c = 64 * w + _lowest(bits)
                    bits &= bits - 1
                    one, other = values[a, c], values[b, c]
                    one_bound, other_bound = _bound(row, column, floor, a, c), _bound(row, column, floor, b, c)
                    raw[n], order[n] = c, n
                    raw_doubtful[n] = not (fabs(one) > one_bound and fabs(other) > other_bound)
                    _vanishing(one, other, one_bound, other_bound, &raw_position[n], &raw_slack[n])
                    n += 1
            _sort(&order[low], &spare[0], n - low, &raw_position[0])
            for k in range(low, n):
                c = order[k]
                found[k], position[k], slack[k], doubtful[k] = raw[c], raw_position[c], raw_slack[c], raw_doubtful[c]
                undecided[e] |= doubtful[k]
                if k > low:
                    undecided[e] |= _within_slack(position[k - 1], position[k], slack[k - 1], slack[k])
    return column_, position_, slack_, doubtful_, counts_, undecided_


cdef extern from *:
    """
    static inline int cpwl_ones(uint64_t bits) { return __builtin_popcountll(bits); }
    static inline int cpwl_lowest(uint64_t bits) { return __builtin_ctzll(bits); }
    """
    int _ones "cpwl_ones"(uint64_t bits) noexcept nogil
    int _lowest "cpwl_lowest"(uint64_t bits) noexcept nogil


# ---- chords ----------------------------------------------------------------------------------------------------------
def visits(const int64_t[::1] half_edge, const uint8_t[::1] forward, const int64_t[::1] per_edge):
    """The half-edge and the crossing of each visit, and the number of visits on each half-edge."""
    cdef Py_ssize_t edges = per_edge.shape[0], halves = half_edge.shape[0], e, h, k, n = 0
    first_, counts_ = np.empty(edges, np.int64), np.empty(halves, np.int64)
    cdef int64_t[::1] first = first_, counts = counts_
    with nogil:
        for e in range(edges):
            first[e] = n
            n += per_edge[e]
        n = 0
        for h in range(halves):
            counts[h] = per_edge[half_edge[h]]
            n += counts[h]
    visited_, crossing_ = np.empty(n, np.int64), np.empty(n, np.int64)
    cdef int64_t[::1] visited = visited_, crossing = crossing_
    with nogil:
        n = 0
        for h in range(halves):
            e = half_edge[h]
            for k in range(counts[h]):
                visited[n] = h
                crossing[n] = first[e] + (k if forward[h] else counts[h] - 1 - k)
                n += 1
    return visited_, crossing_, counts_


def chords(
    const int64_t[::1] offsets, const int64_t[::1] counts, const int64_t[::1] crossing, const int64_t[::1] column,
    const uint8_t[::1] regular, Py_ssize_t columns,
):
    """Of each chord, sorted by start: the visits at which it starts and ends, its cell and its column; and the regular
    cells around which some column is not met exactly twice."""
    cdef Py_ssize_t cells = offsets.shape[0] - 1, total = crossing.shape[0], c, h, v, low, n = 0, k
    start_, end_, cell_, name_ = _new(4, total // 2, np.int64)
    odd_, partner_ = np.zeros(cells, np.uint8), np.full(total, -1, np.int64)
    first_, times_ = np.empty(columns, np.int64), np.zeros(columns, np.int64)
    cdef int64_t[::1] start = start_, end = end_, cell = cell_, name = name_
    cdef int64_t[::1] partner = partner_, first = first_, times = times_
    cdef uint8_t[::1] odd = odd_
    with nogil:
        v = 0
        for c in range(cells):
            low = v
            for h in range(offsets[c], offsets[c + 1]):
                v += counts[h]
            if not regular[c]:
                continue
            for k in range(low, v):
                h = column[crossing[k]]
                if times[h] == 0:
                    first[h] = k
                else:
                    partner[first[h]] = k
                times[h] += 1
            for k in range(low, v):
                odd[c] |= times[column[crossing[k]]] != 2
            for k in range(low, v):
                times[column[crossing[k]]] = 0
                if partner[k] > k and not odd[c]:
                    start[n], end[n], cell[n], name[n] = k, partner[k], c, column[crossing[k]]
                    n += 1
    return start_[:n], end_[:n], cell_[:n], name_[:n], odd_


cdef struct Grid:
    const int64_t* edges
    const double* values
    Py_ssize_t columns
    const double* row
    const double* column
    const double* floor
    const int64_t* edge
    const double* position
    const double* slack


cdef inline void _at(Grid* grid, Py_ssize_t crossing, Py_ssize_t c, double* value, double* bound) noexcept nogil:
    """A column at a crossing, and the bound on the error."""
    cdef Py_ssize_t e = grid.edge[crossing]
    cdef Py_ssize_t a = grid.edges[2 * e], b = grid.edges[2 * e + 1]
    cdef double low = grid.values[a * grid.columns + c], high = grid.values[b * grid.columns + c]
    cdef double low_bound = (grid.row[a] * grid.column[c] + grid.floor[c]) * ROUND_UP
    cdef double high_bound = (grid.row[b] * grid.column[c] + grid.floor[c]) * ROUND_UP
    cdef double t = grid.position[crossing], moved, rounding
    value[0] = low + t * (high - low)
    moved = grid.slack[crossing] * (fabs(high - low) + low_bound + high_bound)
    rounding = 8 * UNIT * (fabs(low) + fabs(high))
    bound[0] = (low_bound + t * (high_bound - low_bound) + moved + rounding) * ROUND_UP


cdef inline void _along(
    Grid* grid, Py_ssize_t begin, Py_ssize_t stop, Py_ssize_t c, double* position, double* slack
) noexcept nogil:
    """Where a column vanishes on the chord between two crossings."""
    cdef double first, second, first_bound, second_bound
    _at(grid, begin, c, &first, &first_bound)
    _at(grid, stop, c, &second, &second_bound)
    _vanishing(first, second, first_bound, second_bound, position, slack)


cdef inline Py_ssize_t _pair(Py_ssize_t entry, Py_ssize_t q) noexcept nogil:
    """The pair of an entry of ``pairs.T.ravel()``, of which there are 2 q: divisions would take longer."""
    return entry if entry < q else entry - q


cdef inline int64_t _own(const int64_t* pairs, Py_ssize_t entry, Py_ssize_t q) noexcept nogil:
    """The chord that the entry names."""
    return pairs[2 * entry] if entry < q else pairs[2 * (entry - q) + 1]


cdef inline int64_t _other(const int64_t* pairs, Py_ssize_t entry, Py_ssize_t q) noexcept nogil:
    """The one that crosses it."""
    return pairs[2 * entry + 1] if entry < q else pairs[2 * (entry - q)]


cpdef meets(
    const int64_t[::1] start, const int64_t[::1] end, const int64_t[::1] name, const int64_t[:, ::1] ends,
    const int64_t[:, ::1] edges, const int64_t[::1] edge, const double[::1] position, const double[::1] slack,
    const double[:, ::1] values, const double[::1] row, const double[::1] column, const double[::1] floor,
):
    """Pairs of chords whose ends, four different ones, interleave, (Q, 2); the parameter of their crossing along each, and its slack, (2, Q).

    Also the entries of ``pairs.T.ravel()`` sorted along each chord, and the chords along which the order of two is not
    certain, as flags.
    """
    cdef Py_ssize_t count = start.shape[0], i, j, q = 0, low, k
    with nogil:
        for i in range(count):
            j = i + 1
            while j < count and start[j] < end[i]:
                q += end[j] > end[i] and start[j] > start[i]
                j += 1
    pairs_, places_, order_ = np.empty((q, 2), np.int64), np.empty((2, 2, q), np.float64), np.empty(2 * q, np.int64)
    tied_ = np.zeros(count, np.uint8)
    if q == 0:
        return pairs_, places_[0], places_[1], order_, tied_
    number_, spare_ = np.zeros(count + 1, np.int64), np.empty(2 * q, np.int64)
    cdef int64_t* pairs = <int64_t*>_start(pairs_)
    cdef double* flat = <double*>_start(places_)
    cdef double* flat_slack = flat + 2 * q
    cdef int64_t* order = <int64_t*>_start(order_)
    cdef int64_t* number = <int64_t*>_start(number_)
    cdef int64_t* spare = <int64_t*>_start(spare_)
    cdef uint8_t* tied = <uint8_t*>_start(tied_)
    cdef Grid grid = Grid(
        &edges[0, 0], &values[0, 0], values.shape[1], &row[0], &column[0], &floor[0], &edge[0], &position[0], &slack[0]
    )
    cdef Py_ssize_t total = q
    with nogil:
        q = 0
        for i in range(count):
            j = i + 1
            while j < count and start[j] < end[i]:
                if end[j] > end[i] and start[j] > start[i]:
                    pairs[2 * q], pairs[2 * q + 1] = i, j
                    _along(&grid, ends[i, 0], ends[i, 1], name[j], &flat[q], &flat_slack[q])
                    _along(&grid, ends[j, 0], ends[j, 1], name[i], &flat[total + q], &flat_slack[total + q])
                    number[i + 1] += 1
                    number[j + 1] += 1
                    q += 1
                j += 1
        for i in range(count):
            number[i + 1] += number[i]
        for k in range(2 * total):
            i = _own(pairs, k, total)
            order[number[i]] = k
            number[i] += 1
        low = 0
        for i in range(count):  # number[i] is by now where chord i + 1 begins
            _sort(&order[low], spare, number[i] - low, flat)
            for k in range(low + 1, number[i]):
                tied[i] |= _within_slack(
                    flat[order[k - 1]], flat[order[k]], flat_slack[order[k - 1]], flat_slack[order[k]]
                )
            low = number[i]
    return pairs_, places_[0], places_[1], order_, tied_


def united(
    const int64_t[:, ::1] edges, const int64_t[::1] edge, const int64_t[::1] column, const double[::1] position,
    const double[::1] slack, const uint8_t[::1] doubtful, const uint8_t[::1] undecided,
    const double[:, ::1] values, const double[::1] row, const double[::1] name, const double[::1] floor, double least,
    double poor,
):
    """Crossings (sorted by edge and position) of which those at one point of an edge are one, the one that is known
    best: edge, column, position and slack of those left, and the number on each edge; for each other the number of that
    one, and its column.

    None if it is not certain for all on the edges that are ``undecided`` whether they are one point, or if one of these
    or a ``doubtful`` one is not known more closely than ``poor``. They are one as a column that vanishes at a crossing and not at
    another is ``least`` or more there."""
    cdef Py_ssize_t total = edge.shape[0], count = undecided.shape[0], low = 0, high, k, begin, best, e, n = 0, m = 0
    names_, work_ = np.empty((4, total), np.int64), np.empty((3, total), np.int64)
    places_, counts_ = np.empty((2, total), np.float64), np.zeros(count, np.int64)
    cdef int64_t* names = <int64_t*>_start(names_)
    cdef int64_t* at = names + 2 * total
    cdef int64_t* further = at + total
    cdef int64_t* kept = <int64_t*>_start(work_)
    cdef int64_t* order = kept + total
    cdef int64_t* spare = order + total
    cdef double* places = <double*>_start(places_)
    cdef int64_t* counts = <int64_t*>_start(counts_)
    cdef double reach, step
    cdef bint certain = True
    with nogil:
        while low < total and certain:
            e, high = edge[low], low + 1
            while high < total and edge[high] == e:
                high += 1
            if not undecided[e]:
                for k in range(low, high):
                    kept[n] = k
                    n += 1
                counts[e] = high - low
                low = high
                continue
            reach = 0.0
            for k in range(low, high):
                certain &= slack[k] < poor or not doubtful[k]
                reach = max(reach, _reach(position[k], slack[k]))
            begin = low
            for k in range(low + 1, high + 1):
                if k < high and not position[k] - position[k - 1] > 2 * reach:
                    certain &= slack[k] < poor and slack[k - 1] < poor
                    step = (position[k] - position[k - 1] + slack[k] + slack[k - 1] + 2 * UNIT) * ROUND_UP
                    step *= _size(values, row, name, floor, edges[e, 0], column[k]) + _size(
                        values, row, name, floor, edges[e, 1], column[k]
                    )
                    if not step * ROUND_UP < least:
                        certain = False
                    continue
                for best in range(begin, k):
                    order[best] = best
                _sort(&order[begin], spare, k - begin, &slack[0])
                kept[n] = order[begin]
                for best in range(begin + 1, k):
                    at[m], further[m] = n, column[order[best]]
                    m += 1
                n += 1
                counts[e] += 1
                begin = k
            low = high
        for k in range(n if certain else 0):
            best = kept[k]
            names[k], names[total + k] = edge[best], column[best]
            places[k], places[total + k] = position[best], slack[best]
    if not certain:
        return None
    return (
        names_[0, :n], names_[1, :n], places_[0, :n], places_[1, :n], counts_, names_[2, :m], names_[3, :m],
    )


cdef inline double _size(
    const double[:, ::1] values, const double[::1] row, const double[::1] column, const double[::1] floor,
    Py_ssize_t r, Py_ssize_t c,
) noexcept nogil:
    """How large an entry is at most."""
    return fabs(values[r, c]) + _bound(row, column, floor, r, c)


cpdef coincident(
    const int64_t[:, ::1] pairs, const int64_t[::1] order, const double[::1] position, const double[::1] slack,
    const int64_t[::1] slots, const int64_t[::1] cluster, const int64_t[::1] name, const uint8_t[::1] central,
    const int64_t[:, ::1] ends, const int64_t[:, ::1] edges, const int64_t[::1] edge, const double[::1] along,
    const double[::1] loose, const double[:, ::1] values, const double[::1] row, const double[::1] column,
    const double[::1] floor, double least,
):
    """For each pair of chords that meet, sorted, a number of their point: that of one of the pairs there. And how many
    crossings were found to be at the point of another.

    The crossings in ``clusters``, at ``slots`` of ``order``, are one point each. None if that is not certain: they are
    as a column that vanishes at a crossing and not at another is ``least`` or more there, or as the three chords go
    through the origin (``central``); or if two of the chords through a point do not meet."""
    cdef Py_ssize_t q = pairs.shape[0], count = slots.shape[0], i, j, k, c, low = 0, high, lowest, highest, middle, n
    cdef Py_ssize_t decided = 0
    point_, through_, first_ = np.arange(q), np.empty(count + 1, np.int64), np.zeros(name.shape[0] + 1, np.int64)
    cdef const int64_t* two = &pairs[0, 0]
    cdef int64_t* point = <int64_t*>_start(point_)
    cdef int64_t* through = <int64_t*>_start(through_)
    cdef int64_t* first = <int64_t*>_start(first_)
    cdef double step, one, other, one_bound, other_bound
    cdef bint certain = True, apart
    cdef int64_t target
    cdef Grid grid = Grid(
        &edges[0, 0], &values[0, 0], values.shape[1], &row[0], &column[0], &floor[0], &edge[0], &along[0], &loose[0]
    )
    with nogil:
        for i in range(1, count):
            if cluster[i] != cluster[i - 1]:
                continue
            j, k = order[slots[i - 1]], order[slots[i]]
            c, low, high = _own(two, k, q), _other(two, j, q), _other(two, k, q)
            if central.shape[0] and central[c] and central[low] and central[high]:
                continue
            _at(&grid, ends[c, 0], name[high], &one, &one_bound)
            _at(&grid, ends[c, 1], name[high], &other, &other_bound)
            step = (position[k] - position[j] + slack[k] + slack[j] + 2 * UNIT) * ROUND_UP
            if not step * (fabs(one) + fabs(other) + one_bound + other_bound) * ROUND_UP < least:
                certain = False
                break
        if certain:
            for i in range(q):
                first[pairs[i, 0] + 1] += 1
            for i in range(name.shape[0]):
                first[i + 1] += first[i]
            low = 0
        while low < count and certain:
            high, apart = low, False
            while high < count and cluster[high] == cluster[low]:
                apart |= point[_pair(order[slots[high]], q)] != point[_pair(order[slots[low]], q)]
                high += 1
            if apart:
                k, decided = order[slots[low + (high - low) // 2]], decided + high - low - 1
                target = point[_pair(k, q)]
                through[0] = _own(two, k, q)
                for i in range(low, high):
                    j = order[slots[i]]
                    through[i - low + 1] = _other(two, j, q)
                n = high - low + 1
                for i in range(n):
                    for j in range(n):
                        if through[i] >= through[j]:
                            continue
                        lowest, highest = first[through[i]], first[through[i] + 1]
                        while lowest < highest:
                            middle = (lowest + highest) // 2
                            if pairs[middle, 1] < through[j]:
                                lowest = middle + 1
                            else:
                                highest = middle
                        if lowest < first[through[i] + 1] and pairs[lowest, 1] == through[j]:
                            point[lowest] = target
                        else:
                            certain = False
            low = high
    return (point_, decided) if certain else None


# ---- the new complex -------------------------------------------------------------------------------------------------
def assemble(
    const int64_t[:, ::1] edges, const int64_t[:, ::1] marks, const int64_t[::1] half_edge, const uint8_t[::1] forward,
    const int64_t[::1] offsets, const int64_t[::1] per_edge, const int64_t[::1] visited, const int64_t[::1] crossing,
    const int64_t[::1] start, const int64_t[::1] end, const int64_t[::1] cell, const int64_t[:, ::1] pairs,
    const int64_t[::1] order, Py_ssize_t vertices, Py_ssize_t generation, Py_ssize_t lines, Py_ssize_t further,
):
    """Edges and marks of the cut complex; edge, direction, successor and old cell of its half-edges.

    Half-edges are numbered: the pieces of old half-edges, then links along their chords, then links against them. There
    is room behind them for so many ``further`` links, and the half-edges along and against these.
    """
    cdef Py_ssize_t old = edges.shape[0], halves = half_edge.shape[0], total = visited.shape[0]
    cdef Py_ssize_t cells = offsets.shape[0] - 1, count = start.shape[0], q = pairs.shape[0]
    cdef Py_ssize_t crossed = 0, e, h, k, n, c, i, m, one, two, begin, last
    for e in range(old):
        crossed += per_edge[e]
    cdef Py_ssize_t parts = total + halves, links = count + 2 * q, ahead = parts, back = parts + links
    cdef Py_ssize_t pieces = old + crossed
    edges_, marks_ = _new(2, (pieces + links + further, 2), np.int64)
    edge_, next_, parent_ = _new(3, parts + 2 * (links + further), np.int64)
    forward_ = np.empty(parts + 2 * (links + further), np.uint8)
    first_, begins_, before_ = np.empty(old, np.int64), np.empty(halves, np.int64), np.empty((q, 2), np.int64)
    cdef int64_t[:, ::1] new_edges = edges_, new_marks = marks_, before = before_
    cdef int64_t[::1] edge = edge_, successor = next_, parent = parent_
    cdef int64_t[::1] first = first_, begins = begins_
    cdef uint8_t[::1] along = forward_
    with nogil:
        n = 0
        for e in range(old):
            first[e] = n
            for k in range(per_edge[e] + 1):
                new_edges[n, 0] = edges[e, 0] if k == 0 else vertices + n - e - 1
                new_edges[n, 1] = edges[e, 1] if k == per_edge[e] else vertices + n - e
                new_marks[n, 0], new_marks[n, 1] = marks[e, 0], marks[e, 1]
                n += 1
        n = 0
        for h in range(halves):
            begins[h] = n
            n += per_edge[half_edge[h]] + 1
        for c in range(cells):
            for h in range(offsets[c], offsets[c + 1]):
                e, n = half_edge[h], begins[h]
                m = per_edge[e]
                for k in range(m + 1):
                    edge[n + k] = first[e] + (k if forward[h] else m - k)
                    along[n + k] = forward[h]
                    successor[n + k] = n + k + 1
                    parent[n + k] = c
                successor[n + m] = begins[h + 1 if h + 1 < offsets[c + 1] else offsets[c]]
        n = k = 0
        for i in range(count):
            begin, one = n, vertices + crossing[start[i]]
            while k < 2 * q and _own(&pairs[0, 0], order[k], q) == i:
                m = _pair(order[k], q)
                before[m, m != order[k]] = n
                two = vertices + crossed + m
                new_edges[pieces + n, 0], new_edges[pieces + n, 1] = one, two
                one = two
                n += 1
                k += 1
            new_edges[pieces + n, 0], new_edges[pieces + n, 1] = one, vertices + crossing[end[i]]
            last = n
            n += 1
            for m in range(begin, n):
                new_marks[pieces + m, 0], new_marks[pieces + m, 1] = generation, lines + i
                edge[ahead + m] = edge[back + m] = pieces + m
                along[ahead + m], along[back + m] = 1, 0
                parent[ahead + m] = parent[back + m] = cell[i]
            one, two = start[i] + visited[start[i]], end[i] + visited[end[i]]  # the pieces that arrive at the ends
            successor[one], successor[two] = ahead + begin, back + last
            successor[ahead + last], successor[back + begin] = two + 1, one + 1
        # Chord 1 starts earlier around the cell: chord 2 passes from its right to its left.
        for k in range(q):
            one, two = before[k, 0], before[k, 1]
            successor[ahead + one] = ahead + two + 1
            successor[ahead + two] = back + one
            successor[back + one + 1] = back + two
            successor[back + two + 1] = ahead + one + 1
    return edges_, marks_, edge_, forward_, next_, parent_


# ---- degenerate cells ------------------------------------------------------------------------------------------------
cdef struct Walk:
    const int64_t* counts  # of visits, by half-edge
    Py_ssize_t half_edge
    Py_ssize_t visit


cdef inline void _go_on(Walk* walk, Py_ssize_t half_edge) noexcept nogil:
    """Goes on to a later half-edge: the first visit there, before which there are so many visits and half-edges."""
    cdef Py_ssize_t h, visits = 0
    for h in range(walk.half_edge, half_edge):
        visits += walk.counts[h]
    walk.visit += visits
    walk.half_edge = half_edge


cdef struct Met:
    int64_t* times
    int64_t* sites  # the first two of each column
    int64_t* vertices
    int64_t* names
    Py_ssize_t count


cdef inline void _meet(Met* met, int64_t column, Py_ssize_t site, int64_t vertex) noexcept nogil:
    """Notes that a column is met at a site, which is a vertex: the first two of these, and how many there are."""
    if met.times[column] == 0:
        met.names[met.count] = column
        met.count += 1
    if met.times[column] < 2:
        met.sites[2 * column + met.times[column]] = site
        met.vertices[2 * column + met.times[column]] = vertex
    met.times[column] += 1


cpdef spans(
    const uint64_t[:, ::1] cut, const uint64_t[:, ::1] above, const uint64_t[:, ::1] below,
    const int64_t[::1] offsets, const int64_t[::1] origin, const int64_t[::1] counts, const int64_t[::1] crossing,
    const int64_t[::1] column, const int64_t[::1] shared_at, const int64_t[::1] shared_column,
    const uint8_t[::1] chosen, Py_ssize_t columns, Py_ssize_t vertices,
):
    """Of the chords of chosen cells, sorted by the sites where they begin and end: these, the cell, the lowest column;
    further columns that vanish on chords, and the numbers of these; both ends of chords as vertices, (2, C); and cells
    that a column that cuts them does not meet in two sites (where there are any, no chords). A site is a half-edge's
    origin, or a crossing on it, which is a vertex numbered from ``vertices``."""
    cdef Py_ssize_t cells = offsets.shape[0] - 1, words = cut.shape[1], c, h, w, k, x, site, low, n = 0, m = 0, size
    cdef Py_ssize_t total = 0, most = 0, i
    cdef uint64_t bits
    cdef bint fails = False
    more_ = np.zeros(column.shape[0] + 1, np.int64)
    cdef int64_t* more = <int64_t*>_start(more_)
    with nogil:
        for i in range(shared_at.shape[0]):
            more[shared_at[i] + 1] += 1
        for i in range(column.shape[0]):
            more[i + 1] += more[i]
        for c in range(cells):
            if chosen[c]:
                size = 0
                for w in range(words):
                    size += _ones(cut[c, w])
                total += size
                most = max(most, size)
    found_, ends_, wrong_ = np.empty((6, total), np.int64), np.empty((2, total), np.int64), np.zeros(cells, np.uint8)
    met_, work_, key_ = np.zeros((6, columns + 1), np.int64), np.empty((5, most), np.int64), np.empty(most, np.float64)
    cdef int64_t* begin = <int64_t*>_start(found_)
    cdef int64_t* end = begin + total
    cdef int64_t* cell = end + total
    cdef int64_t* name = cell + total
    cdef int64_t* at = name + total
    cdef int64_t* also = at + total
    cdef int64_t* ends = <int64_t*>_start(ends_)
    cdef int64_t* start = <int64_t*>_start(work_)
    cdef int64_t* stop = start + most
    cdef int64_t* names = stop + most
    cdef int64_t* order = names + most
    cdef int64_t* times = <int64_t*>_start(met_)
    cdef int64_t* seen = times + columns + 1
    cdef int64_t* two = seen + columns + 1
    cdef int64_t* names_of_two = two + 2 * (columns + 1)
    cdef double* key = <double*>_start(key_)
    cdef uint8_t* wrong = <uint8_t*>_start(wrong_)
    cdef Met met = Met(times, two, names_of_two, seen, 0)
    cdef Walk walk = Walk(&counts[0], 0, 0)
    with nogil:
        for c in range(cells):
            if not chosen[c]:
                continue
            _go_on(&walk, offsets[c])
            low = site = walk.visit + offsets[c]
            for h in range(offsets[c], offsets[c + 1]):
                for w in range(words):
                    bits = ~(above[origin[h], w] | below[origin[h], w]) & cut[c, w]
                    while bits:
                        _meet(&met, 64 * w + _lowest(bits), site, origin[h])
                        bits &= bits - 1
                for k in range(counts[h]):
                    site, x = site + 1, crossing[walk.visit + k]
                    _meet(&met, column[x], site, vertices + x)
                    for i in range(more[x], more[x + 1]):
                        _meet(&met, shared_column[i], site, vertices + x)
                site += 1
                _go_on(&walk, h + 1)
            size = 0
            for w in range(words):
                bits = cut[c, w]
                while bits:
                    k = 64 * w + _lowest(bits)
                    bits &= bits - 1
                    wrong[c] |= times[k] != 2
                    if times[k] == 2:
                        start[size], stop[size], names[size], order[size] = two[2 * k], two[2 * k + 1], k, size
                        key[size] = <double>(start[size] - low) * (site - low) + (stop[size] - low)
                        size += 1
            for k in range(met.count):
                times[seen[k]] = 0
            met.count = 0
            fails |= wrong[c]
            _sort(order, order + most, size, key)
            for i in range(size):
                k = order[i]
                if i > 0 and start[k] == start[order[i - 1]] and stop[k] == stop[order[i - 1]]:
                    at[m], also[m] = n - 1, names[k]
                    m += 1
                else:
                    begin[n], end[n], cell[n], name[n] = start[k], stop[k], c, names[k]
                    ends[n], ends[total + n] = names_of_two[2 * names[k]], names_of_two[2 * names[k] + 1]
                    n += 1
    if fails:
        n = m = 0
    parts = found_[0, :n], found_[1, :n], found_[2, :n], found_[3, :n], found_[4, :m], found_[5, :m]
    return *parts, np.ascontiguousarray(ends_[:, :n]), wrong_


cpdef ends(
    const int64_t[:, ::1] vertex, const int64_t[:, ::1] edges, const int64_t[::1] edge, const double[::1] at,
    const double[::1] loose, Py_ssize_t vertices,
):
    """The segments on which vertices (2, C) lie, (2 C, 2), the positions there and their slacks: of those numbered from
    ``vertices`` on, which are crossings of edges, the edges, of others themselves."""
    cdef Py_ssize_t chords = vertex.shape[1], n
    cdef int64_t v
    segment_, known_ = np.empty((2 * chords, 2), np.int64), np.zeros((2, 2 * chords), np.float64)
    cdef int64_t* segment = <int64_t*>_start(segment_)
    cdef double* known = <double*>_start(known_)
    with nogil:
        for n in range(2 * chords):
            v = vertex[n // chords, n % chords]
            if v < vertices:
                segment[2 * n] = segment[2 * n + 1] = v
            else:
                v -= vertices
                segment[2 * n], segment[2 * n + 1] = edges[edge[v], 0], edges[edge[v], 1]
                known[n], known[2 * chords + n] = at[v], loose[v]
    return segment_, known_[0], known_[1]


cpdef clusters(
    const int64_t[::1] order, const int64_t[::1] segment, const double[::1] position, const double[::1] slack
):
    """Of crossings, which ``order`` sorts by segment and position, the places there of those whose order against others
    on the segment is not certain by the largest slack on it, and the number of such a cluster."""
    cdef Py_ssize_t count = order.shape[0], low = 0, high, begin, k, n = 0, found = 0
    slots_, cluster_ = _new(2, count, np.int64)
    cdef int64_t* slots = <int64_t*>_start(slots_)
    cdef int64_t* cluster = <int64_t*>_start(cluster_)
    cdef double reach
    with nogil:
        while low < count:
            high, reach = low, 0.0
            while high < count and segment[order[high]] == segment[order[low]]:
                reach = max(reach, _reach(position[order[high]], slack[order[high]]))
                high += 1
            begin = low
            for k in range(low + 1, high + 1):
                if k < high and not position[order[k]] - position[order[k - 1]] > 2 * reach:
                    continue
                if k - begin > 1:
                    while begin < k:
                        slots[n], cluster[n] = begin, found
                        begin += 1
                        n += 1
                    found += 1
                begin = k
            low = high
    return slots_[:n], cluster_[:n]


cpdef incidences(
    const int64_t[:, ::1] pairs, const int64_t[::1] order, const int64_t[::1] point, const double[::1] position,
    const double[::1] slack, const int64_t[::1] cell, const int64_t[::1] name, const int64_t[:, ::1] vertex,
    const int64_t[::1] at, const int64_t[::1] also, const int64_t[::1] shared_at, const int64_t[::1] shared_column,
    Py_ssize_t cells, Py_ssize_t crossings, Py_ssize_t start,
):
    """Chord and point of each incidence, chord by chord and along each; for each point the vertices between which it
    lies, on the first chord of the lowest pair that meets there, where on it and how closely that is known, and the
    columns of the second chord and of the first; crossings ``shared_at``, numbered from ``crossings``, and points,
    numbered from ``start``, and further columns that vanish there; the number of pieces, less 1, that each of so many
    cells falls into; and pairs whose point is not one for all chords through it.

    ``order`` sorts the entries of ``pairs.T.ravel()``, and point[i] is a number below Q for each. Of a chord: its cell,
    its column (``name``), the vertices at its ends; on chord at[i] (not decreasing) the column also[i] vanishes too."""
    cdef Py_ssize_t q = pairs.shape[0], chords = name.shape[0], i, j, k, c, n = 0, count = 0, total = 0
    met_, pieces_ = np.empty((2, 2 * q), np.int64), np.zeros(cells, np.int64)
    made_, known_, wrong_ = np.empty((4, q), np.int64), np.empty((2, q), np.float64), np.zeros(q, np.uint8)
    work_ = np.zeros(4 * q + chords + 1, np.int64)
    cdef int64_t* through = <int64_t*>_start(met_)
    cdef int64_t* passed = through + 2 * q
    cdef int64_t* number = <int64_t*>_start(work_)
    cdef int64_t* degree = number + q
    cdef int64_t* several = degree + q
    cdef int64_t* low = several + q
    cdef int64_t* first = low + q
    cdef int64_t* made = <int64_t*>_start(made_)
    cdef int64_t* pieces = <int64_t*>_start(pieces_)
    cdef double* known = <double*>_start(known_)
    cdef uint8_t* wrong = <uint8_t*>_start(wrong_)
    with nogil:
        for i in range(2 * q):
            number[point[i]] = 1
        for i in range(q):
            if number[i]:
                low[count], number[i] = i, count
                count += 1
        for i in range(2 * q):
            c, k = _own(&pairs[0, 0], order[i], q), number[point[order[i]]]
            if n == 0 or through[n - 1] != c or passed[n - 1] != k:
                through[n], passed[n] = c, k
                degree[k] += 1
                n += 1
        for i in range(q):
            several[number[point[i]]] += 1
        for i in range(q):
            k = number[point[i]]
            wrong[i] = 2 * several[k] != degree[k] * (degree[k] - 1)
        for c in range(chords):
            pieces[cell[c]] += 1
        for k in range(count):
            i, c = pairs[low[k], 0], pairs[low[k], 1]
            made[k], made[q + k] = vertex[0, i], vertex[1, i]
            made[2 * q + k], made[3 * q + k] = name[c], name[i]
            known[k], known[q + k] = position[low[k]], slack[low[k]]
            pieces[cell[i]] += degree[k] - 1
        for i in range(at.shape[0]):
            first[at[i] + 1] += 1
        i = 0
        for c in range(chords):
            first[c + 1] += first[c]
            while i < n and through[i] == c:
                j = low[passed[i]]
                total += first[c + 1] - first[c] + (c != pairs[j, 0] and c != pairs[j, 1])
                i += 1
    total += shared_at.shape[0]
    zeros_ = np.empty((2, total), np.int64)
    cdef int64_t* zero = <int64_t*>_start(zeros_)
    cdef int64_t* column = zero + total
    with nogil:
        total = shared_at.shape[0]
        for i in range(total):
            zero[i], column[i] = crossings + shared_at[i], shared_column[i]
        for i in range(n):
            c, j = through[i], low[passed[i]]
            if c != pairs[j, 0] and c != pairs[j, 1]:
                zero[total], column[total] = start + passed[i], name[c]
                total += 1
        for i in range(n):
            for k in range(first[through[i]], first[through[i] + 1]):
                zero[total], column[total] = start + passed[i], also[k]
                total += 1
    return (
        met_[0, :n], met_[1, :n], made_[0, :count], made_[1, :count], made_[2, :count], known_[0, :count],
        known_[1, :count], made_[3, :count], zeros_[0], zeros_[1], pieces_, wrong_,
    )


def web(
    const uint64_t[:, ::1] cut, const uint64_t[:, ::1] above, const uint64_t[:, ::1] below,
    const int64_t[::1] offsets, const int64_t[::1] origin, const int64_t[::1] counts, const int64_t[::1] crossing,
    const int64_t[::1] column, const int64_t[::1] shared_at, const int64_t[::1] shared_column,
    const uint8_t[::1] chosen, const int64_t[::1] edge, const double[::1] at, const double[::1] loose,
    const int64_t[:, ::1] edges, const double[:, ::1] values, const double[::1] row, const double[::1] share,
    const double[::1] floor, Py_ssize_t start, double least, double poor,
):
    """What ``spans`` and ``incidences`` give, each without its flags, and how many crossings were found to be at the
    point of another.

    None if a column does not meet a cell in two sites, a crossing is not known more closely than ``poor`` as a value
    that it is made from is within its bound, the order of crossings or what is one point is not certain, or chords
    through a point do not all cross there."""
    *spans_, wrong_ = spans(
        cut, above, below, offsets, origin, counts, crossing, column, shared_at, shared_column, chosen, values.shape[1],
        values.shape[0],
    )
    if _any(wrong_):
        return None
    cdef const int64_t[::1] begin = spans_[0], end = spans_[1], cell = spans_[2], name = spans_[3]
    cdef const int64_t[:, ::1] vertex = spans_[6]
    segment_, position_, slack_ = ends(vertex, edges, edge, at, loose, values.shape[0])
    cdef Py_ssize_t chords = begin.shape[0], decided = 0
    cdef const int64_t[:, ::1] segment = segment_
    cdef const double[::1] position = position_, slack = slack_
    cdef int64_t[:, ::1] sides = np.empty((chords, 2), np.int64)
    cdef int64_t[::1] number = np.empty(2 * chords, np.int64)
    cdef Py_ssize_t i
    for i in range(chords):
        sides[i, 0], sides[i, 1], number[i], number[chords + i] = i, chords + i, i, chords + i
    pairs_, along_, slacks_, order_, tied_ = meets(
        begin, end, name, sides, segment, number, position, slack, values, row, share, floor
    )
    cdef const int64_t[:, ::1] pairs = pairs_
    cdef const int64_t[::1] order = order_
    cdef const double[::1] flat = along_.ravel(), flat_slack = slacks_.ravel()
    if not _placed(pairs, flat_slack, name, number, segment, position, slack, values, row, share, floor, poor):
        return None
    cdef Py_ssize_t q = pairs.shape[0]
    cdef int64_t[::1] point = np.empty(2 * q, np.int64), same
    for i in range(q):
        point[i] = point[q + i] = i
    if _any(tied_):
        slots_, cluster_ = clusters(order, pairs_.T.ravel(), flat, flat_slack)
        told = coincident(
            pairs, order, flat, flat_slack, slots_, cluster_, name, chosen[:0], sides, segment, number, position, slack,
            values, row, share, floor, least,
        )
        if told is None:
            return None
        same = told[0]
        decided = told[1]
        for i in range(q):
            point[i] = point[q + i] = same[i]
    *found, wrong_ = incidences(
        pairs, order, point, flat, flat_slack, cell, name, vertex, spans_[4], spans_[5], shared_at, shared_column,
        offsets.shape[0] - 1, values.shape[0], start,
    )
    return None if _any(wrong_) else (*spans_, *found, decided)


cdef bint _placed(
    const int64_t[:, ::1] pairs, const double[::1] known, const int64_t[::1] name, const int64_t[::1] number,
    const int64_t[:, ::1] segment, const double[::1] position, const double[::1] slack, const double[:, ::1] values,
    const double[::1] row, const double[::1] column, const double[::1] floor, double poor,
) noexcept nogil:
    """Whether all crossings are known more closely than ``poor``, or come from values that are beyond their bounds."""
    cdef Py_ssize_t q = pairs.shape[0], chords = name.shape[0], i, k, end
    cdef double value, bound
    cdef bint placed = True
    cdef Grid grid = Grid(
        &segment[0, 0], &values[0, 0], values.shape[1], &row[0], &column[0], &floor[0], &number[0], &position[0],
        &slack[0],
    )
    for i in range(2 * q):
        if known[i] < poor:
            continue
        for end in range(2):
            k = _own(&pairs[0, 0], i, q) + end * chords
            _at(&grid, k, name[_other(&pairs[0, 0], i, q)], &value, &bound)
            placed &= fabs(value) > bound
    return placed


def woven(
    int64_t[:, ::1] edges, int64_t[:, ::1] marks, int64_t[::1] edge, uint8_t[::1] forward, int64_t[::1] successor,
    int64_t[::1] parent, const int64_t[::1] offsets, const int64_t[::1] counts, const int64_t[::1] begin,
    const int64_t[::1] end, const int64_t[::1] cell, const int64_t[:, ::1] ends, const int64_t[::1] chord,
    const int64_t[::1] point, Py_ssize_t points, Py_ssize_t generation, Py_ssize_t line, Py_ssize_t vertex,
):
    """Puts the links of chords behind edges and marks, and edge, direction, successor and old cell of half-edges along
    and then against these, where ``assemble`` left room for them, and between the others that are there.

    Chords, sorted by the sites where they begin and end, with the vertices at these, (2, C); incidences with points
    chord by chord.
    """
    cdef Py_ssize_t chords = begin.shape[0], met = chord.shape[0], links = chords + met, old = edges.shape[0] - links
    cdef Py_ssize_t along = edge.shape[0] - 2 * links, against = along + links, c, i, k, n, last, site, start_of_cell = 0
    cdef Py_ssize_t end_of_cell = 0, last_site = 0
    if chords == 0:
        return
    for c in range(chords):
        last_site = max(last_site, end[c])
    work_, out_ = np.empty(chords + 1 + met + 2 * points, np.int64), np.empty(last_site + 1, np.int64)
    cdef int64_t* start = <int64_t*>_start(work_)
    cdef int64_t* before = start + chords + 1
    cdef int64_t* first = before + met
    cdef int64_t* latest = first + points
    cdef int64_t* out = <int64_t*>_start(out_)
    cdef int64_t* following = &successor[0]
    cdef Walk walk = Walk(&counts[0], 0, 0)
    with nogil:
        i = n = 0
        for c in range(chords):
            start[c] = n
            edges[old + n, 0] = ends[0, c]
            while i < met and chord[i] == c:
                edges[old + n, 1] = edges[old + n + 1, 0] = vertex + point[i]
                before[i] = n
                i += 1
                n += 1
            edges[old + n, 1] = ends[1, c]
            n += 1
            for k in range(start[c], n):
                marks[old + k, 0], marks[old + k, 1] = generation, line + c
                edge[along + k] = edge[against + k] = old + k
                forward[along + k], forward[against + k] = 1, 0
                parent[along + k] = parent[against + k] = cell[c]
            out[begin[c]] = out[end[c]] = -1
        start[chords] = n
        # Around a point: first the rays to where its chords begin, in order, then those to where they end.
        for i in range(points):
            latest[i] = -1
        for i in range(met):
            k = latest[point[i]]
            if k < 0:
                first[point[i]] = before[i]
            else:
                following[along + before[i]] = against + k
                following[against + before[i] + 1] = along + k + 1
            latest[point[i]] = before[i]
        for i in range(points):
            following[along + first[i]] = along + latest[i] + 1
            following[against + first[i] + 1] = against + latest[i]
        # Around a site: chords that begin there, by where they end, then those that end there, by where they begin.
        for c in range(chords):
            site = begin[c]
            following[against + start[c]] = site if out[site] < 0 else out[site]
            out[site] = along + start[c]
        for c in range(chords):
            site, last = end[c], start[c + 1] - 1
            following[along + last] = site if out[site] < 0 else out[site]
            out[site] = against + last
        for c in range(chords):
            if c == 0 or cell[c] != cell[c - 1]:
                _go_on(&walk, offsets[cell[c]])
                start_of_cell = walk.visit + walk.half_edge
                _go_on(&walk, offsets[cell[c] + 1])
                end_of_cell = walk.visit + walk.half_edge
            site = begin[c]
            following[site - 1 if site > start_of_cell else end_of_cell - 1] = out[site]
            following[end[c] - 1] = out[end[c]]  # a chord ends after it begins


def points(
    const int64_t[:, ::1] edges, const int64_t[::1] edge, const int64_t[::1] column, const double[::1] at,
    const double[::1] loose, const int64_t[::1] crossing, const int64_t[::1] start, const int64_t[::1] end,
    const int64_t[::1] name, const int64_t[:, ::1] pairs, const double[:, ::1] along, const double[:, ::1] loosely,
    Py_ssize_t vertices, const int64_t[::1] first=None, const int64_t[::1] second=None, const int64_t[::1] made=None,
    const int64_t[::1] also=None, const double[::1] further_at=None, const double[::1] further_loose=None,
):
    """The vertices between which new ones lie, and the column that makes each and another or -1, (4, n); where there,
    and how closely that is known, (2, n): of crossings of edges, of those of chords (crossings number i is a vertex
    ``vertices`` + i), and of further ones as they are given."""
    cdef Py_ssize_t crossings = edge.shape[0], meets = crossings + pairs.shape[0], i, k, n
    cdef Py_ssize_t total = meets + (0 if first is None else first.shape[0])
    names_, places_ = np.empty((4, total), np.int64), np.empty((2, total), np.float64)
    cdef int64_t* begin = <int64_t*>_start(names_)
    cdef int64_t* stop = begin + total
    cdef int64_t* by = stop + total
    cdef int64_t* too = by + total
    cdef double* position = <double*>_start(places_)
    cdef double* slack = position + total
    with nogil:
        for n in range(crossings):
            begin[n], stop[n], by[n], too[n] = edges[edge[n], 0], edges[edge[n], 1], column[n], -1
            position[n], slack[n] = at[n], loose[n]
        for n in range(crossings, meets):
            i, k = pairs[n - crossings, 0], pairs[n - crossings, 1]
            begin[n], stop[n] = vertices + crossing[start[i]], vertices + crossing[end[i]]
            by[n], too[n] = name[k], name[i]
            position[n], slack[n] = along[0, n - crossings], loosely[0, n - crossings]
        for n in range(meets, total):
            i = n - meets
            begin[n], stop[n], by[n], too[n] = first[i], second[i], made[i], also[i]
            position[n], slack[n] = further_at[i], further_loose[i]
    return names_, places_


def miscounted(
    const int64_t[::1] parents, const int64_t[::1] cell, const int64_t[:, ::1] pairs, const int64_t[::1] more
):
    """Flags of cells that are not as often among ``parents`` as 1, ``more``, their chords (``cell``) and the pairs of
    these that cross say."""
    cdef Py_ssize_t cells = more.shape[0], i
    missing_, wrong_ = np.empty(cells, np.int64), np.empty(cells, np.uint8)
    cdef int64_t* missing = <int64_t*>_start(missing_)
    cdef uint8_t* wrong = <uint8_t*>_start(wrong_)
    with nogil:
        for i in range(cells):
            missing[i] = 1 + more[i]
        for i in range(cell.shape[0]):
            missing[cell[i]] += 1
        for i in range(pairs.shape[0]):
            missing[cell[pairs[i, 0]]] += 1
        for i in range(parents.shape[0]):
            missing[parents[i]] -= 1
        for i in range(cells):
            wrong[i] = missing[i] != 0
    return wrong_


def cycles(const int64_t[::1] successor, const int64_t[::1] parent, Py_ssize_t parents):
    """The half-edges cycle by cycle, where each cycle begins, and its parent: by parent, then by smallest half-edge.

    None when ``successor`` is no permutation.
    """
    cdef Py_ssize_t count = successor.shape[0], found = 0, h, k, n, c, m
    root_, size_ = np.empty(count, np.int64), np.empty(count, np.int64)
    seen_, order_, first_ = np.zeros(count, np.uint8), np.empty(count, np.int64), np.zeros(parents + 1, np.int64)
    cdef int64_t[::1] root = root_, size = size_, order = order_, first = first_
    cdef uint8_t[::1] seen = seen_
    cdef bint closed = True
    with nogil:
        for h in range(count):
            if seen[h]:
                continue
            k, n = h, 0
            while not seen[k]:
                seen[k] = 1
                n += 1
                k = successor[k]
            if k != h:
                closed = False
                break
            root[found], size[found] = h, n
            first[parent[h] + 1] += 1
            found += 1
    if not closed:
        return None
    sorted_, offsets_, parents_ = np.empty(found, np.int64), np.zeros(found + 1, np.int64), np.empty(found, np.int64)
    cdef int64_t[::1] by_parent = sorted_, offsets = offsets_, owner = parents_
    with nogil:
        for c in range(parents):
            first[c + 1] += first[c]
        for k in range(found):
            c = parent[root[k]]
            by_parent[first[c]] = k
            first[c] += 1
        n = 0
        for k in range(found):
            c = by_parent[k]
            owner[k], h = parent[root[c]], root[c]
            for m in range(size[c]):
                order[n] = h
                h = successor[h]
                n += 1
            offsets[k + 1] = n
    return order_, offsets_, parents_


def below_bits(
    const uint64_t[:, ::1] above, const uint64_t[:, ::1] below, const uint64_t[:, ::1] cut, const uint64_t[:, ::1] somewhere,
    const int64_t[::1] origin, const int64_t[::1] old, const int64_t[::1] parents, const int64_t[::1] offsets,
    const int64_t[::1] order, Py_ssize_t parts, Py_ssize_t regular, const int64_t[::1] chord, const int64_t[::1] name,
    const int64_t[::1] at, const int64_t[::1] also,
):
    """Packed bits (R, W): those in the piece of the old cell that ends at its first vertex, or anywhere (``somewhere``)
    where a column does not ``cut`` it, turned over for each chord between a cell and the first vertex: that of its
    column, and those of further ones, ``also[i]`` of chord at[i] (not decreasing).

    A cell on the right of a chord has across its first link against that chord a cell with one chord less between.
    From ``parts`` on half-edges run along the first ``regular`` links, against them, along the others, against these.
    """
    cdef Py_ssize_t cells = parents.shape[0], words = cut.shape[1], links = chord.shape[0], c, h, w, n, depth
    cdef Py_ssize_t ahead, count, one, last
    cdef uint64_t bits
    result_, left_ = np.empty((cells, words), np.uint64), np.empty(links, np.int64)
    via_, stack_, done_ = np.full(cells, -1, np.int64), np.empty(cells, np.int64), np.zeros(cells, np.uint8)
    first_ = np.zeros(name.shape[0] + 1 if at.shape[0] else 0, np.int64)
    cdef uint64_t[:, ::1] result = result_
    cdef int64_t[::1] left = left_, via = via_, stack = stack_, first = first_
    cdef uint8_t[::1] done = done_
    with nogil:
        if at.shape[0]:
            for n in range(at.shape[0]):
                first[at[n] + 1] += 1
            for n in range(name.shape[0]):
                first[n + 1] += first[n]
        for c in range(cells):
            for h in range(offsets[c], offsets[c + 1]):
                n = order[h] - parts
                if n < 0 or n >= 2 * links:
                    continue
                ahead, count = 0, regular
                if n >= 2 * regular:
                    n, ahead, count = n - 2 * regular, regular, links - regular
                if n < count:
                    left[ahead + n] = c
                elif via[c] < 0:
                    via[c] = ahead + n - count
        for c in range(cells):
            depth, n = 0, c
            while not done[n] and via[n] >= 0:
                stack[depth] = n
                depth += 1
                n = left[via[n]]
            if not done[n]:
                h = parents[n]
                one, last = origin[old[h]], origin[old[h + 1] - 1]
                for w in range(words):
                    bits = below[one, w] | (~above[one, w] & below[last, w])
                    result[n, w] = (bits & cut[h, w]) | (somewhere[h, w] & ~cut[h, w])
                done[n] = 1
            while depth > 0:
                depth -= 1
                h, n = n, stack[depth]
                for w in range(words):
                    result[n, w] = result[h, w]
                count = chord[via[n]]
                w = name[count]
                result[n, w // 64] ^= <uint64_t>1 << (w % 64)
                if at.shape[0]:
                    for ahead in range(first[count], first[count + 1]):
                        result[n, also[ahead] // 64] ^= <uint64_t>1 << (also[ahead] % 64)
                done[n] = 1
    return result_


# ---- fields ----------------------------------------------------------------------------------------------------------
cdef extern from *:
    """
    /* Puts 0 where values are below it; the sum of squares of what there is then. A branch would be a guess each time. */
    static inline double cpwl_rectify(double *values, ptrdiff_t count) {
        double squares = 0;
        ptrdiff_t k = 0;
    #ifdef __SSE2__
        const __m128d zero = _mm_setzero_pd();
        __m128d sum = zero;
        double parts[2];
        for (; k + 2 <= count; k += 2) {
            const __m128d value = _mm_max_pd(_mm_loadu_pd(values + k), zero);
            _mm_storeu_pd(values + k, value);
            sum = _mm_add_pd(sum, _mm_mul_pd(value, value));
        }
        _mm_storeu_pd(parts, sum);
        squares = parts[0] + parts[1];
    #endif
        for (; k < count; k++) {
            values[k] = values[k] > 0 ? values[k] : 0;
            squares += values[k] * values[k];
        }
        return squares;
    }

    /* Values of a row at some columns, copied; the sum of their squares, in parts that do not wait for one another. */
    static inline double cpwl_picked(
        const double *restrict row, const int64_t *restrict columns, ptrdiff_t count, double *restrict target
    ) {
        double squares[4] = {0, 0, 0, 0};
        ptrdiff_t k = 0, j;
        for (; k + 4 <= count; k += 4)
            for (j = 0; j < 4; j++) {
                const double value = row[columns[k + j]];
                target[k + j] = value;
                squares[j] += value * value;
            }
        for (; k < count; k++) {
            target[k] = row[columns[k]];
            squares[0] += target[k] * target[k];
        }
        return (squares[0] + squares[1]) + (squares[2] + squares[3]);
    }

    /* Values between those of two rows; the sum of the squares of their differences where the mask has bits. */
    static inline double cpwl_between(
        const double *restrict first, const double *restrict second, double t, const double *restrict mask,
        ptrdiff_t count, double *restrict target
    ) {
        double squares = 0;
        ptrdiff_t k = 0;
    #ifdef __SSE2__
        const __m128d position = _mm_set1_pd(t);
        __m128d sum = _mm_setzero_pd(), other = sum;
        double parts[2];
        for (; k + 4 <= count; k += 4) {
            const __m128d from = _mm_loadu_pd(first + k), onward = _mm_loadu_pd(first + k + 2);
            const __m128d step = _mm_sub_pd(_mm_loadu_pd(second + k), from);
            const __m128d stride = _mm_sub_pd(_mm_loadu_pd(second + k + 2), onward);
            _mm_storeu_pd(target + k, _mm_add_pd(from, _mm_mul_pd(position, step)));
            _mm_storeu_pd(target + k + 2, _mm_add_pd(onward, _mm_mul_pd(position, stride)));
            const __m128d counted = _mm_and_pd(step, _mm_loadu_pd(mask + k));
            const __m128d too = _mm_and_pd(stride, _mm_loadu_pd(mask + k + 2));
            sum = _mm_add_pd(sum, _mm_mul_pd(counted, counted));
            other = _mm_add_pd(other, _mm_mul_pd(too, too));
        }
        _mm_storeu_pd(parts, _mm_add_pd(sum, other));
        squares = parts[0] + parts[1];
    #endif
        for (; k < count; k++) {
            const double difference = second[k] - first[k];
            target[k] = first[k] + t * difference;
            squares += mask[k] != 0 ? difference * difference : 0;
        }
        return squares;
    }

    /* The positive parts of a row's values at some columns; the sum of their squares, and of those of the values. */
    static inline double cpwl_positive(
        const double *restrict row, const int64_t *restrict columns, ptrdiff_t count, double *restrict target,
        double *squares
    ) {
        double above = 0, total = 0;
        ptrdiff_t k = 0;
    #ifdef __SSE2__
        const __m128d zero = _mm_setzero_pd();
        __m128d sum = zero, all = zero;
        double parts[2];
        for (; k + 2 <= count; k += 2) {
            const __m128d value = _mm_set_pd(row[columns[k + 1]], row[columns[k]]), positive = _mm_max_pd(value, zero);
            _mm_storeu_pd(target + k, positive);
            sum = _mm_add_pd(sum, _mm_mul_pd(positive, positive));
            all = _mm_add_pd(all, _mm_mul_pd(value, value));
        }
        _mm_storeu_pd(parts, sum);
        above = parts[0] + parts[1];
        _mm_storeu_pd(parts, all);
        total = parts[0] + parts[1];
    #endif
        for (; k < count; k++) {
            const double value = row[columns[k]], positive = value > 0 ? value : 0;
            target[k] = positive;
            above += positive * positive;
            total += value * value;
        }
        *squares = total;
        return above;
    }
    """
    double _rectify "cpwl_rectify"(double* values, Py_ssize_t count) noexcept nogil
    double _positive "cpwl_positive"(
        const double* row, const int64_t* columns, Py_ssize_t count, double* target, double* squares
    ) noexcept nogil
    double _picked "cpwl_picked"(
        const double* row, const int64_t* columns, Py_ssize_t count, double* target
    ) noexcept nogil
    double _between "cpwl_between"(
        const double* first, const double* second, double t, const double* mask, Py_ssize_t count, double* target
    ) noexcept nogil


cdef inline double _norm(double squares, const double* values, Py_ssize_t count) noexcept nogil:
    """A bound on the 2-norm of values, from the sum of their squares: those of small ones may have vanished, and those
    of large ones overflowed."""
    cdef double norm = sqrt(squares) * ROUND_UP, peak = 0.0
    cdef Py_ssize_t k
    if isinf(norm):
        for k in range(count):
            peak = max(peak, fabs(values[k]))
        return sqrt(<double>count) * peak * ROUND_UP
    if not norm < SMALLEST:
        return norm
    for k in range(count):
        if values[k] != 0:
            return SMALLEST
    return 0


def take(
    const double[:, ::1] values, const int64_t[::1] rows, const int64_t[::1] columns,
    double[:, ::1] target, double[::1] norms,
):
    """Copies some columns of some rows, and finds the norms of what was copied."""
    cdef Py_ssize_t i, count = columns.shape[0]
    cdef double squares
    if count == 0:
        norms[:] = 0
        return
    with nogil:
        for i in range(rows.shape[0]):
            squares = _picked(&values[rows[i], 0], &columns[0], count, &target[i, 0])
            norms[i] = _norm(squares, &target[i, 0], count)


def put(
    double[:, ::1] values, const int64_t[::1] rows, const int64_t[::1] columns, const int64_t[::1] function,
    const double[::1] level,
):
    """Puts the levels of columns where their functions are, in some rows; those that are nowhere (-1) are left out."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(rows.shape[0]):
            if function[columns[i]] >= 0:
                values[rows[i], function[columns[i]]] = level[columns[i]]


def rectify(double[:, ::1] values, double[::1] norms):
    """Puts 0 where values are below it, and finds the norms of the rows."""
    cdef Py_ssize_t i, count = values.shape[1]
    if count == 0:
        norms[:] = 0
        return
    with nogil:
        for i in range(values.shape[0]):
            norms[i] = _norm(_rectify(&values[i, 0], count), &values[i, 0], count)


def poor(
    const double[:, ::1] places, const double[::1] error, const int64_t[::1] birth, int64_t latest, double accuracy
):
    """Points in the plane that are made later than that and whose errors are not 0, nor so small beside their distances
    from the origin; and these distances."""
    cdef Py_ssize_t rows = places.shape[0], i, n = 0
    found_, away_ = np.empty(rows, np.int64), np.empty(rows, np.float64)
    cdef int64_t* found = <int64_t*>_start(found_)
    cdef double* away = <double*>_start(away_)
    cdef double length
    with nogil:
        for i in range(rows):
            if not (error[i] > 0 and birth[i] > latest):
                continue
            length = sqrt(places[i, 0] * places[i, 0] + places[i, 1] * places[i, 1])
            if not (length > SMALLEST and length < INFINITY):  # squares may have vanished, or overflowed
                length = hypot(places[i, 0], places[i, 1])
            if not error[i] <= accuracy * length:
                found[n], away[n] = i, length
                n += 1
    return found_[:n], away_[:n]


def largest_steps(
    const double[:, ::1] values, const int64_t[::1] first, const int64_t[::1] second, const double[::1] shares
):
    """The largest difference of two rows, entries taken times their shares, for each pair; rounded up."""
    cdef Py_ssize_t i, k, columns = values.shape[1], count = first.shape[0]
    result_ = np.zeros(count)
    cdef double[::1] result = result_
    cdef const double* one
    cdef const double* other
    cdef double step, most
    if columns == 0:
        return result_
    with nogil:
        for i in range(count):
            one, other, most = &values[first[i], 0], &values[second[i], 0], 0.0
            for k in range(columns):
                step = fabs(other[k] - one[k]) * shares[k]
                if not step <= most:
                    most = step
            result[i] = max(most * ROUND_UP, SMALLEST) if most != 0 else 0.0
    return result_


cdef struct Ends:
    double error
    double norm


cdef inline Ends _bounds_between(double t, double slack, double squares, Ends one, Ends other) noexcept nogil:
    """Bounds on the error and the norm of a row between two, given the squares of the distance in what was computed."""
    cdef Ends found
    cdef double reach = one.norm + other.norm if isinf(squares) else sqrt(squares)
    cdef double bound = (1 - t) * one.error + t * other.error + slack * (reach + one.error + other.error)
    bound = (bound + 8 * UNIT * (one.norm + other.norm)) * ROUND_UP
    found.norm = ((1 - t) * one.norm + t * other.norm) * ROUND_UP
    found.error = max(bound, SMALLEST) if bound > 0 else bound
    return found


def interpolate(
    double[:, ::1] values, double[::1] error, double[::1] norms, Py_ssize_t count,
    const int64_t[::1] first, const int64_t[::1] second, const double[::1] position, const double[::1] slack,
):
    """Fills the rows from ``count`` on: values on segments between earlier rows, and bounds on errors and norms."""
    cdef Py_ssize_t columns = values.shape[1], i, a, b, n
    cdef const double[::1] all_of_them = np.full(columns, -1).view(np.float64)
    cdef double t, total = 0.0
    cdef Ends found
    with nogil:
        for i in range(first.shape[0]):
            a, b, t, n = first[i], second[i], position[i], count + i
            if columns:
                total = _between(&values[a, 0], &values[b, 0], t, &all_of_them[0], columns, &values[n, 0])
            found = _bounds_between(t, slack[i], total, Ends(error[a], norms[a]), Ends(error[b], norms[b]))
            error[n], norms[n] = found.error, found.norm


cdef struct Source:
    const double* values
    const double* mask
    Py_ssize_t columns
    Py_ssize_t rows
    const int64_t* first
    const int64_t* second
    const double* position


cdef inline const double* _row(Source* source, Py_ssize_t row, double* spare) noexcept nogil:
    """An old row, where it is, or a new one between two of these."""
    cdef Py_ssize_t point = row - source.rows, columns = source.columns
    if point < 0:
        return source.values + row * columns
    _between(
        source.values + source.first[point] * columns, source.values + source.second[point] * columns,
        source.position[point], source.mask, columns, spare,
    )
    return spare


def low(const int64_t[::1] vertex, const int64_t[::1] column, const int8_t[::1] sign):
    """Vertices and columns whose sign is not 1, sorted by vertex."""
    cdef Py_ssize_t total = vertex.shape[0], n = 0, i
    found_, work_, key_ = np.empty((2, total), np.int64), np.empty((2, total), np.int64), np.empty(total, np.float64)
    cdef int64_t* rows = <int64_t*>_start(found_)
    cdef int64_t* columns = rows + total
    cdef int64_t* order = <int64_t*>_start(work_)
    cdef double* key = <double*>_start(key_)
    with nogil:
        for i in range(total):
            key[i] = <double>vertex[i]
            if sign[i] != 1:
                order[n] = i
                n += 1
        _sort(order, order + total, n, key)
        for i in range(n):
            rows[i], columns[i] = vertex[order[i]], column[order[i]]
    return found_[0, :n], found_[1, :n]


cdef inline void _clear(double* row, const int64_t[::1] place, int64_t column) noexcept nogil:
    """Puts 0 where a column is, if it is one and it is there."""
    if column >= 0 and place[column] >= 0:
        row[place[column]] = 0


def rectified(
    const double[:, ::1] values, const double[::1] old_error, const int64_t[::1] held, const double[::1] mask,
    const int64_t[::1] first, const int64_t[::1] second, const double[::1] position, const double[::1] slack,
    const int64_t[::1] made, const int64_t[::1] also, const int64_t[::1] zero_row, const int64_t[::1] zero,
    const int64_t[::1] place, Py_ssize_t start, double[:, ::1] target, double[::1] error, double[::1] norms, double[::1] raw, double[::1] spare,
):
    """The rows from ``start`` on of the positive parts of the columns ``held``; bounds on the errors and norms of all.

    There is at least one column; ``mask`` has all bits for those that are held, else none. New rows lie between two
    others, each old or between two old ones. Entries that are known to be zero are put in: by what made a new row (or
    -1), and (zero_row[i], zero[i]), sorted by row, each at its ``place`` among those held (or -1). ``raw`` gets the
    norms without rectification, ``spare`` has room for three rows of all columns. Rows are asked for in order: later
    ones need the bounds of earlier ones.
    """
    cdef Py_ssize_t rows = values.shape[0], columns = values.shape[1], count = held.shape[0], i, n, point, a, b, z = 0
    cdef double squares, above
    cdef double* out
    cdef Ends found
    cdef Source source = Source(&values[0, 0], &mask[0], columns, rows, &first[0], &second[0], &position[0])
    with nogil:
        while z < zero_row.shape[0] and zero_row[z] < start:
            z += 1
        for i in range(target.shape[0]):
            n, out = start + i, &target[i, 0]
            point = n - rows
            if point < 0:
                above = _positive(&values[n, 0], &held[0], count, out, &squares)
                raw[n], error[n] = _norm(squares, &values[n, 0], columns) + SMALLEST, old_error[n]
            else:
                a, b = first[point], second[point]
                squares = _between(
                    _row(&source, a, &spare[0]), _row(&source, b, &spare[columns]), position[point], source.mask,
                    columns, &spare[2 * columns],
                )
                found = _bounds_between(
                    position[point], slack[point], squares, Ends(error[a], raw[a]), Ends(error[b], raw[b])
                )
                error[n], raw[n] = found.error, found.norm
                above = _positive(&spare[2 * columns], &held[0], count, out, &squares)
                _clear(out, place, made[point])
                _clear(out, place, also[point])
            while z < zero_row.shape[0] and zero_row[z] == n:
                _clear(out, place, zero[z])
                z += 1
            norms[n] = _norm(above, out, count)
