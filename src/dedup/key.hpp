// From ids and contents to keys of the table.
//
// SHA-256, cut to 128 bits: an equal key silently drops a message as a duplicate, so nobody may be
// able to make one on purpose. Fast hashes (XXH3 …) can be made to collide whatever their seed is;
// SipHash resists only those who do not know its key, and every process of the bus can read that. A
// second id for the key of somebody else's costs 2^128 tries here, any two alike 2^64; by chance,
// with 2^40 ids in a window, 2^-49. It costs 90 ns for an id of up to 46 bytes, more for each 64
// bytes that follow (x86-64 with SHA instructions), less than a miss of the cache.
// The seed, one a queue, keeps those who only send ids from choosing ids of one bucket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dedup/layout.hpp"

namespace ringpost::dedup {

/// `group`: of the message, if ids are unique within a group only; else empty. No system call, no
/// allocation. `id`, `group`: at most 255 bytes each; what is beyond them counts for nothing.
[[nodiscard]] Key key_of_id(std::uint64_t seed, std::string_view id,
                            std::string_view group = {}) noexcept;

/// The id that a message has by its content: SHA-256 of the body in hexadecimal. It is an id like
/// any other, so an explicit id of the same text is a duplicate (sqs.md, D06).
using ContentId = std::array<char, 64>;
[[nodiscard]] ContentId content_id(std::span<const std::byte> body) noexcept;

}  // namespace ringpost::dedup
