// What a signal means to a pool that may have had one already.
#pragma once

#include <chrono>
#include <optional>

namespace ringpost::cli {

/// The first signal asks for an end in order, the second one for an end at once. Some send the same
/// one twice: `timeout`, to us and then to our group. A person takes longer to press Ctrl-C again.
class StopSignals {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Meaning { kDrain, kEndNow, kEcho };
  static constexpr std::chrono::milliseconds kEchoWithin{100};

  Meaning note(int number, TimePoint now) noexcept {
    if (!first_) {
      first_ = {number, now};
      return Meaning::kDrain;
    }
    const bool is_echo = number == first_->number && now - first_->at < kEchoWithin;
    return is_echo ? Meaning::kEcho : Meaning::kEndNow;
  }

 private:
  struct First {
    int number = 0;
    TimePoint at;
  };
  std::optional<First> first_;
};

}  // namespace ringpost::cli
