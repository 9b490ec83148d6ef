#include "CSimilarity.h"

#include <stdatomic.h>

static int32_t coarse_portable(const int8_t *a, const int8_t *b, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += (int32_t)a[i] * (int32_t)b[i];
    return sum;
}

static float fine_portable(const float *query, const int8_t *coarse, const uint8_t *fine, size_t count) {
    // Eight sums, so that the additions of one do not wait for another's.
    float sums[8] = {0};
    for (size_t group = 0; group < count; group += 32) {
        const uint8_t *remainders = fine + group / 2;
        for (size_t i = 0; i < 16; i++) {
            sums[i & 7] += query[group + i] * (float)(16 * coarse[group + i] + (remainders[i] & 15));
            sums[i & 7] += query[group + 16 + i] * (float)(16 * coarse[group + 16 + i] + (remainders[i] >> 4));
        }
    }
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// The rows from `row` on, one by one, after `hits` were found in those before.
static size_t scan_rest(const int8_t *query, float scale, const struct similarity_rows *rows, size_t count, float floor, uint32_t *found, float *similarities,
                        size_t row, size_t hits) {
    for (; row < rows->count; row++) {
        if (cell_load_wide(rows->ids + row) < 0) continue;
        float similar = (float)coarse_portable(query, rows->coarse + row * count, count) * (rows->scales[row] * scale);
        if (!(similar >= floor)) continue;
        found[hits] = (uint32_t)row;
        similarities[hits++] = similar;
    }
    return hits;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))

AVX2 static inline int32_t sum_of_lanes(__m256i lanes) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    return _mm_cvtsi128_si32(half);
}

// The multiplication takes one side without sign: |a| times b with the sign of a. 127 * 127 * 2 still fits 16 bits, so that nothing saturates.
AVX2 static int32_t coarse_avx2(const int8_t *a, const int8_t *b, size_t count) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i even = _mm256_setzero_si256(), odd = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        __m256i left = _mm256_loadu_si256((const __m256i *)(a + i));
        __m256i right = _mm256_loadu_si256((const __m256i *)(b + i));
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(left), _mm256_sign_epi8(right, left));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(pairs, ones));
        left = _mm256_loadu_si256((const __m256i *)(a + i + 32));
        right = _mm256_loadu_si256((const __m256i *)(b + i + 32));
        pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(left), _mm256_sign_epi8(right, left));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(pairs, ones));
    }
    for (; i < count; i += 32) {
        __m256i left = _mm256_loadu_si256((const __m256i *)(a + i));
        __m256i right = _mm256_loadu_si256((const __m256i *)(b + i));
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(left), _mm256_sign_epi8(right, left));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(pairs, ones));
    }
    return sum_of_lanes(_mm256_add_epi32(even, odd));
}

// Four products at once share the loads of the query and its magnitudes, which one alone repeats for every row.
AVX2 static void coarse_four_avx2(const int8_t *query, const int8_t *const *rows, size_t count, int32_t *results) {
    const __m256i ones = _mm256_set1_epi16(1);
    const int8_t *first = rows[0], *second = rows[1], *third = rows[2], *fourth = rows[3];
    __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < count; i += 32) {
        __m256i signs = _mm256_loadu_si256((const __m256i *)(query + i)), sizes = _mm256_abs_epi8(signs);
        const int8_t *parts[4] = {first + i, second + i, third + i, fourth + i};
        for (int row = 0; row < 4; row++) {
            __m256i part = _mm256_sign_epi8(_mm256_loadu_si256((const __m256i *)parts[row]), signs);
            sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(_mm256_maddubs_epi16(sizes, part), ones));
        }
    }
    __m256i lanes = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    _mm_storeu_si128((__m128i *)results, _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1)));
}

