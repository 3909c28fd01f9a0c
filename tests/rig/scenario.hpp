// What a case is made of. Both engines run the same parts.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ringpost::rig {

/// What one participant does, as a fiber. It notes in the scenario's own state what it was told
/// (accepted, received, acknowledged), because the check judges by that.
struct Operation {
  std::string name;
  int participant = 0;
  std::function<void()> body;
};

/// Bytes that an event changes.
struct Place {
  const void* begin = nullptr;
  std::size_t bytes = 0;
};

/// Something that happens by itself, once, at any moment: a tick of the clock. `touches`: the
/// shared bytes it changes; it is tried just before each access to them, and before every access
/// if the list is empty. (It must change nothing else that a fiber looks at.)
struct Event {
  std::string name;
  std::function<void()> fire;
  std::vector<Place> touches;
};

/// Parts common to all cases.
struct Stage {
  std::string name;

  /// Fresh state, outside a fiber. Calls share() for every byte that participants share; the same
  /// state each time, to the bit, or runs cannot be replayed.
  std::function<void()> setup;

  /// The participant is dead from now on: makes liveness say so. Changes only `liveness`.
  std::function<void(int participant)> on_death;
  std::vector<Place> liveness;

  /// Empty when every promise holds, else what is broken. Runs as the last fiber, with a bound on
  /// its steps, so it may send, receive and recover as a survivor would.
  std::function<std::string()> check;

  /// What lies at a shared address, for traces. Empty: unknown.
  std::function<std::string(const void*)> describe;
};

}  // namespace ringpost::rig
