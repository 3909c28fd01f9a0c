// The ring of a queue as its own layer sees it: for tests that stop half-way.
#pragma once

#include <memory>
#include <string>

#include "client/member.hpp"

namespace ringpost::test {

class RawRing {
 public:
  RawRing(const Bus& bus, const std::string& queue, std::uint64_t number = 0)
      : member_(client::Member::of(bus)),
        mapping_(member_.context().queues.open(queue).value()),
        mapped_(mapping_->ring(number)),
        ring_(mapped_->view, {header().senders, header().receivers, member_.files().hazards(),
                              member_.arena(), member_.files().fenced(), member_.files().moves()}) {
  }

  [[nodiscard]] ring::Ring& ring() noexcept { return ring_; }
  [[nodiscard]] const ring::RingView& view() const noexcept { return ring_.view; }
  [[nodiscard]] queue::QueueHeader& header() noexcept { return mapping_->header(); }
  [[nodiscard]] queue::QueueMapping& mapping() noexcept { return *mapping_; }
  [[nodiscard]] client::Member& member() noexcept { return member_; }
  [[nodiscard]] std::uint64_t ring_id() const noexcept { return mapped_->ring_id; }

  /// Takes a slot and leaves it unpublished.
  std::uint64_t claim() {
    ring::Sender sender(ring_, member_.me().index());
    std::uint64_t position = 0;
    static_cast<void>(sender.claim(position));
    return position;
  }

 private:
  client::Member& member_;
  std::shared_ptr<queue::QueueMapping> mapping_;
  std::shared_ptr<queue::MappedRing> mapped_;
  ring::Ring ring_;
};

}  // namespace ringpost::test