AVX2 static size_t scan_avx2(const int8_t *query, float scale, const struct similarity_rows *rows, size_t count, float floor, uint32_t *found, float *similarities) {
    size_t hits = 0, row = 0;
    const __m128 least = _mm_set1_ps(floor), factor = _mm_set1_ps(scale);
    for (; row + 4 <= rows->count; row += 4) {
        // Before the vectors: what is in a row without an id may be changing.
        int live = 0;
        for (int i = 0; i < 4; i++) live |= (cell_load_wide(rows->ids + row + i) >= 0) << i;
        if (!live) continue;
        const int8_t *parts[4];
        for (int i = 0; i < 4; i++) parts[i] = live >> i & 1 ? rows->coarse + (row + i) * count : query;
        int32_t products[4];
        float values[4];
        coarse_four_avx2(query, parts, count, products);
        __m128 similar = _mm_mul_ps(_mm_cvtepi32_ps(_mm_loadu_si128((const __m128i *)products)), _mm_mul_ps(_mm_loadu_ps(rows->scales + row), factor));
        int passed = live & _mm_movemask_ps(_mm_cmpge_ps(similar, least));
        if (!passed) continue;
        _mm_storeu_ps(values, similar);
        for (int i = 0; i < 4; i++) {
            if (!(passed >> i & 1)) continue;
            found[hits] = (uint32_t)(row + i);
            similarities[hits++] = values[i];
        }
    }
    return scan_rest(query, scale, rows, count, floor, found, similarities, row, hits);
}

AVX2 static float fine_avx2(const float *query, const int8_t *coarse, const uint8_t *fine, size_t count) {
    const __m128i low = _mm_set1_epi8(15);
    __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t group = 0; group < count; group += 32) {
        __m128i packed = _mm_loadu_si128((const __m128i *)(fine + group / 2));
        __m128i remainders[2] = {_mm_and_si128(packed, low), _mm_and_si128(_mm_srli_epi16(packed, 4), low)};
        for (int half = 0; half < 2; half++) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(coarse + group + 16 * half));
            __m256i whole =
                _mm256_add_epi16(_mm256_slli_epi16(_mm256_cvtepi8_epi16(bytes), 4), _mm256_cvtepu8_epi16(remainders[half]));
            __m256 first = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(whole)));
            __m256 second = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm256_extracti128_si256(whole, 1)));
            const float *values = query + group + 16 * half;
            sums[0] = _mm256_fmadd_ps(_mm256_loadu_ps(values), first, sums[0]);
            sums[1] = _mm256_fmadd_ps(_mm256_loadu_ps(values + 8), second, sums[1]);
        }
    }
    float lanes[8];
    _mm256_storeu_ps(lanes, _mm256_add_ps(sums[0], sums[1]));
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#else
#define coarse_avx2 coarse_portable
#define coarse_four_avx2(query, rows, count, results) ((void)0)
#define scan_avx2(query, scale, rows, count, floor, found, similarities) ((size_t)0)
#define fine_avx2 fine_portable
static int has_avx2(void) { return 0; }
#endif

/// 0: not asked yet, 1: portable, 2: AVX2.
static _Atomic int choice;

static inline int is_avx2(void) {
    int known = atomic_load_explicit(&choice, memory_order_relaxed);
    if (known == 0) {
        known = has_avx2() ? 2 : 1;
        atomic_store_explicit(&choice, known, memory_order_relaxed);
    }
    return known == 2;
}

int similarity_uses_avx2(void) { return is_avx2(); }

void similarity_force_portable(int is_forced) { atomic_store_explicit(&choice, is_forced ? 1 : 0, memory_order_relaxed); }

int32_t similarity_coarse(const int8_t *a, const int8_t *b, size_t count) {
    return is_avx2() ? coarse_avx2(a, b, count) : coarse_portable(a, b, count);
}

void similarity_coarse_gather(const int8_t *query, const int8_t *const *parts, size_t rows, size_t count, int32_t *results) {
    // Four vectors in flight hide most of the wait for memory; more fill the processor's line buffers.
    enum { AHEAD = 4 };
    size_t row = 0;
    if (is_avx2()) {
        for (size_t next = 0; next < rows && next < AHEAD; next++) similarity_prefetch(parts[next], count);
        for (; row + 4 <= rows; row += 4) {
            for (size_t next = row + AHEAD; next < rows && next < row + AHEAD + 4; next++) similarity_prefetch(parts[next], count);
            coarse_four_avx2(query, parts + row, count, results + row);
        }
    }
    for (; row < rows; row++) results[row] = similarity_coarse(query, parts[row], count);
}

size_t similarity_coarse_scan(const int8_t *query, float scale, const struct similarity_rows *rows, size_t count, float floor, uint32_t *found, float *similarities) {
    return is_avx2() ? scan_avx2(query, scale, rows, count, floor, found, similarities) : scan_rest(query, scale, rows, count, floor, found, similarities, 0, 0);
}

float similarity_fine(const float *query, const int8_t *coarse, const uint8_t *fine, size_t count) {
    return is_avx2() ? fine_avx2(query, coarse, fine, count) : fine_portable(query, coarse, fine, count);
}
