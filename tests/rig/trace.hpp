// What happened in one run, in words: for a failing case, and only then (recording costs).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ringpost::rig {

enum class AccessKind : std::uint8_t {
  kLoad,
  kStore,
  kReadModifyWrite,
  kCompareExchange,
  kBarrier,  ///< of the whole machine (membarrier): commutes with nothing
};

/// One access to memory.
struct Access {
  AccessKind kind = AccessKind::kLoad;
  bool full_fence = false;  ///< empties the store buffer first
  std::uint32_t bytes = 0;
  std::byte* address = nullptr;
  const void* expected = nullptr;  ///< of a compare-exchange; valid while it is pending

  [[nodiscard]] bool may_write() const noexcept { return kind != AccessKind::kLoad; }
  [[nodiscard]] bool overlaps(const std::byte* begin, std::size_t count) const noexcept {
    return address < begin + count && begin < address + bytes;
  }
  /// The order of the two can matter.
  [[nodiscard]] bool conflicts_with(const Access& other) const noexcept {
    if (kind == AccessKind::kBarrier || other.kind == AccessKind::kBarrier) return true;
    return (may_write() || other.may_write()) && overlaps(other.address, other.bytes);
  }
};

class Trace {
 public:
  void set_recording(bool on) noexcept { recording_ = on; }
  [[nodiscard]] bool recording() const noexcept { return recording_; }
  void clear() noexcept { entries_.clear(); }

  /// `fiber` is about to make the access.
  void before(std::size_t fiber, const Access& access);
  /// The last access announced by before() has happened.
  void after();
  void note(std::string text);

  /// One line an entry. `names` of the fibers; `describe` says what lies at an address.
  [[nodiscard]] std::string text(const std::vector<std::string>& names,
                                 const std::function<std::string(const void*)>& describe) const;

 private:
  static constexpr std::size_t kShownBytes = 16;
  struct Entry {
    std::size_t fiber = 0;
    Access access;
    bool known_after = false;
    std::byte old_value[kShownBytes] = {};
    std::byte new_value[kShownBytes] = {};
    std::string note;  ///< instead of an access
  };
  bool recording_ = false;
  std::vector<Entry> entries_;
};

}  // namespace ringpost::rig
