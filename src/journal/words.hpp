// Positions of a journal, and the word that says what lies at one of them.
//
// A position t counts cells of 64 bytes for ever; its cell is t mod M, its lap 1 + t div M. Lap 0
// means "never", so zeroed memory is right from the start. A record has the descriptor of its first
// cell; those of its other cells keep what they had.
#pragma once

#include <cstddef>
#include <cstdint>

#include "log/record.hpp"

namespace ringpost::journal {

inline constexpr std::size_t kCellBytes = log::kCellBytes;

inline constexpr unsigned kStateBits = 2;
inline constexpr unsigned kLengthBits = 14;
inline constexpr unsigned kOwnerBits = 14;
inline constexpr unsigned kLapBits = 34;
static_assert(kStateBits + kLengthBits + kOwnerBits + kLapBits == 64);

// A length has 11 bits of mantissa and a unit of 1, 2, … 128 cells: a large record is rounded up to
// its unit, at most by a 1,024th.
inline constexpr unsigned kMantissaBits = 11;
inline constexpr std::uint32_t kMantissaMax = (1u << kMantissaBits) - 1;
inline constexpr std::uint32_t kUnitLog2Max = (1u << (kLengthBits - kMantissaBits)) - 1;
inline constexpr std::uint32_t kRecordCellsMax = kMantissaMax << kUnitLog2Max;  // 16 MiB - 8 KiB

/// Length as it stands in a descriptor; `cells` is 1 … kRecordCellsMax.
constexpr std::uint32_t scale_cells(std::uint32_t cells) noexcept {
  std::uint32_t unit = 0;
  while (((cells - 1) >> unit) + 1 > kMantissaMax) ++unit;
  return (((cells - 1) >> unit) + 1) | unit << kMantissaBits;
}
constexpr std::uint32_t unscale_cells(std::uint32_t scaled) noexcept {
  return (scaled & kMantissaMax) << (scaled >> kMantissaBits);
}
/// How far behind the position of a record of so many bytes the next one begins.
/// `bytes` is 1 … kRecordCellsMax * kCellBytes.
constexpr std::uint32_t cells_for(std::size_t bytes) noexcept {
  return unscale_cells(
      scale_cells(static_cast<std::uint32_t>((bytes + kCellBytes - 1) / kCellBytes)));
}

// States of a descriptor, and the moves between them. Each lap begins with whatever an earlier lap
// left there.
//
// clang-format off
// from → to                      by                         if the mover dies just after
// earlier lap → claimed          producer, CAS              void, by the sweeper
// earlier lap → void, length 0   producer, CAS              nothing: there is no record
// earlier lap → end              whoever closes, CAS        nothing: it is closed
// claimed → published            its producer               nothing: it is there
// claimed → void                 its producer, the sweeper  nothing
// clang-format on
enum class CellState : std::uint8_t {
  kClaimed,    ///< its owner is writing it
  kPublished,  ///< complete
  kVoid,       ///< no record; length 0: up to the end of the lap
  kEnd,        ///< the journal is closed; one cell
};

/// lap (34) · owner (14) · length (14) · state (2). Decided by one CAS of the whole word; from then
/// on written by the owner, or by the sweeper once that is dead.
struct Descriptor {
  std::uint64_t word = 0;

  static constexpr Descriptor of(std::uint64_t lap, std::uint16_t owner, std::uint32_t scaled,
                                 CellState state) noexcept {
    return {lap << (kOwnerBits + kLengthBits + kStateBits) |
            std::uint64_t{owner} << (kLengthBits + kStateBits) |
            std::uint64_t{scaled} << kStateBits | static_cast<std::uint64_t>(state)};
  }
  [[nodiscard]] constexpr std::uint64_t lap() const noexcept {
    return word >> (kOwnerBits + kLengthBits + kStateBits);
  }
  [[nodiscard]] constexpr std::uint16_t owner() const noexcept {
    return static_cast<std::uint16_t>(word >> (kLengthBits + kStateBits) &
                                      ((1u << kOwnerBits) - 1));
  }
  [[nodiscard]] constexpr std::uint32_t scaled() const noexcept {
    return static_cast<std::uint32_t>(word >> kStateBits & ((1u << kLengthBits) - 1));
  }
  [[nodiscard]] constexpr CellState state() const noexcept {
    return static_cast<CellState>(word & ((1u << kStateBits) - 1));
  }
  friend constexpr bool operator==(const Descriptor&, const Descriptor&) = default;
};

/// Who has the writer role: participant and incarnation (Participant::creator_word) · clean.
///
/// Free: 0, nobody has opened the log yet or the last one died; kClean, the last one let go in
/// order and left the log's state in the header.
struct WriterWord {
  std::uint64_t word = 0;
  static constexpr std::uint64_t kClean = 1;

  static constexpr WriterWord of(std::uint64_t creator_word) noexcept {
    return {creator_word << 1};
  }
  [[nodiscard]] constexpr bool free() const noexcept { return word >> 1 == 0; }
  [[nodiscard]] constexpr bool clean() const noexcept { return word == kClean; }
  [[nodiscard]] constexpr std::uint64_t holder() const noexcept { return word >> 1; }
  [[nodiscard]] constexpr std::uint16_t index() const noexcept {
    return static_cast<std::uint16_t>(word >> 1 & ((1u << kOwnerBits) - 1));
  }
  friend constexpr bool operator==(const WriterWord&, const WriterWord&) = default;
};

}  // namespace ringpost::journal
