// The few vector operations that compilers do not write well by themselves.
// Included by the files that are compiled once for each instruction set; everything here stays in them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace simd::FACES_ISA {
namespace {

template <int LANES>
struct Vector {
    typedef float real __attribute__((vector_size(LANES * 4)));
    typedef std::int32_t whole __attribute__((vector_size(LANES * 4)));
};

template <int LANES>
inline typename Vector<LANES>::real load(const float* p) {
    typename Vector<LANES>::real v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <typename V>
inline void store(float* p, V v) {
    std::memcpy(p, &v, sizeof v);
}

// Bytes to floats.
template <int LANES>
inline typename Vector<LANES>::real from_bytes(const std::uint8_t* p) {
#if defined(__AVX512F__)
    if constexpr (LANES == 16)
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#endif
#if defined(__AVX2__)
    if constexpr (LANES == 8)
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#endif
#if defined(__SSE2__)
    if constexpr (LANES == 4) {
        std::int32_t four;
        std::memcpy(&four, p, 4);
        const __m128i zero = _mm_setzero_si128();
        const __m128i words = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero);
        return _mm_cvtepi32_ps(_mm_unpacklo_epi16(words, zero));
    }
#endif
    typename Vector<LANES>::real v;
    for (int lane = 0; lane < LANES; ++lane) v[lane] = float(p[lane]);
    return v;
}

// Whole numbers of 0 to 255 to bytes.
template <int LANES>
inline void to_bytes(std::uint8_t* p, typename Vector<LANES>::whole v) {
#if defined(__AVX512F__)
    if constexpr (LANES == 16) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(v)));
        return;
    }
#endif
#if defined(__AVX2__)
    if constexpr (LANES == 8) {
        const __m256i wide = reinterpret_cast<__m256i>(v);
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
        return;
    }
#endif
#if defined(__SSE2__)
    if constexpr (LANES == 4) {
        const __m128i words = _mm_packs_epi32(reinterpret_cast<__m128i>(v), _mm_setzero_si128());
        const std::int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        std::memcpy(p, &four, 4);
        return;
    }
#endif
    for (int lane = 0; lane < LANES; ++lane) p[lane] = std::uint8_t(v[lane]);
}

template <int LANES>
inline typename Vector<LANES>::real square_root(typename Vector<LANES>::real v) {
#if defined(__AVX512F__)
    if constexpr (LANES == 16) return _mm512_sqrt_ps(v);
#endif
#if defined(__AVX2__)
    if constexpr (LANES == 8) return _mm256_sqrt_ps(v);
#endif
#if defined(__SSE2__)
    if constexpr (LANES == 4) return _mm_sqrt_ps(v);
#endif
    for (int lane = 0; lane < LANES; ++lane) v[lane] = std::sqrt(v[lane]);
    return v;
}

}  // namespace
}  // namespace simd::FACES_ISA
