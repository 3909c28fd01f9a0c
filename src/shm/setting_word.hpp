// One setting of a queue, as calls read it.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringpost::shm {

/// One setting in force: value (52) · low bits of the number of the change that gave it (12).
class SettingWord {
 public:
  static constexpr unsigned kTagBits = 12;
  static constexpr std::uint64_t kTagMask = (std::uint64_t{1} << kTagBits) - 1;

  [[nodiscard]] std::uint64_t load(
      std::memory_order order = std::memory_order_acquire) const noexcept {
    return word_.load(order) >> kTagBits;
  }
  /// Before the word is shared with anybody; its tag stays.
  void store(std::uint64_t value) noexcept {
    word_.store(value << kTagBits | (word_.load() & kTagMask));
  }
  [[nodiscard]] std::atomic<std::uint64_t>& word() noexcept { return word_; }

 private:
  std::atomic<std::uint64_t> word_;
};

}  // namespace ringpost::shm
