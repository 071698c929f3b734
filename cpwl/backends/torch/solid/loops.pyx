# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Loops of a refinement in any dimension on the CPU, compiled: see ``kernels/operations.py`` and ``lattice/cut.py``,
which do the same in array operations.

Faces are numbered with 32 bits here. Sets of columns are rows of 64-bit words, lowest bit first, unused bits 0.
"""

import numpy as np
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc, qsort, realloc
from libc.string cimport memcpy, memset

cdef double UNIT = 2.0 ** -53
cdef double ROUND_UP = 1 + 2.0 ** -20
cdef double SMALLEST = 2.0 ** -500
cdef int64_t MOST = 2 ** 31 - 1
cdef enum:
    WHOLE = -2  # the place of a face that is cut in this round but stays whole


cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif
    static inline int cpwl_lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }

    /* target = first + (second - first) t; the sum of the squares of the steps, the largest |step| share. */
    static inline void cpwl_step(
        const double *first, const double *second, double t, const double *share, int64_t count, double *target,
        double *squares, double *largest
    ) {
        double total = 0, most = 0;
        int64_t k = 0;
    #ifdef __SSE2__
        const __m128d position = _mm_set1_pd(t), sign = _mm_set1_pd(-0.0);
        __m128d one = _mm_setzero_pd(), other = one, top = one, last = one;
        double parts[2];
        for (; k + 4 <= count; k += 4) {
            const __m128d a = _mm_loadu_pd(first + k), b = _mm_loadu_pd(first + k + 2);
            const __m128d p = _mm_sub_pd(_mm_loadu_pd(second + k), a), q = _mm_sub_pd(_mm_loadu_pd(second + k + 2), b);
            _mm_storeu_pd(target + k, _mm_add_pd(a, _mm_mul_pd(p, position)));
            _mm_storeu_pd(target + k + 2, _mm_add_pd(b, _mm_mul_pd(q, position)));
            one = _mm_add_pd(one, _mm_mul_pd(p, p));
            other = _mm_add_pd(other, _mm_mul_pd(q, q));
            top = _mm_max_pd(top, _mm_mul_pd(_mm_andnot_pd(sign, p), _mm_loadu_pd(share + k)));
            last = _mm_max_pd(last, _mm_mul_pd(_mm_andnot_pd(sign, q), _mm_loadu_pd(share + k + 2)));
        }
        _mm_storeu_pd(parts, _mm_add_pd(one, other));
        total = parts[0] + parts[1];
        _mm_storeu_pd(parts, _mm_max_pd(top, last));
        most = parts[0] > parts[1] ? parts[0] : parts[1];
    #endif
        for (; k < count; k++) {
            const double step = second[k] - first[k], size = fabs(step) * share[k];
            target[k] = first[k] + step * t;
            total += step * step;
            most = size > most ? size : most;
        }
        *squares = total;
        *largest = total == total ? most : total;  /* a maximum passes over what is not a number, a sum does not */
    }
    """
    int _lowest "cpwl_lowest_bit"(uint64_t bits) noexcept nogil
    void _step "cpwl_step"(
        const double* first, const double* second, double t, const double* share, int64_t count, double* target,
        double* squares, double* largest
    ) noexcept nogil


# ---- rows ------------------------------------------------------------------------------------------------------------
cdef inline double _lifted(double bound) noexcept nogil:
    """A bound, rounded up; zero or at least ``SMALLEST``."""
    bound = bound * ROUND_UP
    if bound > 0 and bound < SMALLEST:
        return SMALLEST
    return bound


cdef inline void _vanishing(
    double first, double second, double first_bound, double second_bound, double* position, double* slack
) noexcept nogil:
    """As ``refinement.crossings.vanishing``."""
    cdef double t = first / (first - second), spread, gap
    if not 0 <= t <= 1:
        t = 0.0 if t < 0 else (1.0 if t > 1 else 0.5)
    spread = (1 - t + 4 * UNIT) * first_bound + (t + 4 * UNIT) * second_bound
    gap = fabs(first - second) * (1 - 4 * UNIT) - (first_bound + second_bound) * ROUND_UP
    position[0], slack[0] = t, 1.0
    if gap > 0:
        spread = spread / gap * ROUND_UP + 4 * UNIT
        if spread < 1:
            slack[0] = spread


def positions(
    const double[:, ::1] table, const double[:, ::1] bounds, Py_ssize_t function, double level, double scale,
    const int64_t[::1] below, const int64_t[::1] above, const int64_t[::1] start, const int64_t[::1] stop,
):
    """The two vertices between which each new one is, its position, and the bound on the error of that."""
    cdef Py_ssize_t count = below.shape[0], i
    first_, second_ = np.empty(count, np.int64), np.empty(count, np.int64)
    position_, slack_ = np.empty(count), np.empty(count)
    cdef int64_t[::1] first = first_, second = second_
    cdef double[::1] position = position_, slack = slack_
    cdef double one, other, one_bound, other_bound
    with nogil:
        for i in range(count):
            if start[i] >= 0:
                one, other = table[start[i], function] - level, table[stop[i], function] - level
                one_bound = bounds[2, start[i]] * scale * ROUND_UP
                other_bound = bounds[2, stop[i]] * scale * ROUND_UP
                if fabs(one) > one_bound and fabs(other) > other_bound and (one > 0) != (other > 0):
                    if one > 0:
                        first[i], second[i] = stop[i], start[i]
                        _vanishing(other, one, other_bound, one_bound, &position[i], &slack[i])
                    else:
                        first[i], second[i] = start[i], stop[i]
                        _vanishing(one, other, one_bound, other_bound, &position[i], &slack[i])
                    continue
            first[i], second[i] = below[i], above[i]
            one, other = table[below[i], function] - level, table[above[i], function] - level
            one_bound = bounds[2, below[i]] * scale * ROUND_UP
            other_bound = bounds[2, above[i]] * scale * ROUND_UP
            _vanishing(one, other, one_bound, other_bound, &position[i], &slack[i])
    return first_, second_, position_, slack_


def interpolate(
    double[:, ::1] table, double[:, ::1] bounds, const double[::1] shares, Py_ssize_t start,
    const int64_t[::1] first, const int64_t[::1] second, const double[::1] position, const double[::1] slack,
):
    """Fills the rows from ``start`` on, and their bounds: errors and norms, and both in the scaled norm."""
    cdef Py_ssize_t columns = table.shape[1], i, a, b, n, k
    cdef double t, d, squares = 0.0, largest = 0.0, reach, whole
    cdef double between[4]
    with nogil:
        for i in range(first.shape[0]):
            a, b, t, d, n = first[i], second[i], position[i], slack[i], start + i
            if columns:
                _step(&table[a, 0], &table[b, 0], t, &shares[0], columns, &table[n, 0], &squares, &largest)
            for k in range(4):
                between[k] = (1 - t) * bounds[k, a] + t * bounds[k, b]
            whole = bounds[1, a] + bounds[1, b]
            reach = (sqrt(squares) if isfinite(squares) else whole) + bounds[0, a] + bounds[0, b]
            between[0] = between[0] + (d * reach + 8 * UNIT * whole)
            reach = largest * ROUND_UP + bounds[2, a] + bounds[2, b]
            between[2] = between[2] + (d * reach + 8 * UNIT * (bounds[3, a] + bounds[3, b]))
            for k in range(4):
                bounds[k, n] = _lifted(between[k])


