// The bytes of a journal file: header, hot words, descriptors, cells.
//
//   0       JournalHeader   fixed once the file has its name
//   4096    JournalHot      the words that move, those of different writers on lines of their own
//   8192    descriptors     8 bytes a cell
//   …       cells           64 bytes each, from a page's begin
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "journal/words.hpp"
#include "shm/wait_word.hpp"

namespace ringpost::journal {

inline constexpr std::uint64_t kJournalMagic = 0x4c4e524a5f505352;  // "RSP_JRNL"
inline constexpr std::uint32_t kJournalFormat = 1;
inline constexpr std::uint32_t kCellsLog2Min = 2;  // tests; files of a bus have kFileCellsLog2Min
inline constexpr std::uint32_t kFileCellsLog2Min = 10;  // 64 KiB of records
inline constexpr std::uint32_t kCellsLog2Max = 24;      // 1 GiB
inline constexpr std::size_t kLogStateWords = 32;

enum class JournalKind : std::uint32_t {
  kLog,     ///< a writer drains it into a log
  kMemory,  ///< producers pass over what was read or not
};
inline constexpr std::uint32_t kJournalKinds = 2;

/// JournalHeader::number of a queue's.
inline constexpr std::uint32_t kOfQueue = ~std::uint32_t{0};

struct JournalHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t cells_log2;
  std::uint64_t journal_id;  ///< the file's name
  std::uint64_t owner_id;    ///< of the stream or queue that it was made for
  std::uint64_t creator;     ///< Participant::creator_word
  std::uint64_t start;       ///< its first position; everything below is in the log, and durable
  std::uint64_t created_wall_ns;
  std::uint32_t kind;
  std::uint32_t number;  ///< the owner's number for it: of the shard
};
static_assert(sizeof(JournalHeader) <= base::kPageBytes);

struct JournalHot {
  /// A hint: producers that come to the journal start here. By the last producers, plain stores.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> tail;
  /// Cells below it may be used again: their records are in the log, and durable. Only rises. By
  /// the writer; without a log by producers that need room.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> drain;
  /// Records below it survive the loss of power. Only rises, never after `drain`. By the writer.
  std::atomic<std::uint64_t> durable;
  /// Cells below it may be overwritten already. Only rises. By producers, before they write.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> low;
  /// Somebody waits for everything below it to be durable. Only rises. By whoever waits.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> wanted;
  alignas(base::kHotLineBytes) shm::WaitWord work;  ///< a writer without work sleeps
  shm::WaitWord published;                          ///< readers at the end sleep
  /// Whoever waits for durability, room or the role sleeps.
  alignas(base::kHotLineBytes) shm::WaitWord settled;
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> writer;  ///< WriterWord
  /// errno of the write or sync that failed; 0: none. Nothing becomes durable until somebody has
  /// recovered the log. By whoever has the writer role.
  std::atomic<std::uint32_t> failed;
  /// 1: the log has no room now. By the writer, who takes it back.
  std::atomic<std::uint32_t> refused;
  /// log::WriterState; means something while the writer word is clean.
  std::uint64_t log_state[kLogStateWords];
};
static_assert(sizeof(JournalHot) <= base::kPageBytes);
inline constexpr std::size_t kHotOffset = base::kPageBytes;
inline constexpr std::size_t kDescriptorsOffset = 2 * base::kPageBytes;

/// Where everything lies. Computed from the mapper's checked copy of the header, never re-read.
struct JournalGeometry {
  std::uint32_t cells_log2 = 0;
  std::size_t cells_begin = 0;
  std::size_t file_bytes = 0;

  [[nodiscard]] static constexpr JournalGeometry of(std::uint32_t cells_log2) noexcept {
    const std::size_t cells = std::size_t{1} << cells_log2;
    JournalGeometry geometry;
    geometry.cells_log2 = cells_log2;
    geometry.cells_begin =
        kDescriptorsOffset + base::round_up(cells * sizeof(std::uint64_t), base::kPageBytes);
    geometry.file_bytes =
        geometry.cells_begin + base::round_up(cells * kCellBytes, base::kPageBytes);
    return geometry;
  }
};

}  // namespace ringpost::journal
