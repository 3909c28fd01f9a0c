#include "log/log_model.hpp"

#include <algorithm>
#include <cstring>

namespace ringpost::log_rig {

EntryPointer make_entry(std::uint64_t position, std::int64_t arrival_ns, std::size_t bytes,
                        rig::Random& random) {
  auto entry = std::make_shared<Entry>();
  entry->position = position;
  entry->arrival_ns = arrival_ns;
  entry->bytes.resize(std::max(bytes, sizeof(log::RecordHeader) + log::kHashKeyBytes + 8));
  log::RecordHeader header{};
  header.bytes = static_cast<std::uint32_t>(entry->bytes.size());
  header.position = position;
  header.arrival_ns = arrival_ns;
  header.flags = random.one_in(2) ? log::kHasHashKey : std::uint8_t{0};
  header.key_bytes = static_cast<std::uint16_t>(random.below(9));
  header.kind = log::RecordKind::kStream;
  const std::size_t hash_key = header.flags != 0 ? log::kHashKeyBytes : 0;
  header.data_bytes =
      static_cast<std::uint32_t>(entry->bytes.size() - sizeof header - hash_key - header.key_bytes);
  std::memcpy(entry->bytes.data(), &header, sizeof header);
  for (std::size_t at = sizeof header; at < entry->bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.next();
    std::memcpy(&entry->bytes[at], &word, std::min(sizeof word, entry->bytes.size() - at));
  }
  return entry;
}

std::string difference(const log::RecordView& found, const Entry& wanted) {
  if (found.header.position != wanted.position) {
    return "position " + std::to_string(found.header.position) + " and not " +
           std::to_string(wanted.position);
  }
  constexpr std::size_t kSum = sizeof(std::uint32_t);
  if (found.bytes.size() != wanted.bytes.size() ||
      std::memcmp(&found.bytes[kSum], &wanted.bytes[kSum], wanted.bytes.size() - kSum) != 0) {
    return "other bytes at position " + std::to_string(wanted.position);
  }
  return {};
}

void Model::offer(std::uint64_t end) {
  offered_end = std::max(offered_end, end);
  const auto place = std::lower_bound(ends.begin(), ends.end(), end);
  if (place == ends.end() || *place != end) ends.insert(place, end);
}

std::size_t Model::index_of(std::uint64_t position) const {
  const auto place = std::lower_bound(
      entries.begin(), entries.end(), position,
      [](const EntryPointer& entry, std::uint64_t wanted) { return entry->position < wanted; });
  return static_cast<std::size_t>(place - entries.begin());
}

void Model::cut_to(std::uint64_t end) {
  entries.resize(index_of(end));
  ends.erase(std::upper_bound(ends.begin(), ends.end(), end), ends.end());
  added = entries.size();
  next = offered_end = written_end = end;
  durable_end = std::min(durable_end, end);
}

Look look(disk::Directory& directory, const Model& model, std::uint64_t end) {
  Look seen;
  auto reader = log::Reader::open(directory);
  if (!reader) {
    seen.broken = std::string("the reader does not open: ") + reader.error().what;
    return seen;
  }
  const auto first = (*reader)->first();
  if (!first) {
    seen.broken = std::string("the reader finds no beginning: ") + first.error().what;
    return seen;
  }
  seen.first = *first;
  if (seen.first > model.may_drop_to && model.index_of(seen.first) > 0) {
    seen.broken = "the log begins at " + std::to_string(seen.first) + ", nothing at or behind " +
                  std::to_string(model.may_drop_to) + " may be dropped";
    return seen;
  }
  std::size_t i = model.index_of(seen.first);
  const std::size_t stop = model.index_of(end);
  for (;; ++i, ++seen.records) {
    const auto record = (*reader)->next(end);
    if (!record) {
      if (record.error() != Errc::kEmpty) {
        seen.broken = std::string("the reader says ") + name(record.error()) + " at " +
                      std::to_string((*reader)->position());
      } else if (i != stop) {
        seen.broken = "a record is missing: position " +
                      std::to_string(model.entries[i]->position) + " of a log that ends at " +
                      std::to_string(end);
      }
      return seen;
    }
    if (i >= stop) {
      seen.broken = "a record too many: position " + std::to_string(record->header.position);
      return seen;
    }
    seen.broken = difference(*record, *model.entries[i]);
    if (!seen.broken.empty()) return seen;
  }
}

std::string judge_end(const Model& model, std::uint64_t end, std::uint64_t promised_end) {
  const std::string where = "the log ends at " + std::to_string(end);
  if (end < promised_end) {
    return where + ", it had said that it has everything below " + std::to_string(promised_end);
  }
  if (end > model.offered_end) {
    return where + ", it was never given more than what is below " +
           std::to_string(model.offered_end);
  }
  if (end != 0 && !std::binary_search(model.ends.begin(), model.ends.end(), end)) {
    return where + ", inside a batch";
  }
  return {};
}

}  // namespace ringpost::log_rig
