#include "durable/fifo_replay.hpp"

#include <algorithm>

#include "dedup/key.hpp"

namespace ringpost::durable {

void FifoReplay::add(const log::RecordView& record) {
  if (const auto message = read_send(record)) return add_send(*message);
  if (const auto known = read_known_id(record)) return add_known(*known);
  if (const auto id = read_delete(record)) return see(id->position);
  if (const auto received = read_received(record)) return see(received->id.position);
  if (const auto id = read_void(record)) {
    see(id->position);
    known_.erase(*id);
    void_.insert(*id);
    return;
  }
  const auto mark = read_mark(record);
  if (!mark || mark->number == 0) return;
  if (kind_of(record) == Kind::kRelocated) end_relocation(mark->number);
  if (kind_of(record) == Kind::kForgotten) forget_before(mark->number);
  if (kind_of(record) == Kind::kPositions) see(mark->number - 1);
}

void FifoReplay::see(std::uint64_t position) noexcept { end_ = std::max(end_, position + 1); }

void FifoReplay::add_send(const Message& message) {
  see(message.id.position);
  if (message.id_until_ns <= rules_.now_ns) return;
  const std::string_view ids =
      as_text(message.content.subspan(std::uint64_t{message.body_bytes} + message.attribute_bytes));
  const std::string_view group = ids.substr(0, message.group_bytes);
  const dedup::Key key = dedup::key_of_id(rules_.lasting_id, ids.substr(message.group_bytes),
                                          rules_.by_group ? group : std::string_view());
  add_known({key, message.id, message.id_until_ns, message.relocation});
}

void FifoReplay::add_known(const KnownId& known) {
  see(known.id.position);
  if (known.relocation == 0) return apply(known);
  relocated_[known.relocation].push_back(known);
}

/// Whoever wrote them has looked at the table again: the last word about an id is right, but for
/// what has been forgotten since.
void FifoReplay::end_relocation(std::uint64_t number) {
  const auto found = relocated_.find(number);
  if (found == relocated_.end()) return;
  for (const KnownId& known : found->second) apply(known);
  relocated_.erase(found);
}

void FifoReplay::apply(const KnownId& known) {
  if (void_.contains(known.id)) return;
  if (known.until_ns <= rules_.now_ns) {
    known_.erase(known.id);
  } else {
    known_[known.id] = known;
  }
}

void FifoReplay::forget_before(std::uint64_t position) {
  std::erase_if(known_, [&](const auto& each) { return each.first.position < position; });
  for (auto& [number, ids] : relocated_) {
    std::erase_if(ids, [&](const KnownId& each) { return each.id.position < position; });
  }
  see(position - 1);
}

std::vector<KnownId> FifoReplay::ids() const {
  struct HashKey {
    std::size_t operator()(const dedup::Key& key) const noexcept { return key.low; }
  };
  std::unordered_map<dedup::Key, KnownId, HashKey> last;
  for (const auto& [id, known] : known_) {
    const auto [at, is_new] = last.emplace(known.key, known);
    if (!is_new && at->second.id.position < id.position) at->second = known;
  }
  std::vector<KnownId> all;
  all.reserve(last.size());
  for (const auto& [key, known] : last) all.push_back(known);
  return all;
}

}  // namespace ringpost::durable
