#include "topic/turn.hpp"

#include "ring/words.hpp"
#include "sys/error.hpp"

namespace ringpost::topic {
namespace {

/// Hidden among the topics, so that their list does not have it.
std::string file_name_of(std::uint64_t topic_id) { return "." + std::to_string(topic_id); }

}  // namespace

Result<std::shared_ptr<Turn>> Turn::open(shm::BusFiles& bus, std::uint64_t topic_id) {
  const std::string name = file_name_of(topic_id);
  auto file = sys::open_file(bus.topics(), name);
  if (!file) return Unexpected(file.error());
  auto mapping = shm::map_checked(*file, bus.path() + "/topics/" + name, kTurnMagic, kTurnFormat,
                                  base::kPageBytes);
  if (!mapping) return Unexpected(mapping.error());
  std::shared_ptr<Turn> turn(new Turn);
  turn->mapping_ = std::move(*mapping);
  turn->topic_id_ = topic_id;
  turn->window_ns_ = turn->header().dedup_window_ns;
  const bool keeps_ids = turn->header().dedup_entries != 0;
  const std::size_t bytes = turn->mapping_.bytes();
  if (keeps_ids && bytes > base::kPageBytes) {
    turn->ids_ =
        dedup::Table::attach(turn->mapping_.data() + base::kPageBytes, bytes - base::kPageBytes);
  }
  if (turn->header().topic_id != topic_id || keeps_ids != turn->ids_.has_value()) {
    return sys::error(Errc::kCorrupt, "turn of a topic", "it is damaged");
  }
  return turn;
}

Result<void> Turn::make(const shm::Participant& creator, std::uint64_t topic_id,
                        std::uint32_t dedup_entries, std::uint64_t dedup_window_ns) {
  shm::BusFiles& bus = creator.bus();
  const std::string temporary = creator.temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  const std::size_t bytes =
      base::kPageBytes + (dedup_entries == 0 ? 0 : dedup::Table::bytes_for(dedup_entries));
  Result<void> done = sys::reserve(*file, bytes, temporary);
  if (done) {
    auto mapping = sys::Mapping::map(*file, bytes, temporary);
    if (mapping) {
      auto& header = *reinterpret_cast<TurnHeader*>(mapping->data());
      header.format = kTurnFormat;
      header.dedup_entries = dedup_entries;
      header.topic_id = topic_id;
      header.dedup_window_ns = dedup_window_ns;
      if (dedup_entries != 0) {
        dedup::Table::initialise(mapping->data() + base::kPageBytes, dedup_entries);
      }
      header.magic = kTurnMagic;
      done = sys::publish_name(bus.temporary(), temporary, bus.topics(), file_name_of(topic_id));
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (done) return done;
  sys::remove_name(bus.temporary(), temporary);
  return done.error() == Errc::kExists ? Result<void>() : done;
}

/// As group::Ids::expiry().
std::uint64_t Turn::expiry(const base::TimeSource& time) const noexcept {
  const std::uint64_t lag = time.is_injected() ? 0 : base::TimeSource::kCoarseTickNs;
  return ring::deadline_from_ns(time.coarse_ns() + lag + window_ns_);
}

void Turn::remove(shm::BusFiles& bus, std::uint64_t topic_id) noexcept {
  sys::remove_name(bus.topics(), file_name_of(topic_id));
}

}  // namespace ringpost::topic
