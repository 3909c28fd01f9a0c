// Messages that are left are read from the log once more. They lie there about in the order in
// which they are wanted, but not quite: some at a time are read in the order of the log.
#include <algorithm>
#include <cstring>
#include <vector>

#include "durable/replay.hpp"

namespace ringpost::durable {
namespace {

/// What lies between is read over.
constexpr std::uint64_t kReadOver = 1u << 10;  // cells

Errc find(log::Reader& log, const Left& wanted, Message& into) {
  const std::uint64_t at = log.position();
  if (wanted.record < at || wanted.record - at > kReadOver) log.seek(wanted.record);
  for (;;) {
    const auto record = log.next(wanted.record + 1);
    if (!record && record.error() == Errc::kLapped) continue;  // salvaged, in front of it
    if (!record) return record.error() == Errc::kEmpty ? Errc::kDamaged : record.error();
    if (record->header.position != wanted.record) continue;
    const auto message = read_send(*record);
    if (!message || !(message->id == wanted.id)) return Errc::kDamaged;
    into = *message;
    into.receives = std::max(into.receives, wanted.receives);
    return Errc::kOk;
  }
}

/// So many of the front as may be held.
std::size_t some_of(std::span<const Left> messages) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < messages.size() &&
         (count == 0 || bytes + messages[count].bytes <= kReadAgainBytes))
    bytes += messages[count++].bytes + sizeof(Message);
  return count;
}

}  // namespace

Errc read_again(log::Reader& log, std::span<const Left> messages,
                const std::function<Errc(const Message&)>& take) {
  std::vector<std::byte> bytes;
  std::vector<Message> found;
  std::vector<std::size_t> order;
  while (!messages.empty()) {
    const auto some = messages.first(some_of(messages));
    std::size_t size = 0;
    order.clear();
    for (std::size_t i = 0; i < some.size(); ++i) {
      size += some[i].bytes;
      order.push_back(i);
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return some[a].record < some[b].record; });
    found.resize(some.size());
    bytes.resize(size);
    std::size_t end = 0;
    for (const std::size_t i : order) {
      if (const Errc code = find(log, some[i], found[i]); code != Errc::kOk) return code;
      const ByteSpan content = found[i].content;
      if (content.size() != some[i].bytes) return Errc::kDamaged;
      if (!content.empty()) std::memcpy(bytes.data() + end, content.data(), content.size());
      found[i].content = {bytes.data() + end, content.size()};
      end += content.size();
    }
    for (const Message& message : found) {
      if (const Errc code = take(message); code != Errc::kOk) return code;
    }
    messages = messages.subspan(some.size());
  }
  return Errc::kOk;
}

}  // namespace ringpost::durable
