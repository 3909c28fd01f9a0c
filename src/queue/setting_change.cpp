#include "queue/setting_change.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace ringpost::queue {
namespace {

std::uint64_t ns_of(const std::optional<Duration>& value) noexcept {
  return static_cast<std::uint64_t>(value->count());
}
Duration duration_of(std::uint64_t ns) noexcept { return Duration(static_cast<std::int64_t>(ns)); }

/// In the order of kSettingWords. Every setting is given.
void write_record(SettingsRecord& record, const QueueSettings& all) noexcept {
  const std::uint64_t values[] = {
      ns_of(all.visibility_timeout),
      ns_of(all.delay),
      ns_of(all.retention),
      ns_of(all.receive_wait),
      *all.message_bytes_max,
      *all.in_flight_max,
      all.redrive->dead_letter_queue.empty() ? 0 : all.redrive->max_receive_count,
      static_cast<std::uint64_t>(*all.dedup),
      ns_of(all.dedup_window)};
  static_assert(std::size(values) == kSettings);
  // relaxed: the CAS of settings_change carries them.
  for (std::size_t i = 0; i < kSettings; ++i) {
    record.values[i].store(values[i], std::memory_order_relaxed);
  }
  store_name(record.dead_letter_queue, all.redrive->dead_letter_queue);
  const RedriveAllow& allow = *all.redrive_allow;
  const std::size_t count = std::min(allow.sources.size(), kAllowedSourcesMax);
  record.allow.store(static_cast<std::uint64_t>(allow.permission) | count << 8,
                     std::memory_order_relaxed);
  for (std::size_t i = 0; i < kAllowedSourcesMax; ++i) {
    store_name(record.sources + i * kNameWords, i < count ? allow.sources[i] : std::string_view());
  }
}

QueueSettings read_record(const SettingsRecord& record) {
  std::uint64_t values[kSettings];
  for (std::size_t i = 0; i < kSettings; ++i) {
    values[i] = record.values[i].load(std::memory_order_relaxed);
  }
  QueueSettings all;
  all.visibility_timeout = duration_of(values[0]);
  all.delay = duration_of(values[1]);
  all.retention = duration_of(values[2]);
  all.receive_wait = duration_of(values[3]);
  all.message_bytes_max = values[4];
  all.in_flight_max = static_cast<std::uint32_t>(values[5]);
  all.redrive.emplace();
  all.redrive->dead_letter_queue = load_name(record.dead_letter_queue);
  if (values[6] != 0) all.redrive->max_receive_count = static_cast<std::uint32_t>(values[6]);
  all.dedup = static_cast<Dedup>(std::min<std::uint64_t>(values[7], 2));
  all.dedup_window = duration_of(values[8]);
  const std::uint64_t allow = record.allow.load(std::memory_order_relaxed);
  all.redrive_allow.emplace();
  all.redrive_allow->permission =
      static_cast<RedriveAllow::Permission>(std::min<std::uint64_t>(allow & 0xff, 2));
  const std::size_t count = std::min<std::size_t>(allow >> 8, kAllowedSourcesMax);
  for (std::size_t i = 0; i < count; ++i) {
    all.redrive_allow->sources.push_back(load_name(record.sources + i * kNameWords));
  }
  return all;
}

template <class T>
void take_given(std::optional<T>& into, const std::optional<T>& given) {
  if (given) into = given;
}

void merge(QueueSettings& into, const QueueSettings& changes) {
  take_given(into.visibility_timeout, changes.visibility_timeout);
  take_given(into.delay, changes.delay);
  take_given(into.retention, changes.retention);
  take_given(into.receive_wait, changes.receive_wait);
  take_given(into.message_bytes_max, changes.message_bytes_max);
  take_given(into.in_flight_max, changes.in_flight_max);
  take_given(into.dedup, changes.dedup);
  take_given(into.dedup_window, changes.dedup_window);
  take_given(into.redrive, changes.redrive);
  take_given(into.redrive_allow, changes.redrive_allow);
}

/// [settings] acquire: the record of that change is complete.
SettingsChange change_of(const QueueHeader& header) noexcept {
  return {header.settings_change.load(std::memory_order_acquire)};
}

/// The word names a record, whatever a peer has written there.
SettingsRecord& record_of(QueueHeader& header, SettingsChange change) noexcept {
  return settings_records(header)[change.record() % kSettingsRecords];
}

/// A record that is not in force and nobody's.
SettingsRecord* take_record(QueueHeader& header, std::uint16_t me) noexcept {
  for (std::uint32_t i = 0; i < kSettingsRecords; ++i) {
    SettingsRecord& record = settings_records(header)[i];
    std::uint64_t nobody = 0;
    if (!record.owner.compare_exchange_strong(nobody, me, std::memory_order_acq_rel)) continue;
    // Only now: before, its last owner may have brought it into force. While it is mine nobody can.
    if (&record_of(header, change_of(header)) != &record) return &record;
    record.owner.store(0, std::memory_order_release);
  }
  return nullptr;
}

}  // namespace

