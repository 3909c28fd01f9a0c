// How often a history went through states that are rare: a rig that never reached one says so.
#pragma once

#include <cstdint>
#include <vector>

#include "process/history/history.hpp"

namespace ringpost::history {

class RareStates {
 public:
  struct Entry {
    const char* name;
    std::uint64_t count;
  };
  void count(const char* state, std::uint64_t times);
  void add(const RareStates& other);
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t of(const char* state) const noexcept;

 private:
  std::vector<Entry> entries_;
};

[[nodiscard]] RareStates count_states(const History& history);

}  // namespace ringpost::history
