// Our own queue as the drivers see it: the public interface alone, send → receive → acknowledge.
//
// Small messages go through send() (one copy into the slot), large ones through loan() (written in
// place); they are read in place. Who has nothing to receive waits in receive(), which spins or
// parks as the row says, and comes back now and then so that the driver can end a slice.
#pragma once

#include <stdlib.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "harness/transport.hpp"
#include "ringpost/ringpost.hpp"

namespace ringpost::bench::peers {

/// A temporary bus in a directory of its own; removed with the object.
class TemporaryBus {
 public:
  /// `state_dir`: where streams keep their logs; none without it.
  explicit TemporaryBus(std::string state_dir = {}) {
    options_.state_dir = std::move(state_dir);
    std::string name = "/dev/shm/ringpost-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw Unsupported("cannot make " + name);
    options_.shm_dir = name;
  }
  TemporaryBus(const TemporaryBus&) = delete;
  TemporaryBus& operator=(const TemporaryBus&) = delete;
  ~TemporaryBus() {
    (void)Bus::remove("bench", options_);
    (void)::rmdir(options_.shm_dir.c_str());
  }
  [[nodiscard]] Bus open() const { return Bus::open("bench", options_).value(); }

 private:
  BusOptions options_;
};

/// `kInOrder`: false where messages have many groups and several consumers: then only each group is
/// in order.
template <Waiting kWaiting, bool kInOrder = true>
class RingpostQueue {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = kInOrder;
  static constexpr std::size_t kBatchMax = 100;
  static constexpr std::size_t kGroupBytes = 16;

  explicit RingpostQueue(const ChannelOptions& options) : options_(options) {
    QueueSettings settings;
    settings.slots = static_cast<std::uint32_t>(options.capacity);
    settings.fixed = true;
    settings.message_bytes_max = 1 << 20;
    if (options.groups != 0) {
      settings.fifo = true;
      settings.inline_bytes = static_cast<std::uint32_t>(options.message_bytes + kGroupBytes);
    } else if (options.message_bytes <= 1024) {
      settings.inline_bytes =
          static_cast<std::uint32_t>(std::max<std::size_t>(options.message_bytes, 104));
    }
    (void)bus_.open().queue("channel", settings).value();
  }

  class Producer {
   public:
    Producer(const RingpostQueue& transport, unsigned index)
        : bus_(transport.bus_.open()),
          queue_(bus_.open_queue("channel").value()),
          options_(transport.options_),
          buffer_(options_.batch * options_.message_bytes),
          batch_(options_.batch) {
      queue_.set_waiting(kWaiting);
      for (std::size_t i = 0; i < options_.groups; ++i) groups_.push_back(std::to_string(i));
      next_group_ = options_.groups * index / options_.producers;
    }

    template <class Fill>
    std::size_t send_some(std::size_t count, Fill&& fill) {
      if (options_.message_bytes > 1024) return send_loan(fill);
      if (count == 1) {
        fill(body(0), std::size_t{0});
        if (!groups_.empty()) room_.group = next_group();
        return queue_.send(body(0), room_).has_value() ? 1 : 0;
      }
      for (std::size_t k = 0; k < count; ++k) {
        fill(body(k), k);
        batch_[k].body = body(k);
        if (!groups_.empty()) batch_[k].group = next_group();
      }
      return queue_.send_batch(std::span(batch_).first(count), room_).value_or(0);
    }

   private:
    std::span<std::byte> body(std::size_t k) {
      return std::span(buffer_).subspan(k * options_.message_bytes, options_.message_bytes);
    }
    std::string_view next_group() {
      if (next_group_ == groups_.size()) next_group_ = 0;
      return groups_[next_group_++];
    }
    template <class Fill>
    std::size_t send_loan(Fill& fill) {
      auto loan = queue_.loan(options_.message_bytes);
      if (!loan) return 0;
      fill(loan->bytes(), std::size_t{0});
      return queue_.send(std::move(*loan), room_).has_value() ? 1 : 0;
    }
    Bus bus_;
    Queue queue_;
    ChannelOptions options_;
    std::vector<std::byte> buffer_;
    std::vector<OutMessage> batch_;
    std::vector<std::string> groups_;
    std::size_t next_group_ = 0;
    SendOptions room_{.wait = std::chrono::microseconds(50)};
  };

  class Consumer {
   public:
    Consumer(const RingpostQueue& transport)
        : bus_(transport.bus_.open()), queue_(bus_.open_queue("channel").value()) {
      queue_.set_waiting(kWaiting);
      wait_.wait = kWaiting == Waiting::kSpin ? Duration(std::chrono::microseconds(20))
                                              : Duration(std::chrono::milliseconds(1));
    }

    template <class Visit>
    std::size_t receive_some(std::size_t count, Visit&& visit) {
      wait_.max_messages = static_cast<std::uint32_t>(count);
      if (queue_.receive(leases_, wait_) != Errc::kOk) return 0;
      for (Lease& lease : leases_) {
        visit(lease.body());
        lease.acknowledge();
      }
      return leases_.size();
    }

   private:
    Bus bus_;
    Queue queue_;
    ReceiveOptions wait_;
    Leases leases_;
  };

  [[nodiscard]] Producer producer(unsigned index) { return Producer(*this, index); }
  [[nodiscard]] Consumer consumer(unsigned /*index*/) { return Consumer(*this); }

 private:
  ChannelOptions options_;
  TemporaryBus bus_;
};

}  // namespace ringpost::bench::peers
