#include "durable/replay.hpp"

#include <algorithm>
#include <tuple>

namespace ringpost::durable {

Errc Replay::add(const log::RecordView& record) {
  if (fifo_) fifo_->add(record);
  switch (kind_of(record)) {
    case Kind::kSend:
      if (const auto message = read_send(record)) return add_send(*message);
      return Errc::kDamaged;
    case Kind::kDelete:
      if (const auto id = read_delete(record)) return add_delete(*id), Errc::kOk;
      return Errc::kDamaged;
    case Kind::kReceived:
      if (const auto received = read_received(record)) return add_received(*received), Errc::kOk;
      return Errc::kDamaged;
    case Kind::kVoid:
      if (const auto id = read_void(record)) return add_delete(*id), Errc::kOk;
      return Errc::kDamaged;
    case Kind::kKnownId:
      return read_known_id(record) ? Errc::kOk : Errc::kDamaged;
    case Kind::kForgotten:
    case Kind::kPositions:
      return read_mark(record) ? Errc::kOk : Errc::kDamaged;
    case Kind::kRelocated:
      if (const auto mark = read_mark(record)) return end_relocation(mark->number), Errc::kOk;
      return Errc::kDamaged;
    case Kind::kBacklogGone:
      if (const auto mark = read_mark(record)) return raise_floor(mark->floor), Errc::kOk;
      return Errc::kDamaged;
    case Kind::kSnapshotBegin:
      if (const auto mark = read_mark(record)) return begin_snapshot(*mark), Errc::kOk;
      return Errc::kDamaged;
    case Kind::kSnapshotEnd:
      if (const auto mark = read_mark(record)) return end_snapshot(mark->number), Errc::kOk;
      return Errc::kDamaged;
  }
  return Errc::kNewerFormat;
}

/// A relocated one may come behind the record that says it is gone: ids never come again. What came
/// from the log into a slot may have been written for several, of which one was decided.
Errc Replay::add_send(const Message& message) {
  if (message.is_overflow) {
    last_overflow_ = std::max(last_overflow_, message.id.position);
    ++overflowed_;
    return Errc::kOk;
  }
  if (message.replaces != 0 && message.relocation == 0) {
    raise_floor(message.replaces + 1);
    ++refilled_;
  }
  State& in = state();
  if (in.gone.contains(message.name())) return Errc::kOk;
  Restored& restored = message.relocation == 0 ? in.messages[message.name()]
                                               : in.relocated[message.relocation][message.name()];
  const std::uint32_t receives = std::max(restored.message.receives, message.receives);
  restored.bytes.assign(message.content.begin(), message.content.end());
  restored.message = message;
  restored.message.receives = receives;
  return Errc::kOk;
}

void Replay::add_delete(const MessageId& id) {
  state().messages.erase(id);
  state().gone.insert(id);
}

void Replay::add_received(const Received& received) {
  const auto note = [&received](Messages& messages) {
    const auto found = messages.find(received.id);
    if (found == messages.end()) return;
    std::uint32_t& receives = found->second.message.receives;
    receives = std::max(receives, received.count);
  };
  note(state().messages);
  for (auto& [number, messages] : state().relocated) note(messages);
}

/// Where they stood before may be gone already.
void Replay::end_relocation(std::uint64_t number) {
  State& in = state();
  const auto found = in.relocated.find(number);
  if (found == in.relocated.end()) return;
  for (auto& [id, restored] : found->second) {
    if (in.gone.contains(id)) continue;
    const auto before = in.messages.find(id);
    if (before != in.messages.end()) {
      std::uint32_t& receives = restored.message.receives;
      receives = std::max(receives, before->second.message.receives);
    }
    in.messages.insert_or_assign(id, std::move(restored));
  }
  in.relocated.erase(found);
}

/// Whoever wrote the last one died before its end: it has been made again.
void Replay::begin_snapshot(const Mark& mark) {
  raise_floor(mark.floor);
  snapshot_ = State{};
  snapshot_number_ = mark.number;
  in_snapshot_ = true;
}

/// One whose begin was dropped with its segment: all that it has follows as any other record.
void Replay::end_snapshot(std::uint64_t number) {
  if (!in_snapshot_ || number != snapshot_number_) return;
  whole_ = std::move(snapshot_);
  snapshot_ = State{};
  in_snapshot_ = false;
}

Replay::Backlog Replay::backlog() const noexcept {
  if (last_overflow_ < floor_ || overflowed_ == 0) return {floor_, 0};
  return {floor_, overflowed_ > refilled_ ? overflowed_ - refilled_ : 1};
}

std::vector<Replay::Restored> Replay::finish() {
  std::vector<Restored> all;
  all.reserve(whole_.messages.size());
  for (auto& [id, restored] : whole_.messages) all.push_back(std::move(restored));
  whole_ = snapshot_ = State{};
  in_snapshot_ = false;
  for (Restored& each : all) each.message.content = each.bytes;
  std::sort(all.begin(), all.end(), [](const Restored& a, const Restored& b) {
    return std::tuple(a.message.ring_number, a.message.id.position) <
           std::tuple(b.message.ring_number, b.message.id.position);
  });
  return all;
}

}  // namespace ringpost::durable