def signs(
    const double[:, ::1] table, const double[:, ::1] bounds, const double[::1] scale, const int64_t[::1] function,
    const double[::1] level, Py_ssize_t start, const uint64_t[:, ::1] open_,
):
    """Of the ``open_`` columns those below and above their level at rows from ``start`` on; and which are not certain,
    by row and column."""
    cdef Py_ssize_t count = open_.shape[0], words = open_.shape[1], i, w, c, n = 0, room = 0, f
    below_, above_ = np.zeros((count, words), np.uint64), np.zeros((count, words), np.uint64)
    cdef uint64_t[:, ::1] below = below_, above = above_
    cdef uint64_t bits, bit
    cdef double value, bound
    cdef int64_t* unsure = NULL
    with nogil:
        for i in range(count):
            for w in range(words):
                bits = open_[i, w]
                while bits:
                    bit = bits & (~bits + 1)
                    bits ^= bit
                    c = 64 * w + _lowest(bit)
                    f = function[c]
                    value = table[start + i, f] - level[c]
                    bound = bounds[2, start + i] * scale[f] * ROUND_UP
                    if value < 0:
                        below[i, w] |= bit
                    elif value > 0:
                        above[i, w] |= bit
                    if not (fabs(value) > bound or bound == 0):
                        if n == room:
                            room = 2 * room + 16
                            unsure = <int64_t*>_grown(unsure, 2 * room * sizeof(int64_t))
                        unsure[2 * n], unsure[2 * n + 1] = i, c
                        n += 1
    result = np.empty((n, 2), np.int64)
    cdef int64_t[:, ::1] pairs = result
    for i in range(n):
        pairs[i, 0], pairs[i, 1] = unsure[2 * i], unsure[2 * i + 1]
    free(unsure)
    return below_, above_, result[:, 0].copy(), result[:, 1].copy()


# ---- faces -----------------------------------------------------------------------------------------------------------
cdef void* _grown(void* memory, size_t size) except? NULL nogil:
    """Memory with room for more, which replaces what was there."""
    cdef void* result = realloc(memory, size if size > 0 else 1)
    if result == NULL:
        with gil:
            raise MemoryError("no memory for more faces")
    return result


cdef struct Below:
    # A flat of the dimension below, and the round that made it.
    int32_t flat
    int32_t round


cdef struct Level:
    # The faces of one dimension: their boundaries, the sides of columns on which they reach, and what they lie in.
    int64_t count
    int64_t room
    int64_t used
    int64_t pool_room
    int64_t* start
    int32_t* length
    int32_t* space  # what the pool has for the boundary
    int32_t* pool
    uint64_t* sides  # of each face the columns below, then those above
    int32_t* place  # in this round, among the faces that fall into two parts; WHOLE if it is cut and stays; else -1
    int8_t* old  # the dimension of the old face that holds it
    int32_t* flat  # see Strata
    int64_t flats
    # Those that are cut in this round, a cell that has each, how many of them, in front, fall into two parts, and where
    # those of the first one go.
    int64_t cut
    int64_t cut_room
    int64_t divided
    int32_t* faces
    int32_t* cells
    int64_t upper
    int64_t middle
    # For each flat the newest one of the dimension below that a round made on it, and that round.
    int64_t noted
    Below* newest


cdef void _let_go(Level* here) noexcept nogil:
    cdef void** arrays = [
        here.start, here.length, here.space, here.pool, here.sides, here.place, here.old, here.flat, here.faces,
        here.cells, here.newest,
    ]
    cdef int k
    for k in range(11):
        free(arrays[k])


cdef int _compared(const void* first, const void* second) noexcept nogil:
    cdef int64_t a = (<const int64_t*>first)[0], b = (<const int64_t*>second)[0]
    return (a > b) - (a < b)


cdef int _join(int64_t* roots, int64_t first, int64_t second) noexcept nogil:
    """Makes one of two sets; whether they were two."""
    while roots[first] != first:
        roots[first] = roots[roots[first]]
        first = roots[first]
    while roots[second] != second:
        roots[second] = roots[roots[second]]
        second = roots[second]
    roots[first] = second
    return first != second


cdef struct Notes:
    int64_t count
    int64_t room
    int32_t* cells


