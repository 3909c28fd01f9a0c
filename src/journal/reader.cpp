#include "journal/reader.hpp"

#include <cstring>

#include "base/unstable_read.hpp"
#include "journal/walk.hpp"

namespace ringpost::journal {

Errc look(const JournalView& view, std::uint64_t position, Seen& into) noexcept {
  into = {position, position, {}};
  for (std::uint64_t steps = 0; steps <= view.cells(); ++steps) {
    if (position < view.hot().low.load(std::memory_order_acquire)) return Errc::kLapped;
    const Stop stop = look_at(view, position);
    into.position = position;
    switch (stop.kind) {
      case Stop::Kind::kRecord:
        into.next = stop.next;
        into.bytes = {view.cell(position), (stop.next - position) * kCellBytes};
        return Errc::kOk;
      case Stop::Kind::kVoid:
        position = stop.next;
        break;
      case Stop::Kind::kEnd:
        return Errc::kClosed;
      case Stop::Kind::kClaimed:
      case Stop::Kind::kUnclaimed:
        return Errc::kEmpty;
      case Stop::Kind::kPassed:
        return Errc::kLapped;
      case Stop::Kind::kCorrupt:
        return Errc::kCorrupt;
    }
  }
  return Errc::kCorrupt;
}

bool still_there(const JournalView& view, std::uint64_t position) noexcept {
  std::atomic_thread_fence(std::memory_order_acquire);  // [low] what was read before
  return view.hot().low.load(std::memory_order_relaxed) <= position;
}

RINGPOST_UNSTABLE_READ bool parse_record(std::uint64_t position, std::span<const std::byte> bytes,
                                         log::RecordHeader& header) noexcept {
  if (bytes.size() < sizeof header) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::uint64_t body = std::uint64_t{header.key_bytes} + header.data_bytes +
                             ((header.flags & log::kHasHashKey) != 0 ? 16 : 0);
  return header.position == position && header.bytes == sizeof header + body &&
         header.bytes <= bytes.size() && cells_for(header.bytes) * kCellBytes == bytes.size();
}

}  // namespace ringpost::journal
