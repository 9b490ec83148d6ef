// CSimilarity: dot products of coded vectors, and single memory cells shared between threads.
//
// Each product has a portable form and one for AVX2, chosen once by asking the processor; both give the same integers. Swift cannot compile one
// function for a processor that the rest of the program does not demand, which is the whole reason for this room.
//
// A coded vector of n components, n a multiple of 32, is n signed bytes (the coarse part, within -127...127) and n / 2 bytes of four-bit
// remainders (the fine part): within each group of 32 components, byte i holds component i in its low half and component i + 16 in its high half.

#ifndef CSIMILARITY_H
#define CSIMILARITY_H

#include <stddef.h>
#include <stdint.h>

/// Whether the processor has AVX2 and the forms for it are used.
int similarity_uses_avx2(void);

/// Makes all later calls use the portable forms (nonzero) or the best ones (zero); for tests and comparisons.
void similarity_force_portable(int is_forced);

/// The dot product of two coarse parts of `count` bytes.
int32_t similarity_coarse(const int8_t *a, const int8_t *b, size_t count);

/// The dot products of `query` with the `rows` coarse parts that `parts` points at; fetches ahead of use.
void similarity_coarse_gather(const int8_t *query, const int8_t *const *parts, size_t rows, size_t count, int32_t *results);

/// Coded vectors that lie side by side: `count` of them, with the scale of each, and its id, negative where the row holds nothing.
struct similarity_rows {
    const int8_t *coarse;
    const float *scales;
    const int64_t *ids;
    size_t count;
};

/// The coarse similarities of `query` with `rows`: the product of `count` bytes times `scale` times the row's own. Writes the numbers and similarities of
/// those that are at least `floor`, in order, and returns how many; both arrays have room for all.
size_t similarity_coarse_scan(const int8_t *query, float scale, const struct similarity_rows *rows, size_t count, float floor, uint32_t *found,
                              float *similarities);

/// The sum of `query[i] * (16 * coarse[i] + remainder[i])` with remainders 0...15.
float similarity_fine(const float *query, const int8_t *coarse, const uint8_t *fine, size_t count);

/// Asks the memory for the lines that hold `count` bytes at `address`.
static inline void similarity_prefetch(const void *address, size_t count) {
    for (size_t offset = 0; offset < count; offset += 64) __builtin_prefetch((const char *)address + offset);
}

/// Reads a cell that another thread may write; what the writer did before is seen.
static inline uint32_t cell_load(const uint32_t *cell) { return __atomic_load_n(cell, __ATOMIC_ACQUIRE); }

/// Writes a cell that other threads may read, after everything that this thread did before.
static inline void cell_store(uint32_t *cell, uint32_t value) { __atomic_store_n(cell, value, __ATOMIC_RELEASE); }

/// Like `cell_load` for 64 bits.
static inline int64_t cell_load_wide(const int64_t *cell) { return __atomic_load_n(cell, __ATOMIC_ACQUIRE); }

/// Like `cell_store` for 64 bits.
static inline void cell_store_wide(int64_t *cell, int64_t value) { __atomic_store_n(cell, value, __ATOMIC_RELEASE); }

#endif