cdef class Faces:
    """The faces of a lattice that is being cut, one column after the other: ``gather``, then ``finish``."""

    cdef Level* levels
    cdef Notes* pending
    cdef int dim
    cdef Py_ssize_t columns, words, column
    cdef int32_t rounds
    cdef int64_t* walls
    cdef int64_t* generations
    cdef int64_t wall_count, wall_room
    cdef int32_t* ends
    cdef int64_t lines, line_room
    cdef uint64_t* everywhere
    cdef int32_t* scratch
    cdef int64_t scratch_room
    cdef int64_t old_lines
    cdef bint certain
    cdef int64_t* keys
    cdef int64_t key_room

    def __cinit__(self, offsets, members, wall, generation, below, above, Py_ssize_t columns, bint certain):
        cdef Py_ssize_t k, i, w
        self.certain = certain
        self.dim, self.columns, self.words = len(members), columns, below.shape[1]
        self.levels = <Level*>_grown(NULL, (self.dim + 1) * sizeof(Level))
        memset(self.levels, 0, (self.dim + 1) * sizeof(Level))
        self.pending = <Notes*>_grown(NULL, (columns + 1) * sizeof(Notes))
        memset(self.pending, 0, (columns + 1) * sizeof(Notes))
        self.everywhere = <uint64_t*>_grown(NULL, self.words * sizeof(uint64_t))
        memset(self.everywhere, 255, self.words * sizeof(uint64_t))
        self._vertices(below, above)
        for k in range(1, self.dim + 1):
            self._faces(k, offsets[k - 1], members[k - 1])
        self._walls(wall, generation)
        self._lines(members[0])
        with nogil:
            for i in range(self.levels[self.dim].count):
                self._note(i)

    def __dealloc__(self):
        cdef int k
        cdef void** arrays = [self.walls, self.generations, self.ends, self.everywhere, self.scratch, self.keys]
        for k in range(6):
            free(arrays[k])
        if self.levels != NULL:
            for k in range(self.dim + 1):
                _let_go(&self.levels[k])
            free(self.levels)
        if self.pending != NULL:
            for k in range(<int>self.columns):
                free(self.pending[k].cells)
            free(self.pending)

    # ---- the lattice before ------------------------------------------------------------------------------------------
    cdef int _vertices(self, const uint64_t[:, ::1] below, const uint64_t[:, ::1] above) except -1:
        cdef Py_ssize_t i, w, count = below.shape[0]
        cdef Level* here = &self.levels[0]
        cdef uint64_t* sides
        self._reserve(0, count)
        for i in range(count):
            here.old[i], sides = 0, self._sides(here, i)
            for w in range(self.words):
                sides[w], sides[self.words + w] = below[i, w], above[i, w]
                self.everywhere[w] &= below[i, w] | above[i, w]
        here.count = here.flats = count
        if count == 0:
            memset(self.everywhere, 0, self.words * sizeof(uint64_t))
        return 0

    cdef int _faces(self, Py_ssize_t k, const int64_t[::1] offsets, const int64_t[::1] members) except -1:
        cdef Py_ssize_t i, count = offsets.shape[0] - 1, total = members.shape[0]
        cdef Level* here = &self.levels[k]
        if total > MOST:
            raise MemoryError("more than 2^31 faces in one refinement")
        self._reserve(k, count)
        self._reserve_pool(k, total)
        with nogil:
            for i in range(total):
                here.pool[i] = <int32_t>members[i]
            here.used = total
            for i in range(count):
                here.start[i] = offsets[i]
                here.length[i] = here.space[i] = <int32_t>(offsets[i + 1] - offsets[i])
                here.place[i], here.old[i], here.flat[i] = -1, <int8_t>k, <int32_t>i
                self._unite(k, i)
        here.count = here.flats = count
        return 0

    cdef int _walls(self, const int64_t[::1] wall, const int64_t[::1] generation) except -1:
        cdef Py_ssize_t i
        self.wall_count = self.wall_room = wall.shape[0]
        self.walls = <int64_t*>_grown(NULL, self.wall_room * sizeof(int64_t))
        self.generations = <int64_t*>_grown(NULL, self.wall_room * sizeof(int64_t))
        for i in range(self.wall_count):
            self.walls[i], self.generations[i] = wall[i], generation[i]
        return 0

    cdef int _lines(self, const int64_t[::1] members) except -1:
        cdef Py_ssize_t i
        self.lines = self.line_room = self.old_lines = self.levels[1].count
        self.ends = <int32_t*>_grown(NULL, 2 * self.lines * sizeof(int32_t))
        for i in range(2 * self.lines):
            self.ends[i] = <int32_t>members[i]
        return 0

    # ---- room --------------------------------------------------------------------------------------------------------
    cdef int _reserve(self, Py_ssize_t k, int64_t more) except -1 nogil:
        """Room for so many faces more."""
        cdef Level* here = &self.levels[k]
        cdef int64_t room = here.count + more
        if room <= here.room:
            return 0
        if room > MOST:
            with gil:
                raise MemoryError("more than 2^31 faces in one refinement")
        if here.count:
            room = max(room, here.room + here.room // 2)
        here.sides = <uint64_t*>_grown(here.sides, 2 * room * self.words * sizeof(uint64_t))
        here.old = <int8_t*>_grown(here.old, room * sizeof(int8_t))
        if k:
            here.start = <int64_t*>_grown(here.start, room * sizeof(int64_t))
            here.length = <int32_t*>_grown(here.length, room * sizeof(int32_t))
            here.space = <int32_t*>_grown(here.space, room * sizeof(int32_t))
            here.place = <int32_t*>_grown(here.place, room * sizeof(int32_t))
            here.flat = <int32_t*>_grown(here.flat, room * sizeof(int32_t))
        here.room = room
        return 0

    cdef int _reserve_pool(self, Py_ssize_t k, int64_t more) except -1 nogil:
        cdef Level* here = &self.levels[k]
        cdef int64_t room = here.used + more
        if room > here.pool_room:
            if here.used:
                room = max(room, here.pool_room + here.pool_room // 2)
            here.pool = <int32_t*>_grown(here.pool, room * sizeof(int32_t))
            here.pool_room = room
        return 0

    cdef int _reserve_walls(self, int64_t more) except -1 nogil:
        if self.wall_count + more > self.wall_room:
            self.wall_room = max(self.wall_count + more, self.wall_room + self.wall_room // 2)
            self.walls = <int64_t*>_grown(self.walls, self.wall_room * sizeof(int64_t))
            self.generations = <int64_t*>_grown(self.generations, self.wall_room * sizeof(int64_t))
        return 0

    cdef int _reserve_scratch(self, int64_t size) except -1 nogil:
        if size > self.scratch_room:
            self.scratch_room = 2 * size
            self.scratch = <int32_t*>_grown(self.scratch, self.scratch_room * sizeof(int32_t))
        return 0

    cdef int _reserve_keys(self, int64_t size) except -1 nogil:
        if size > self.key_room:
            self.key_room = 2 * size
            self.keys = <int64_t*>_grown(self.keys, self.key_room * sizeof(int64_t))
        return 0

    # ---- sets of columns ---------------------------------------------------------------------------------------------
    cdef inline uint64_t* _sides(self, Level* here, int64_t face) noexcept nogil:
        """The columns that are below somewhere on a face; from ``words`` on those that are above."""
        return here.sides + 2 * face * self.words

    cdef inline bint _is_below(self, Level* here, int64_t face) noexcept nogil:
        return self._sides(here, face)[self.column >> 6] >> (self.column & 63) & 1

    cdef inline bint _is_above(self, Level* here, int64_t face) noexcept nogil:
        return self._sides(here, face)[self.words + (self.column >> 6)] >> (self.column & 63) & 1

    cdef inline bint _is_cut(self, Level* here, int64_t face) noexcept nogil:
        cdef const uint64_t* sides = self._sides(here, face) + (self.column >> 6)
        return (sides[0] & sides[self.words]) >> (self.column & 63) & 1

    cdef inline void _unite(self, Py_ssize_t k, int64_t face) noexcept nogil:
        """The sets of a face from those of the faces that bound it."""
        cdef Level* here = &self.levels[k]
        cdef Level* under = &self.levels[k - 1]
        cdef const int32_t* members = here.pool + here.start[face]
        cdef Py_ssize_t words = self.words, w, i
        cdef uint64_t below, above
        cdef uint64_t* sides
        for w in range(words):
            below = above = 0
            for i in range(here.length[face]):
                sides = self._sides(under, members[i])
                below |= sides[w]
                above |= sides[words + w]
            sides = self._sides(here, face)
            sides[w], sides[words + w] = below, above

    cdef int _note(self, int64_t cell) except -1 nogil:
        """Notes the columns that cut a cell."""
        cdef Level* here = &self.levels[self.dim]
        cdef Notes* notes
        cdef uint64_t bits
        cdef const uint64_t* sides = self._sides(here, cell)
        cdef Py_ssize_t w
        for w in range(self.words):
            bits = sides[w] & sides[self.words + w]
            while bits:
                notes = &self.pending[64 * w + _lowest(bits)]
                bits &= bits - 1
                if notes.count == notes.room:
                    notes.room = 2 * notes.room + 16
                    notes.cells = <int32_t*>_grown(notes.cells, notes.room * sizeof(int32_t))
                notes.cells[notes.count] = <int32_t>cell
                notes.count += 1
        return 0

    # ---- what a column cuts ------------------------------------------------------------------------------------------
    cdef int _take(self, Py_ssize_t k, int32_t face, int32_t cell) except -1 nogil:
        """Adds a face to those that are cut in this round."""
        cdef Level* here = &self.levels[k]
        if here.cut == here.cut_room:
            here.cut_room = 2 * here.cut_room + 64
            here.faces = <int32_t*>_grown(here.faces, here.cut_room * sizeof(int32_t))
            here.cells = <int32_t*>_grown(here.cells, here.cut_room * sizeof(int32_t))
        here.faces[here.cut], here.cells[here.cut] = face, cell
        here.place[face] = <int32_t>here.cut
        here.cut += 1
        return 0

    cdef int _find(self) except -1 nogil:
        """All faces that the column cuts."""
        cdef Notes* notes = &self.pending[self.column]
        cdef Level* here
        cdef Level* under
        cdef const int32_t* members
        cdef Py_ssize_t k, i, j
        for k in range(1, self.dim + 1):
            self.levels[k].cut = 0
        for i in range(notes.count):
            if self._is_cut(&self.levels[self.dim], notes.cells[i]):
                self._take(self.dim, notes.cells[i], notes.cells[i])
        free(notes.cells)
        notes.cells, notes.count, notes.room = NULL, 0, 0
        for k in range(self.dim, 1, -1):
            here, under = &self.levels[k], &self.levels[k - 1]
            for i in range(here.cut):
                members = here.pool + here.start[here.faces[i]]
                for j in range(here.length[here.faces[i]]):
                    if self._is_cut(under, members[j]) and under.place[members[j]] < 0:
                        self._take(k - 1, members[j], here.cells[i])
        return 0

    def gather(self, Py_ssize_t column):
        """Edges that a column cuts; a cell that has each; their ends, where it is below and above; the ends of their
        lines, or -1; and the later columns that cut them. None if nothing is cut."""
        if self.pending[column].count == 0:
            return None
        self.column = column
        cdef Level* edge = &self.levels[1]
        cdef Level* vertex = &self.levels[0]
        cdef Py_ssize_t i, w, words = self.words, count
        with nogil:
            self._find()
        count = edge.cut  # perhaps none: a column may go through vertices alone
        if self.levels[self.dim].cut == 0:
            return None
        found = [np.empty(count, np.int64) for _ in range(6)]
        open_ = np.empty((count, words), np.uint64)
        cdef int64_t[::1] edges = found[0], cells = found[1], low = found[2], high = found[3]
        cdef int64_t[::1] start = found[4], stop = found[5]
        cdef uint64_t[:, ::1] both = open_
        cdef const uint64_t* sides
        cdef int32_t e, a, b
        with nogil:
            for i in range(count):
                e = edge.faces[i]
                a, b = edge.pool[edge.start[e]], edge.pool[edge.start[e] + 1]
                if self._is_above(vertex, a):
                    a, b = b, a
                edges[i], cells[i], low[i], high[i] = e, edge.cells[i], a, b
                start[i], stop[i] = self.ends[2 * edge.flat[e]], self.ends[2 * edge.flat[e] + 1]
                sides = self._sides(edge, e)
                for w in range(words):
                    both[i, w] = sides[w] & sides[words + w]
                both[i, column >> 6] &= ~(<uint64_t>1 << (column & 63))
        return (*found, open_)

    # ---- cutting -----------------------------------------------------------------------------------------------------
    def finish(self, const uint64_t[:, ::1] below, const uint64_t[:, ::1] above, int64_t wall, int64_t generation):
        """Cuts what was gathered; ``below`` and ``above``: of the later columns that cut an edge those on that side at
        its new vertex. New walls are numbered from ``wall`` on. The regions in which cells were cut; None if a polygon
        is cut at other than two places though all signs are certain."""
        cdef Py_ssize_t k
        cdef bint right = True
        with nogil:
            self.rounds += 1
            self._cut_edges(below, above)
            for k in range(2, self.dim + 1):
                if not self._cut_faces(k):
                    right = False
                    break
        if not right:
            return None
        cdef Level* cell = &self.levels[self.dim]
        regions_ = np.empty(cell.divided, np.int64)
        cdef int64_t[::1] regions = regions_
        with nogil:
            self._reserve_walls((self.levels[self.dim - 1].divided if self.dim > 1 else 0) + cell.divided)
            if self.dim > 1:
                for k in range(self.levels[self.dim - 1].divided):
                    self.walls[self.wall_count + k] = self.walls[self.levels[self.dim - 1].faces[k]]
                    self.generations[self.wall_count + k] = self.generations[self.levels[self.dim - 1].faces[k]]
                self.wall_count += self.levels[self.dim - 1].divided
            for k in range(cell.divided):
                self.walls[self.wall_count + k], self.generations[self.wall_count + k] = wall + k, generation
                regions[k] = cell.flat[cell.faces[k]]
                self._note(cell.upper + k)
            self.wall_count += cell.divided
            for k in range(1, self.dim + 1):
                self._reset(&self.levels[k])
        return regions_

    cdef void _reset(self, Level* here) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(here.cut):
            here.place[here.faces[i]] = -1

    cdef inline void _make(self, Py_ssize_t k, int64_t face, int8_t old, int32_t flat, int64_t length) noexcept nogil:
        """A new face, for which there is room, with a boundary at the end of the pool."""
        cdef Level* here = &self.levels[k]
        here.start[face], here.place[face], here.old[face], here.flat[face] = here.used, -1, old, flat
        here.length[face] = here.space[face] = <int32_t>length
        here.used += length

    cdef int _cut_edges(self, const uint64_t[:, ::1] below, const uint64_t[:, ::1] above) except -1 nogil:
        cdef Level* edge = &self.levels[1]
        cdef Level* vertex = &self.levels[0]
        cdef Py_ssize_t i, w, words = self.words, count = edge.cut, last = self.column >> 6
        cdef int64_t v, u
        cdef int32_t e, a, b
        cdef const uint64_t* around
        cdef uint64_t* here
        cdef uint64_t both, decided, passed = (<uint64_t>2 << (self.column & 63)) - 1
        self._reserve(0, count)
        self._reserve(1, count)
        self._reserve_pool(1, 2 * count)
        edge.upper, edge.middle, edge.divided = edge.count, vertex.count, count
        for i in range(count):
            e, v, u = edge.faces[i], vertex.count + i, edge.count + i
            around, here = self._sides(edge, e), self._sides(vertex, v)
            for w in range(words):
                both = around[w] & around[words + w]
                here[w] = (around[w] & ~both) | below[i, w]
                here[words + w] = (around[words + w] & ~both) | above[i, w]
                decided = here[w] | here[words + w]
                if w < last:
                    decided = ~<uint64_t>0
                elif w == last:
                    decided |= passed
                self.everywhere[w] &= decided
            vertex.old[v] = edge.old[e]
            a, b = edge.pool[edge.start[e]], edge.pool[edge.start[e] + 1]
            if self._is_above(vertex, a):
                a, b = b, a
            edge.pool[edge.start[e]], edge.pool[edge.start[e] + 1] = <int32_t>v, a
            self._make(1, u, edge.old[e], edge.flat[e], 2)
            edge.pool[edge.start[u]], edge.pool[edge.start[u] + 1] = <int32_t>v, b
            self._unite(1, e)
            self._unite(1, u)
        vertex.count += count
        edge.count += count
        return 0

    cdef int _touching(self, Py_ssize_t k, const int32_t* members, int64_t length, int32_t* target) except -1 nogil:
        """Adds the (k-2)-faces at the level of members that are not cut; the number of all, sorted, each once."""
        cdef Level* under = &self.levels[k - 1]
        cdef Level* lowest = &self.levels[k - 2]
        cdef const int32_t* inner
        cdef Py_ssize_t i, j, n = 0, m
        cdef int32_t face
        for i in range(length):
            if under.place[members[i]] >= 0:
                target[n] = <int32_t>(under.middle + under.place[members[i]])
                n += 1
                continue
            inner = under.pool + under.start[members[i]]
            for j in range(under.length[members[i]]):
                if not (self._is_below(lowest, inner[j]) or self._is_above(lowest, inner[j])):
                    target[n] = inner[j]
                    n += 1
        for i in range(1, n):
            face, j = target[i], i
            while j > 0 and target[j - 1] > face:
                target[j] = target[j - 1]
                j -= 1
            target[j] = face
        m = min(n, 1)
        for i in range(1, n):
            if target[i] != target[m - 1]:
                target[m] = target[i]
                m += 1
        return <int>m

    cdef int _flat_below(self, Py_ssize_t k, int32_t flat) except -1 nogil:
        """The flat of the dimension below that this round makes on a flat of dimension k."""
        cdef Level* here = &self.levels[k]
        cdef int64_t i, room
        if flat >= here.noted:
            room = max(here.flats, here.noted + here.noted // 2)
            here.newest = <Below*>_grown(here.newest, room * sizeof(Below))
            for i in range(here.noted, room):
                here.newest[i].round = 0
            here.noted = room
        if here.newest[flat].round != self.rounds:
            here.newest[flat].round, here.newest[flat].flat = self.rounds, <int32_t>self.levels[k - 1].flats
            self.levels[k - 1].flats += 1
            if k == 2:
                self._line()
        return here.newest[flat].flat

    cdef int _line(self) except -1 nogil:
        """A new line, whose ends are not known."""
        if self.lines == self.line_room:
            self.line_room = 2 * self.line_room + 64
            self.ends = <int32_t*>_grown(self.ends, 2 * self.line_room * sizeof(int32_t))
        self.ends[2 * self.lines] = self.ends[2 * self.lines + 1] = -1
        self.lines += 1
        return 0

    cdef void _end(self, int32_t line, int32_t vertex) noexcept nogil:
        """Notes an end of a line. A third one says that decisions contradict each other: no end is known then."""
        cdef int32_t* ends = self.ends + 2 * line
        if ends[0] == -1 and ends[1] == -1:
            ends[0] = -2 - vertex  # the first one, and no known line as yet
        elif ends[0] < -1:
            ends[0], ends[1] = -2 - ends[0], vertex
        else:
            ends[0], ends[1] = -1, -2

    cdef int _cut_faces(self, Py_ssize_t k) except -1 nogil:
        """Cuts k-faces whose boundaries are cut already; 0 if signs that are certain contradict each other."""
        cdef Level* here = &self.levels[k]
        cdef Level* under = &self.levels[k - 1]
        cdef const int32_t* members
        cdef int32_t* low
        cdef int32_t* high
        cdef int32_t* mid
        cdef Py_ssize_t i, j, count = here.cut
        cdef int64_t length, a, b, m, most
        cdef int32_t f, g, place
        cdef bint fit, touching = not (self.everywhere[self.column >> 6] >> (self.column & 63) & 1)
        self._reserve(k, count)
        self._reserve(k - 1, count)
        here.upper, here.middle, here.divided = here.count, under.count, 0
        for i in range(count):
            f = here.faces[i]
            length, members = here.length[f], here.pool + here.start[f]
            most = length
            if touching:
                for j in range(length):
                    most += under.length[members[j]]
            self._reserve_scratch(2 * (length + 1) + most)
            low, high, mid = self.scratch, self.scratch + length + 1, self.scratch + 2 * (length + 1)
            a = b = m = 0
            fit = True
            for j in range(length):
                g = members[j]
                place = under.place[g]
                if place >= 0:
                    low[a], high[b], mid[m] = g, <int32_t>(under.upper + place), <int32_t>(under.middle + place)
                    a, b, m = a + 1, b + 1, m + 1
                elif self._is_below(under, g):
                    low[a] = g
                    a += 1
                    fit = fit and place != WHOLE
                elif self._is_above(under, g):
                    high[b] = g
                    b += 1
                else:
                    fit = False
            if touching:
                m = self._touching(k, members, length, mid)
            if self.certain:
                if k == 2 and m != 2:
                    return 0
            elif not (fit and a >= k and b >= k and m >= k and self._is_sphere(k - 2, mid, m)):
                self._leave_whole(k, f)
                continue
            self._divide(k, i, a, b, m, low, high, mid)
        return 1

    cdef int _divide(
        self, Py_ssize_t k, Py_ssize_t i, int64_t a, int64_t b, int64_t m, int32_t* low, int32_t* high, int32_t* mid
    ) except -1 nogil:
        """Makes two parts of the i-th k-face that is cut, bounded by ``low`` and ``high``, and the face between them,
        bounded by ``mid``: each list has room for one more."""
        cdef Level* here = &self.levels[k]
        cdef Level* under = &self.levels[k - 1]
        cdef Level* lowest = &self.levels[k - 2]
        cdef int32_t f = here.faces[i], flat = here.flat[f]
        cdef int8_t old = here.old[f]
        cdef Py_ssize_t j
        cdef int64_t between = under.count, upper = here.count
        here.faces[i], here.faces[here.divided] = here.faces[here.divided], f
        here.place[f] = <int32_t>here.divided
        here.divided += 1
        low[a] = high[b] = <int32_t>between
        a, b = a + 1, b + 1
        # The face between the parts, then the part above, then the one below in the place of the whole.
        self._reserve_pool(k - 1, m)
        self._make(k - 1, between, old, self._flat_below(k, flat), m)
        memcpy(under.pool + under.start[between], mid, m * sizeof(int32_t))
        self._unite(k - 1, between)
        if k == 2:
            for j in range(2):
                if lowest.old[mid[j]] < old:
                    self._end(under.flat[between], mid[j])
        self._reserve_pool(k, a + b)
        self._make(k, upper, old, flat, b)
        memcpy(here.pool + here.start[upper], high, b * sizeof(int32_t))
        self._rewrite(k, f, low, a)
        self._unite(k, f)
        self._unite(k, upper)
        here.count += 1
        under.count += 1
        return 0

    cdef inline void _rewrite(self, Py_ssize_t k, int32_t face, const int32_t* members, int64_t length) noexcept nogil:
        """Gives a face another boundary, for which the pool has room."""
        cdef Level* here = &self.levels[k]
        if length > here.space[face]:
            here.start[face], here.space[face] = here.used, <int32_t>length
            here.used += length
        here.length[face] = <int32_t>length
        memcpy(here.pool + here.start[face], members, length * sizeof(int32_t))

    cdef int _leave_whole(self, Py_ssize_t k, int32_t face) except -1 nogil:
        """Gives a k-face that stays whole the parts of what bounds it."""
        cdef Level* here = &self.levels[k]
        cdef Level* under = &self.levels[k - 1]
        cdef Py_ssize_t j
        cdef int64_t n = 0, length = here.length[face]
        cdef int32_t g
        for j in range(length):  # there is room for twice as many: see the lists of parts
            g = here.pool[here.start[face] + j]
            self.scratch[n] = g
            n += 1
            if under.place[g] >= 0:
                self.scratch[n] = <int32_t>(under.upper + under.place[g])
                n += 1
        self._reserve_pool(k, n)
        self._rewrite(k, face, self.scratch, n)
        self._unite(k, face)
        here.place[face] = WHOLE
        return 0

    cdef bint _is_sphere(self, Py_ssize_t k, const int32_t* faces, int64_t count) except -1 nogil:
        """As ``lattice/spheres.py``."""
        cdef Level* here = &self.levels[k]
        cdef int64_t total = 0, n = 0, joined = 0, euler
        cdef int64_t* roots
        cdef Py_ssize_t i, j, level
        if k == 0:
            return count == 2
        for i in range(count):
            total += here.length[faces[i]]
        if total & 1:
            return False
        self._reserve_keys(total + count)
        roots = self.keys + total
        for i in range(count):
            roots[i] = i
            for j in range(here.length[faces[i]]):
                self.keys[n] = <int64_t>here.pool[here.start[faces[i]] + j] << 32 | i
                n += 1
        qsort(self.keys, total, sizeof(int64_t), _compared)
        for i in range(0, total, 2):  # each is in two, which hang together
            if self.keys[i] >> 32 != self.keys[i + 1] >> 32:
                return False
            if i and self.keys[i] >> 32 == self.keys[i - 1] >> 32:
                return False
            joined += _join(roots, self.keys[i] & MOST, self.keys[i + 1] & MOST)
        if joined != count - 1:
            return False
        n = total // 2
        for i in range(n):
            self.keys[i] = self.keys[2 * i] >> 32
        euler = count - n if k & 1 == 0 else n - count
        for level in range(k - 1, 0, -1):
            n = self._beneath(level, n)
            euler += n if level & 1 else -n
        return euler == (2 if k & 1 == 0 else 0)

    cdef int64_t _beneath(self, Py_ssize_t k, int64_t count) except -1 nogil:
        """Puts those that bound the k-faces in ``keys`` in their place, each once; how many they are."""
        cdef Level* here = &self.levels[k]
        cdef int64_t n = 0, total = 0
        cdef Py_ssize_t i, j
        for i in range(count):
            total += here.length[self.keys[i]]
        self._reserve_keys(count + total)
        for i in range(count):
            for j in range(here.length[self.keys[i]]):
                self.keys[count + n] = here.pool[here.start[self.keys[i]] + j]
                n += 1
        qsort(self.keys + count, total, sizeof(int64_t), _compared)
        n = 0
        for i in range(total):
            if i == 0 or self.keys[count + i] != self.keys[n - 1]:
                self.keys[n] = self.keys[count + i]
                n += 1
        return n

    # ---- what the lattice is now -------------------------------------------------------------------------------------
    def members(self, Py_ssize_t k, const int64_t[::1] faces):
        """The place of each of some k-faces, and the (k-1)-faces that bound it, one after the other."""
        cdef Level* here = &self.levels[k]
        cdef Py_ssize_t i, j, n = 0, total = 0
        for i in range(faces.shape[0]):
            total += here.length[faces[i]]
        place_, members_ = np.empty(total, np.int64), np.empty(total, np.int64)
        cdef int64_t[::1] place = place_, members = members_
        for i in range(faces.shape[0]):
            for j in range(here.length[faces[i]]):
                place[n], members[n] = i, here.pool[here.start[faces[i]] + j]
                n += 1
        return place_, members_

    def parents_of(self, const int64_t[::1] cells):
        """The regions of the lattice before that cells lie in."""
        cdef Py_ssize_t i
        result_ = np.empty(cells.shape[0], np.int64)
        cdef int64_t[::1] result = result_
        for i in range(cells.shape[0]):
            result[i] = self.levels[self.dim].flat[cells[i]]
        return result_

    def walls_of(self, const int64_t[::1] facets):
        """The numbers of the walls of facets."""
        cdef Py_ssize_t i
        result_ = np.empty(facets.shape[0], np.int64)
        cdef int64_t[::1] result = result_
        for i in range(facets.shape[0]):
            result[i] = self.walls[facets[i]]
        return result_

    # ---- the end -----------------------------------------------------------------------------------------------------
    def result(self):
        """With regions sorted by their parents, else as they were made: parents; columns below; whether some column is
        on both sides; the number of vertices; for each dimension the boundaries as members and offsets; walls and generations of facets."""
        cdef Level* cell = &self.levels[self.dim]
        cdef Py_ssize_t i, w, n = cell.count
        counts = np.zeros(cell.flats + 1, np.int64)
        order_, parents_ = np.empty(n, np.int64), np.empty(n, np.int64)
        below_, whole_ = np.empty((n, self.words), np.uint64), np.zeros(n, np.bool_)
        walls_, generations_ = np.empty(self.wall_count, np.int64), np.empty(self.wall_count, np.int64)
        cdef int64_t[::1] first = counts, order = order_, parents = parents_
        cdef int64_t[::1] walls = walls_, generations = generations_
        cdef uint64_t[:, ::1] below = below_
        cdef uint8_t[::1] whole = whole_.view(np.uint8)
        cdef uint64_t both
        cdef const uint64_t* sides
        with nogil:
            for i in range(n):
                first[cell.flat[i] + 1] += 1
            for i in range(cell.flats):
                first[i + 1] += first[i]
            for i in range(n):
                order[first[cell.flat[i]]] = i
                first[cell.flat[i]] += 1
            for i in range(n):
                parents[i], sides = cell.flat[order[i]], self._sides(cell, order[i])
                for w in range(self.words):
                    both = sides[w] & sides[self.words + w]
                    below[i, w] = sides[w] & ~both
                    whole[i] |= both != 0
            for i in range(self.wall_count):
                walls[i], generations[i] = self.walls[i], self.generations[i]
        boundary = [self._boundary(k, order_ if k == self.dim else None) for k in range(1, self.dim + 1)]
        return parents_, below_, whole_, self.levels[0].count, boundary, walls_, generations_

    def _boundary(self, Py_ssize_t k, order):
        cdef Level* here = &self.levels[k]
        cdef Py_ssize_t i, j, n = 0, count = here.count
        cdef int64_t f
        cdef bint ordered = order is not None
        cdef int64_t[::1] chosen = order if ordered else np.zeros(0, np.int64)
        offsets_ = np.zeros(count + 1, np.int64)
        cdef int64_t[::1] offsets = offsets_
        with nogil:
            for i in range(count):
                offsets[i + 1] = offsets[i] + here.length[chosen[i] if ordered else i]
        members_ = np.empty(offsets[count], np.int64)
        cdef int64_t[::1] members = members_
        with nogil:
            for i in range(count):
                f = chosen[i] if ordered else i
                for j in range(here.length[f]):
                    members[n] = here.pool[here.start[f] + j]
                    n += 1
        return members_, offsets_


# ---- corners ---------------------------------------------------------------------------------------------------------
cdef struct Walk:
    # What is below some faces: of face i the members from start[i] to start[i + 1], and the last face that met it.
    const int64_t* start
    const int64_t* members
    int64_t* met


def corners(offsets, members, int64_t vertices, const int64_t[::1] faces):
    """The vertices of faces of the dimension of the last lists, increasing, one after the other, with their offsets."""
    cdef int k, dim = len(members)
    cdef Py_ssize_t i, j, first, count = 0, room = 4 * faces.shape[0] + 64
    cdef int64_t vertex
    cdef const int64_t[::1] start, values
    cdef Walk* walks = <Walk*>_zeros((dim + 1) * sizeof(Walk))
    cdef int64_t* found = <int64_t*>_grown(NULL, room * sizeof(int64_t))
    offsets_ = np.zeros(faces.shape[0] + 1, np.int64)
    cdef int64_t[::1] ends = offsets_
    try:
        for k in range(1, dim + 1):
            start, values = offsets[k - 1], members[k - 1]
            walks[k].start = &start[0]
            walks[k].members = &values[0] if values.shape[0] else NULL
            walks[k - 1].met = <int64_t*>_zeros((vertices if k == 1 else len(offsets[k - 2]) - 1) * sizeof(int64_t))
        with nogil:
            for i in range(faces.shape[0]):
                first = count
                _corners_of(walks, dim, faces[i], i + 1, &found, &count, &room)
                for j in range(first + 1, count):
                    vertex, k = found[j], 0
                    while j - k > first and found[j - k - 1] > vertex:
                        found[j - k] = found[j - k - 1]
                        k += 1
                    found[j - k] = vertex
                ends[i + 1] = count
        result_ = np.empty(count, np.int64)
        if count:
            memcpy(<int64_t*>(<size_t>result_.ctypes.data), found, count * sizeof(int64_t))
        return result_, offsets_
    finally:
        for k in range(dim):
            free(walks[k].met)
        free(walks)
        free(found)


cdef int _corners_of(
    Walk* walks, int k, int64_t face, int64_t owner, int64_t** found, Py_ssize_t* count, Py_ssize_t* room
) except -1 nogil:
    """Notes the vertices of a face that its owner has not met."""
    cdef int64_t j, member
    for j in range(walks[k].start[face], walks[k].start[face + 1]):
        member = walks[k].members[j]
        if walks[k - 1].met[member] == owner:
            continue
        walks[k - 1].met[member] = owner
        if k > 1:
            _corners_of(walks, k - 1, member, owner, found, count, room)
            continue
        if count[0] == room[0]:
            room[0] = 2 * room[0]
            found[0] = <int64_t*>_grown(found[0], room[0] * sizeof(int64_t))
        found[0][count[0]] = member
        count[0] += 1
    return 0


# ---- lists of blocks -------------------------------------------------------------------------------------------------
ctypedef fused Number:
    int32_t
    int64_t


def lay_first(
    const Number[::1] members, const int64_t[::1] offsets, const int64_t[::1] number, const uint8_t[::1] fresh,
    int64_t[::1] values, int64_t[::1] ends, Py_ssize_t count, Py_ssize_t size,
):
    """As ``ArrayLaying.lay_first``; ``count`` lists, of ``size`` members, are done."""
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(fresh.shape[0]):
            if fresh[i]:
                for j in range(offsets[i], offsets[i + 1]):
                    values[size] = number[members[j]]
                    size += 1
                ends[count] = size
                count += 1
    return count, size


def lay(
    const Number[::1] members, const int64_t[::1] offsets, const int64_t[::1] number, const int64_t[::1] starts,
    int64_t[::1] values,
):
    """As ``ArrayLaying.lay``."""
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(starts.shape[0]):
            for j in range(offsets[i], offsets[i + 1]):
                values[starts[i] + j - offsets[i]] = number[members[j]]


# ---- what holds vertices ---------------------------------------------------------------------------------------------
cdef struct Lists:
    # Lists of members: of face i those from start[i] to start[i + 1]; whether each has a vertex that is wanted; and the
    # number of the last walk that came by.
    const int64_t* start
    const int64_t* members
    int64_t count
    int8_t* leads
    int64_t* walked


cdef class Above:
    """The faces above some vertices: for each of them a region that has it, and the walls of its facets through it.

    Of the regions that have a vertex the one that has most of the others is taken, so that they are few.
    """

    cdef Lists* lists
    cdef int dim
    cdef int64_t walk
    cdef list kept
    cdef int64_t* place  # of each vertex that is wanted among these
    cdef int64_t* region  # and its region
    cdef int64_t* most  # and how many of these that has
    cdef int8_t* taken  # whether each region is that of some vertex
    cdef int64_t* found  # the vertices that are wanted of the region that is looked at
    cdef int64_t found_count, found_room
    cdef int64_t* pairs  # places of vertices and walls, one after the other
    cdef int64_t count, room

    def __cinit__(self, offsets, members, int64_t vertices):
        cdef int k
        cdef const int64_t[::1] start, values
        self.dim, self.kept = len(members), [offsets, members]
        self.lists = <Lists*>_grown(NULL, (self.dim + 1) * sizeof(Lists))
        memset(self.lists, 0, (self.dim + 1) * sizeof(Lists))
        self.lists[0].count = vertices
        for k in range(1, self.dim + 1):
            start, values = offsets[k - 1], members[k - 1]
            self.lists[k].count = start.shape[0] - 1
            self.lists[k].start = &start[0]
            self.lists[k].members = &values[0] if values.shape[0] else NULL
        for k in range(self.dim + 1):
            self.lists[k].leads = <int8_t*>_zeros(self.lists[k].count * sizeof(int8_t))
            self.lists[k].walked = <int64_t*>_zeros(self.lists[k].count * sizeof(int64_t))
        self.most = <int64_t*>_zeros(vertices * sizeof(int64_t))
        self.taken = <int8_t*>_zeros(self.lists[self.dim].count * sizeof(int8_t))
        self.place = <int64_t*>_grown(NULL, vertices * sizeof(int64_t))
        self.region = <int64_t*>_grown(NULL, vertices * sizeof(int64_t))

    def __dealloc__(self):
        cdef int k
        if self.lists != NULL:
            for k in range(self.dim + 1):
                free(self.lists[k].leads)
                free(self.lists[k].walked)
            free(self.lists)
        cdef void** arrays = [self.place, self.region, self.most, self.taken, self.found, self.pairs]
        for k in range(6):
            free(arrays[k])

    def walls(self, const int64_t[::1] vertices, const int64_t[::1] wall):
        """Of distinct vertices the regions; and the walls, each once and increasing, one after the other, with their
        offsets."""
        cdef Py_ssize_t i, j, count = vertices.shape[0]
        cdef int k
        cdef int64_t r
        cdef const Lists* cell = &self.lists[self.dim]
        regions_ = np.empty(count, np.int64)
        cdef int64_t[::1] regions = regions_
        with nogil:
            for i in range(count):
                self.lists[0].leads[vertices[i]], self.place[vertices[i]] = 1, i
            for k in range(1, self.dim + 1):
                self._climb(&self.lists[k], &self.lists[k - 1])
            for r in range(cell.count):
                if cell.leads[r]:
                    self._offer(r)
            for i in range(count):
                regions[i] = self.region[vertices[i]]
                self.taken[regions[i]] = 1
            for r in range(cell.count):
                if self.taken[r]:
                    for j in range(cell.start[r], cell.start[r + 1]):
                        self.walk += 1
                        self._note(self.dim - 1, cell.members[j], r, wall[cell.members[j]])
        return regions_, *self._lists_of(count)

    cdef void _climb(self, Lists* here, Lists* under) noexcept nogil:
        """Which faces have vertices that are wanted."""
        cdef Py_ssize_t i, j
        for i in range(here.count):
            for j in range(here.start[i], here.start[i + 1]):
                here.leads[i] |= under.leads[here.members[j]]

    cdef int _offer(self, int64_t region) except -1 nogil:
        """Takes a region for the vertices that are wanted, of those that it has, if no region before has as many."""
        cdef Py_ssize_t i
        self.walk += 1
        self.found_count = 0
        self._meet(self.dim, region)
        for i in range(self.found_count):
            if self.found_count > self.most[self.found[i]]:
                self.most[self.found[i]], self.region[self.found[i]] = self.found_count, region
        return 0

    cdef int _meet(self, int k, int64_t face) except -1 nogil:
        """Finds the vertices of a face that are wanted and were not met in this walk."""
        cdef Lists* here = &self.lists[k]
        cdef Py_ssize_t j
        if not here.leads[face] or here.walked[face] == self.walk:
            return 0
        here.walked[face] = self.walk
        if k:
            for j in range(here.start[face], here.start[face + 1]):
                self._meet(k - 1, here.members[j])
        else:
            if self.found_count == self.found_room:
                self.found_room = 2 * self.found_room + 64
                self.found = <int64_t*>_grown(self.found, self.found_room * sizeof(int64_t))
            self.found[self.found_count] = face
            self.found_count += 1
        return 0

    cdef int _note(self, int k, int64_t face, int64_t region, int64_t wall) except -1 nogil:
        """Notes the wall of a facet of a region for the vertices that have the region."""
        cdef Lists* here = &self.lists[k]
        cdef Py_ssize_t j
        if not here.leads[face] or here.walked[face] == self.walk:
            return 0
        here.walked[face] = self.walk
        if k:
            for j in range(here.start[face], here.start[face + 1]):
                self._note(k - 1, here.members[j], region, wall)
        elif self.region[face] == region:
            if self.count == self.room:
                self.room = 2 * self.room + 64
                self.pairs = <int64_t*>_grown(self.pairs, 2 * self.room * sizeof(int64_t))
            self.pairs[2 * self.count], self.pairs[2 * self.count + 1] = self.place[face], wall
            self.count += 1
        return 0

    cdef tuple _lists_of(self, Py_ssize_t count):
        """The walls noted for each vertex, and the offsets of these lists."""
        offsets_, walls_ = np.zeros(count + 1, np.int64), np.empty(self.count, np.int64)
        cdef int64_t[::1] offsets = offsets_, walls = walls_
        cdef int64_t* filled = <int64_t*>_zeros(count * sizeof(int64_t))
        cdef Py_ssize_t i, n = 0
        cdef int64_t j, last, first, wall
        with nogil:
            for i in range(self.count):
                offsets[self.pairs[2 * i] + 1] += 1
            for i in range(count):
                offsets[i + 1] += offsets[i]
            for i in range(self.count):  # each to its place among those of its vertex
                wall, first = self.pairs[2 * i + 1], offsets[self.pairs[2 * i]]
                j = first + filled[self.pairs[2 * i]]
                while j > first and walls[j - 1] > wall:
                    walls[j] = walls[j - 1]
                    j -= 1
                walls[j] = wall
                filled[self.pairs[2 * i]] += 1
            first = 0
            for i in range(count):  # each once
                last = offsets[i + 1]
                for j in range(first, last):
                    if j == first or walls[j] != walls[n - 1]:
                        walls[n] = walls[j]
                        n += 1
                offsets[i + 1], first = n, last
        free(filled)
        return walls_[:n].copy(), offsets_


cdef void* _zeros(size_t size) except? NULL:
    cdef void* result = _grown(NULL, size)
    memset(result, 0, size)
    return result
