// One mapped journal: typed access to its words, with every index within bounds by construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "journal/layout.hpp"

namespace ringpost::journal {

/// A view of a journal file in memory. Geometry is the mapper's checked copy, never re-read from
/// the file, so a hostile file cannot move an access out of the mapping.
class JournalView {
 public:
  JournalView() noexcept = default;
  /// `memory` holds geometry.file_bytes bytes and outlives the view. `fenced`: no membarrier on
  /// this machine, whoever publishes executes the fence.
  JournalView(std::byte* memory, const JournalGeometry& geometry, JournalKind kind,
              std::uint64_t start, bool fenced) noexcept
      : memory_(memory),
        cells_begin_(geometry.cells_begin),
        start_(start),
        log2_(geometry.cells_log2),
        kind_(kind),
        fenced_(fenced) {}

  [[nodiscard]] std::uint64_t cells() const noexcept { return std::uint64_t{1} << log2_; }
  [[nodiscard]] std::uint64_t lap_of(std::uint64_t position) const noexcept {
    return 1 + (position >> log2_);
  }
  [[nodiscard]] std::uint64_t cell_of(std::uint64_t position) const noexcept {
    return position & (cells() - 1);
  }
  /// From the position to the end of its lap.
  [[nodiscard]] std::uint64_t rest_of_lap(std::uint64_t position) const noexcept {
    return cells() - cell_of(position);
  }
  /// The largest record: two of them, and what is lost at the end of a lap, fit in at any place.
  [[nodiscard]] std::uint32_t record_cells_max() const noexcept {
    return cells() / 2 < kRecordCellsMax ? static_cast<std::uint32_t>(cells() / 2)
                                         : kRecordCellsMax;
  }
  /// False: no correct process comes there, in 34 bits of laps.
  [[nodiscard]] bool is_possible(std::uint64_t position) const noexcept {
    return position >> log2_ < (std::uint64_t{1} << kLapBits) - 2;
  }
  /// Where the next one begins behind what `seen` says of `position`, in the same lap. 0: what no
  /// correct process writes.
  [[nodiscard]] std::uint64_t next(std::uint64_t position, Descriptor seen) const noexcept;

  [[nodiscard]] std::uint64_t start() const noexcept { return start_; }
  [[nodiscard]] JournalKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool fenced() const noexcept { return fenced_; }
  [[nodiscard]] const JournalHeader& header() const noexcept { return at<JournalHeader>(0); }
  [[nodiscard]] JournalHot& hot() const noexcept { return at<JournalHot>(kHotOffset); }
  [[nodiscard]] std::atomic<std::uint64_t>& descriptor(std::uint64_t position) const noexcept {
    return at<std::atomic<std::uint64_t>>(kDescriptorsOffset + cell_of(position) * 8);
  }
  [[nodiscard]] std::byte* cell(std::uint64_t position) const noexcept {
    return memory_ + cells_begin_ + cell_of(position) * kCellBytes;
  }

 private:
  template <class T>
  [[nodiscard]] T& at(std::size_t offset) const noexcept {
    return *reinterpret_cast<T*>(memory_ + offset);
  }
  std::byte* memory_ = nullptr;
  std::size_t cells_begin_ = 0;
  std::uint64_t start_ = 0;
  std::uint32_t log2_ = 0;
  JournalKind kind_ = JournalKind::kLog;
  bool fenced_ = false;
};

struct NewJournal {
  std::uint64_t journal_id = 0;
  std::uint64_t owner_id = 0;
  std::uint64_t creator = 0;
  std::uint64_t start = 0;
  std::uint64_t created_wall_ns = 0;
  JournalKind kind = JournalKind::kLog;
  std::uint32_t number = 0;
};

/// Writes a new journal into zeroed memory of geometry.file_bytes bytes.
void initialise_journal(std::byte* memory, const JournalGeometry& geometry,
                        const NewJournal& made) noexcept;

/// CAS-max, acq_rel.
void raise(std::atomic<std::uint64_t>& word, std::uint64_t to) noexcept;

}  // namespace ringpost::journal
