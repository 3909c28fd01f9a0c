// Our own streams as the drivers see them: the public interface alone, one shard.
//
// Live: in the ring only, puts return when the record is there, and the reader looks at it in place
// without sleeping. A record is settled when the next one is asked for.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "harness/disk_directory.hpp"
#include "harness/transport.hpp"
#include "peers/ringpost_queue.hpp"
#include "ringpost/ringpost.hpp"
#include "ringpost/stream.hpp"

namespace ringpost::bench::peers {

class RingpostStream {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = true;

  explicit RingpostStream(const ChannelOptions& options) : options_(options) {
    (void)bus_.open()
        .stream(
            "channel",
            {.shards = 1, .storage = StreamStorage::kMemory, .ring_bytes = std::uint64_t{8} << 20})
        .value();
  }

  class Producer {
   public:
    explicit Producer(const RingpostStream& of)
        : bus_(of.bus_.open()),
          stream_(bus_.open_stream("channel").value()),
          body_(of.options_.message_bytes) {}

    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      fill(std::span(body_), 0);
      return stream_.put("key", body_).has_value() ? 1 : 0;
    }

   private:
    Bus bus_;
    Stream stream_;
    std::vector<std::byte> body_;
  };

  class Consumer {
   public:
    explicit Consumer(const RingpostStream& of)
        : bus_(of.bus_.open()),
          stream_(bus_.open_stream("channel").value()),
          reader_(stream_.reader(0, From::trim_horizon()).value()) {}

    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      const auto record = reader_.next();
      if (!record) {
        if (record.error() != Errc::kEmpty) throw std::runtime_error(message(record.error()));
        return 0;
      }
      visit(record->data);
      if (!reader_.intact()) throw std::runtime_error("overwritten while it was read");
      return 1;
    }

   private:
    Bus bus_;
    Stream stream_;
    ShardReader reader_;
  };

  Producer producer(unsigned /*index*/) { return Producer(*this); }
  Consumer consumer(unsigned /*index*/) { return Consumer(*this); }

 private:
  ChannelOptions options_;
  TemporaryBus bus_;
};

}  // namespace ringpost::bench::peers
