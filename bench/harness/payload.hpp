// What the messages of a run contain, and the account of what arrived.
//
// A message is a row of 64-bit words: its id (producer, sequence number), a pattern in which every
// word follows from the id and the place, and a seal over id and length. The receiver compares
// every byte, so writing and checking cost the same whatever carries the message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ringpost::bench {

/// How much of a payload is written and checked.
enum class Check : unsigned {
  kEveryByte,
  kStamp,  ///< first and last word only: for the peer that measures bare copying
};

inline constexpr std::size_t kMessageBytesMin = 16;  // and a multiple of 8
inline constexpr unsigned kProducersMax = 16;
inline constexpr unsigned kEndProducer =
    0xFFFF;  ///< says that a blocking transport's slice is over

constexpr std::uint64_t message_id(unsigned producer, std::uint64_t sequence) noexcept {
  return std::uint64_t{producer} << 48 | sequence;
}
constexpr unsigned producer_of(std::uint64_t id) noexcept {
  return static_cast<unsigned>(id >> 48);
}
constexpr std::uint64_t sequence_of(std::uint64_t id) noexcept { return id << 16 >> 16; }

namespace detail {

constexpr std::uint64_t seed_of(std::uint64_t id) noexcept {
  return (id ^ 0x5851'F42D'4C95'7F2Dull) * 0x9E37'79B9'7F4A'7C15ull;
}
constexpr std::uint64_t seal_of(std::uint64_t id, std::size_t bytes) noexcept {
  return seed_of(id ^ bytes << 20) ^ 0xA5A5'A5A5'A5A5'A5A5ull;
}
constexpr std::uint64_t kPlaceStep = 0xD134'2543'DE82'EF95ull;

inline std::uint64_t load_word(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline void store_word(std::byte* at, std::uint64_t word) noexcept {
  std::memcpy(at, &word, sizeof word);
}

}  // namespace detail

inline void fill_payload(std::span<std::byte> body, std::uint64_t id, Check check) noexcept {
  std::byte* const bytes = body.data();
  const std::size_t last = body.size() - 8;
  detail::store_word(bytes, id);
  if (check == Check::kEveryByte) {
    std::uint64_t word = detail::seed_of(id);
    for (std::size_t i = 8; i < last; i += 8) {
      detail::store_word(bytes + i, word);
      word += detail::kPlaceStep;
    }
  }
  detail::store_word(bytes + last, detail::seal_of(id, body.size()));
}

/// True if the payload is what fill_payload() wrote for the id that it carries.
inline bool check_payload(std::span<const std::byte> body, Check check) noexcept {
  const std::byte* const bytes = body.data();
  const std::size_t last = body.size() - 8;
  const std::uint64_t id = detail::load_word(bytes);
  std::uint64_t difference = detail::load_word(bytes + last) ^ detail::seal_of(id, body.size());
  if (check == Check::kEveryByte) {
    std::uint64_t word = detail::seed_of(id);
    for (std::size_t i = 8; i < last; i += 8) {
      difference |= detail::load_word(bytes + i) ^ word;
      word += detail::kPlaceStep;
    }
  }
  return difference == 0;
}

/// What one consumer got. Sums over all consumers tell loss and duplication.
class Tally {
 public:
  struct PerProducer {
    std::uint64_t next = 0;  ///< the smallest sequence number that is in order
    std::uint64_t count = 0;
    std::uint64_t sum = 0;         ///< of the sequence numbers, modulo 2^64
    std::uint64_t square_sum = 0;  ///< of their squares, modulo 2^64
  };

  /// Takes note of one message; returns its id.
  std::uint64_t add(std::span<const std::byte> body, std::size_t bytes, Check check) noexcept {
    if (body.size() != bytes || !check_payload(body, check)) {
      ++corrupted;
      return message_id(kProducersMax, 0);
    }
    const std::uint64_t id = detail::load_word(body.data());
    const unsigned producer = producer_of(id);
    if (producer < kProducersMax) [[likely]] {
      PerProducer& of = producers[producer];
      const std::uint64_t sequence = sequence_of(id);
      reordered += sequence < of.next;
      of.next = sequence + 1;
      ++of.count;
      of.sum += sequence;
      of.square_sum += sequence * sequence;
    } else if (producer == kEndProducer) {
      ++ends;
    } else {
      ++corrupted;
    }
    return id;
  }

  std::array<PerProducer, kProducersMax> producers{};
  std::uint64_t corrupted = 0;
  std::uint64_t reordered = 0;
  std::uint64_t ends = 0;
};

/// What is wrong with a run, all zero when nothing is.
struct Verdict {
  std::uint64_t lost = 0;       ///< or delivered twice: messages more or fewer than sent
  std::uint64_t reordered = 0;  ///< of one producer at one consumer
  std::uint64_t corrupted = 0;
  std::uint64_t mismatched = 0;  ///< producers whose count is right and whose numbers are not

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// `sent[p]`: producer p has sent the sequence numbers from 0 to sent[p] - 1.
Verdict judge(std::span<const std::uint64_t> sent, std::span<const Tally> tallies) noexcept;

}  // namespace ringpost::bench
