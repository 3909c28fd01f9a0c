#include "order.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace ringpost::market_feed {

namespace {

constexpr std::uint64_t kOne = std::uint64_t{1} << 32;  // of `applied`: one update more

bool is_named(const OrderName& name, std::string_view text) noexcept {
  return std::string_view(name.data(), name.size()).substr(0, text.size()) == text &&
         (text.size() == name.size() || name[text.size()] == '\0');
}

template <class Entry, std::size_t N>
Entry* find(std::array<Entry, N>& entries, std::string_view name) noexcept {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [name](const Entry& each) { return is_named(each.name, name); });
  return found != entries.end() ? &*found : nullptr;
}

template <class Entry, std::size_t N>
Entry& find_or_add(std::array<Entry, N>& entries, std::string_view name) {
  if (Entry* const known = find(entries, name)) return *known;
  Entry* const free = find(entries, "");
  if (free == nullptr || name.empty() || name.size() > free->name.size()) {
    throw std::runtime_error("no room for group or channel " + std::string(name));
  }
  std::copy(name.begin(), name.end(), free->name.begin());
  return *free;
}

void raise(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
  std::uint64_t before = word.load();
  while (before < value && !word.compare_exchange_weak(before, value)) {
  }
}

}  // namespace

void OrderBook::expect(const OrderStep& step) {
  OrderedGroup& group = find_or_add(groups_, step.group);
  ++group.lines;
  group.last_line = step.line;
  find_or_add(channels_, step.channel);
}

OrderBook::Outcome OrderBook::apply(const OrderStep& step) noexcept {
  OrderedGroup* const group = find(groups_, step.group);
  OrderedChannel* const channel = find(channels_, step.channel);
  if (group == nullptr || channel == nullptr || step.group.empty()) return Outcome::kUnknown;
  std::uint64_t seen = group->applied.load();
  for (;;) {
    if (static_cast<std::uint32_t>(seen) > step.line) {
      group->skipped.fetch_add(1);
      return Outcome::kSkipped;
    }
    // Before the CAS: if that succeeds, nothing later of this group had been applied until then.
    // A worker that died or stood still after its CAS may have left an older id: never a newer one.
    const std::uint64_t before = channel->update_id.load();
    const std::uint64_t next = (seen & ~(kOne - 1)) + kOne + step.line + 1;
    if (!group->applied.compare_exchange_strong(seen, next)) continue;
    if (step.update_id <= before) channel->fell.fetch_add(1);
    raise(channel->update_id, step.update_id);
    return Outcome::kApplied;
  }
}

OrderBook::Proof OrderBook::prove() const noexcept {
  Proof proof;
  for (const OrderedGroup& group : groups_) {
    if (group.lines == 0) continue;
    const std::uint64_t applied = group.applied.load();
    ++proof.groups;
    proof.lines += group.lines;
    proof.applied += applied >> 32;
    proof.skipped += group.skipped.load();
    const bool finished =
        applied >> 32 == group.lines && static_cast<std::uint32_t>(applied) == group.last_line + 1;
    if (!finished) ++proof.unfinished;
  }
  for (const OrderedChannel& channel : channels_) {
    if (is_named(channel.name, "")) continue;
    ++proof.channels;
    proof.fell += channel.fell.load();
  }
  return proof;
}

bool OrderBook::forge(std::string_view how) noexcept {
  if (how == "left-out") {
    groups_[0].applied.fetch_sub(kOne);
  } else if (how == "fell") {
    channels_[0].fell.store(1);
  } else {
    return false;
  }
  return true;
}

}  // namespace ringpost::market_feed
