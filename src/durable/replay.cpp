#include "durable/replay.hpp"

#include <algorithm>
#include <tuple>

namespace ringpost::durable {

Errc Replay::add(const log::RecordView& record) {
  if (fifo_) fifo_->add(record);
  switch (kind_of(record)) {
    case Kind::kSend:
      if (const auto message = read_send(record)) {
        return add_send(*message, record.header.position);
      }
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

/// What came from the log into a slot may have been written for several, of which one was decided.
Errc Replay::add_send(const Message& message, std::uint64_t record) {
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
  const MessageId& name = message.name();
  if (in.gone.contains(name)) return Errc::kOk;
  Left& left = message.relocation == 0 ? in.messages[name] : in.relocated[message.relocation][name];
  left.id = message.id;
  left.record = record;
  left.bytes = static_cast<std::uint32_t>(message.content_bytes());
  left.ring_number = message.ring_number;
  left.receives = std::max(left.receives, message.receives);
  return Errc::kOk;
}

/// It stands behind the message. A copy may come behind it, too: if that counts, then whoever made
/// it has seen that the message is gone, and says so once more behind the copy. In a FIFO queue a
/// moved message is gone before its slot is free, and so before he can see it: there it stays known
/// which are gone.
void Replay::add_delete(const MessageId& id) {
  state().messages.erase(id);
  for (auto& [number, messages] : state().relocated) messages.erase(id);
  if (fifo_) state().gone.insert(id);
}

void Replay::add_received(const Received& received) {
  const auto note = [&received](Messages& messages) {
    const auto found = messages.find(received.id);
    if (found == messages.end()) return;
    std::uint32_t& receives = found->second.receives;
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
  for (auto& [id, copy] : found->second) {
    if (in.gone.contains(id)) continue;
    const auto before = in.messages.find(id);
    if (before != in.messages.end()) {
      copy.receives = std::max(copy.receives, before->second.receives);
    }
    in.messages.insert_or_assign(id, copy);
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

std::size_t Replay::State::held() const noexcept {
  std::size_t count = messages.size() + gone.size();
  for (const auto& [number, copies] : relocated) count += copies.size();
  return count;
}

std::size_t Replay::held() const noexcept { return whole_.held() + snapshot_.held(); }

std::vector<Left> Replay::finish() {
  std::vector<Left> all;
  all.reserve(whole_.messages.size());
  for (const auto& [id, left] : whole_.messages) all.push_back(left);
  whole_ = snapshot_ = State{};
  in_snapshot_ = false;
  std::sort(all.begin(), all.end(), [](const Left& a, const Left& b) {
    return std::tuple(a.ring_number, a.id.position) < std::tuple(b.ring_number, b.id.position);
  });
  return all;
}

}  // namespace ringpost::durable