void initialise_settings(QueueHeader& header, const QueueSettings& all) noexcept {
  SettingsRecord& record = *settings_records(header);
  write_record(record, all);
  for (std::size_t i = 0; i < kSettings; ++i) {
    (header.settings.*kSettingWords[i]).store(record.values[i].load(std::memory_order_relaxed));
  }
}

void finish_settings(QueueHeader& header) noexcept {
  const SettingsChange change = change_of(header);
  if (!change.pending()) return;
  const SettingsRecord& record = record_of(header, change);
  const std::uint64_t tag = change.number() & SettingWord::kTagMask;
  for (std::size_t i = 0; i < kSettings; ++i) {
    std::atomic<std::uint64_t>& word = (header.settings.*kSettingWords[i]).word();
    const std::uint64_t wanted =
        record.values[i].load(std::memory_order_relaxed) << SettingWord::kTagBits | tag;
    std::uint64_t seen = word.load(std::memory_order_acquire);
    if (seen == wanted) continue;
    // Still pending after the look: what was seen is older than this change.
    if (change_of(header).word != change.word) return;
    word.compare_exchange_strong(seen, wanted, std::memory_order_acq_rel);
  }
  std::uint64_t pending = change.word;
  header.settings_change.compare_exchange_strong(
      pending, SettingsChange::of(change.number(), change.record(), false).word,
      std::memory_order_acq_rel);
}

Errc change_settings(QueueHeader& header, const QueueSettings& changes, std::uint16_t me) {
  SettingsRecord* const record = take_record(header, me);
  if (record == nullptr) return Errc::kBusy;
  const auto index = static_cast<std::uint32_t>(record - settings_records(header));
  for (;;) {
    finish_settings(header);
    const SettingsChange before = change_of(header);
    if (before.pending()) continue;
    QueueSettings all = read_record(record_of(header, before));
    merge(all, changes);
    write_record(*record, all);
    std::uint64_t seen = before.word;
    // [settings] The change is made. From the value read: what I merged into is still in force.
    if (header.settings_change.compare_exchange_strong(
            seen, SettingsChange::of(before.number() + 1, index, true).word,
            std::memory_order_acq_rel)) {
      break;
    }
  }
  finish_settings(header);
  record->owner.store(0, std::memory_order_release);
  return Errc::kOk;
}

void sweep_settings(QueueHeader& header, std::uint16_t dead) noexcept {
  finish_settings(header);
  for (std::uint32_t i = 0; i < kSettingsRecords; ++i) {
    std::uint64_t owner = dead;
    settings_records(header)[i].owner.compare_exchange_strong(owner, 0, std::memory_order_acq_rel);
  }
}

QueueSettings changeable_settings(QueueHeader& header) {
  for (;;) {
    finish_settings(header);
    const SettingsChange before = change_of(header);
    QueueSettings all = read_record(record_of(header, before));
    std::atomic_thread_fence(std::memory_order_acquire);  // the copy before the second look
    const SettingsChange after = change_of(header);
    if (after.number() == before.number() && after.record() == before.record()) return all;
  }
}

QueueSettings settings_in_force(const QueueHeader& header) {
  const SettingWords& words = header.settings;
  QueueSettings found;
  found.visibility_timeout = duration_of(words.visibility_ns.load());
  found.delay = duration_of(words.delay_ns.load());
  found.retention = duration_of(words.retention_ns.load());
  found.receive_wait = duration_of(words.receive_wait_ns.load());
  found.message_bytes_max = words.message_bytes_max.load();
  found.in_flight_max = static_cast<std::uint32_t>(words.in_flight_max.load());
  found.dedup_window = duration_of(words.dedup_window_ns.load());
  return found;
}

std::string dead_letter_queue_of(QueueHeader& header) {
  return changeable_settings(header).redrive->dead_letter_queue;
}

}  // namespace ringpost::queue
