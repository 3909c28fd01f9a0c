#include "process/rig/hot_path.hpp"

#include <algorithm>

namespace ringpost::rig {

namespace {

using namespace std::chrono_literals;

bool take(HotPath& path, std::uint32_t count) {
  ReceiveOptions options;
  options.max_messages = count;
  options.wait = 1s;  // never needed: the messages are there
  std::uint32_t left = count;
  while (left > 0) {
    options.max_messages = left;
    if (path.queue.receive(path.received, options) != Errc::kOk) return false;
    for (Lease& lease : path.received) {
      if (lease.body().empty() || lease.acknowledge() != Errc::kOk) return false;
    }
    left -= path.received.size();
    path.received.clear();
  }
  return true;
}

bool single(HotPath& path, ByteSpan body) {
  return path.queue.send(body).has_value() && take(path, 1);
}

bool batch(HotPath& path, std::span<const OutMessage> messages) {
  const auto sent = path.queue.send_batch(messages);
  return sent && *sent == messages.size() &&
         take(path, static_cast<std::uint32_t>(messages.size()));
}

bool loan(HotPath& path, std::size_t bytes) {
  auto memory = path.queue.loan(bytes);
  if (!memory) return false;
  std::fill(memory->bytes().begin(), memory->bytes().end(), std::byte{7});
  return path.queue.send(*std::move(memory)).has_value() && take(path, 1);
}

bool with_attribute(HotPath& path) {
  const Attribute venue{"venue", "spot"};
  SendOptions options;
  options.attributes = AttributeList(std::span(&venue, 1));
  return path.queue.send(path.inline_body, options).has_value() && take(path, 1);
}

bool receive_empty(HotPath& path) { return path.queue.receive(path.received, {}) == Errc::kEmpty; }

bool release_extend_by_receipt(HotPath& path) {
  if (!path.queue.send(path.inline_body)) return false;
  if (path.queue.receive(path.received, {}) != Errc::kOk) return false;
  if (path.received.front().release() != Errc::kOk) return false;
  if (path.queue.receive(path.received, {}) != Errc::kOk) return false;
  Lease& lease = path.received.front();
  const Receipt receipt = lease.receipt();
  if (receipt.receive_count != 2 || lease.extend(10s) != Errc::kOk) return false;
  const bool done = path.queue.acknowledge(receipt) == Errc::kOk &&
                    path.queue.acknowledge(receipt) == Errc::kStaleReceipt;
  path.received.clear();
  return done;
}

bool receive_by_value(HotPath& path) {
  if (!path.queue.send(path.inline_body)) return false;
  auto received = path.queue.receive();
  return received && received->front().acknowledge() == Errc::kOk;
}

constexpr HotCall kCalls[] = {
    {"single, inline", [](HotPath& path) { return single(path, path.inline_body); }},
    {"single, block", [](HotPath& path) { return single(path, path.block_body); }},
    {"batch of 10, inline", [](HotPath& path) { return batch(path, path.inline_batch); }},
    {"batch of 10, block", [](HotPath& path) { return batch(path, path.block_batch); }},
    {"loan, block", [](HotPath& path) { return loan(path, 65'536); }},
    {"with an attribute", with_attribute},
    {"receive from an empty queue", receive_empty},
    {"receive by value", receive_by_value},
    {"release, extend, acknowledge by receipt", release_extend_by_receipt},
};

}  // namespace

HotPath::HotPath(Queue& on_queue) : queue(on_queue) {
  inline_body.fill(std::byte{1});
  block_body.fill(std::byte{2});
  for (OutMessage& message : inline_batch) message.body = inline_body;
  for (OutMessage& message : block_batch) message.body = block_body;
}

std::span<const HotCall> hot_calls() { return kCalls; }

}  // namespace ringpost::rig
