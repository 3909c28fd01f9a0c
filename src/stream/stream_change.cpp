// Settings and tags, and what is left to be done for those who died while they changed something.
#include "queue/tags.hpp"
#include "stream/settings.hpp"
#include "stream/stream_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {

/// The lock, with everything finished that the last holder had begun.
class StreamCore::Change {
 public:
  explicit Change(StreamCore& core) : core_(core) {
    if (core_.member_.me.is_forked()) {
      result_ = sys::error(Errc::kForked, core_.name(), message(Errc::kForked));
      return;
    }
    result_ = core_.control_.lock();
    locked_ = result_.has_value();
    if (locked_) result_ = core_.carry_on();
  }
  ~Change() {
    if (locked_) core_.control_.unlock();
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  [[nodiscard]] const Result<void>& result() const noexcept { return result_; }

 private:
  StreamCore& core_;
  Result<void> result_;
  bool locked_ = false;
};

Result<void> StreamCore::change(const std::function<Result<void>(stream::Meta&)>& act) {
  const Change change(*this);
  if (!change.result()) return change.result();
  auto meta = control_.meta();
  if (!meta) return Unexpected(meta.error());
  if (auto done = act(*meta); !done) return done;
  return refresh();
}

/// On disk first: from then on it will be so, whoever dies.
Result<void> StreamCore::save(stream::Meta& meta,
                              const std::vector<stream::NamedJournal>& journals) {
  ++meta.generation;
  if (has_log()) {
    auto directory = state_->stream(name());
    if (!directory) return Unexpected(directory.error());
    if (auto written = stream::write_meta(**directory, meta); !written) return written;
  }
  return control_.apply(meta, journals);
}

/// The disk may be ahead by the change of somebody who died, or could not go on.
Result<void> StreamCore::carry_on() {
  if (has_log()) {
    auto directory = state_->stream(name());
    if (!directory) return Unexpected(directory.error());
    auto meta = stream::read_meta(**directory);
    if (!meta) return Unexpected(meta.error());
    if (meta->stream_id != control_.stream_id()) {
      return sys::error(Errc::kCorrupt, "stream \"" + name() + "\"", "another one is on disk");
    }
    if (meta->generation > control_.header().generation.load(std::memory_order_acquire)) {
      const auto count = control_.shards();
      if (!count) return Unexpected(count.error());
      std::vector<stream::NamedJournal> journals(meta->shards.size());
      for (std::size_t i = *count; i < meta->shards.size(); ++i) {
        if (meta->shards[i].end) continue;
        auto made = make_journal(static_cast<std::uint32_t>(i));
        if (!made) return Unexpected(made.error());
        journals[i] = *made;
      }
      if (auto applied = control_.apply(*meta, journals); !applied) return applied;
    }
  }
  if (auto read = refresh(); !read) return read;
  auto meta = control_.meta();
  if (!meta) return Unexpected(meta.error());
  return finish_reshard(*meta);
}

Result<void> StreamCore::set(const StreamSettings& changes) {
  return change([&](stream::Meta& meta) -> Result<void> {
    auto all = stream::changed(meta.settings, changes);
    if (!all) return Unexpected(all.error());
    meta.settings = std::move(*all);
    return save(meta);
  });
}

StreamSettings StreamCore::settings() {
  static_cast<void>(begin());  // if it is gone: as they were
  StreamSettings all = settings_;
  all.shards = map_.open();
  return all;
}

Result<Tags> StreamCore::tags() {
  if (const Errc code = begin(); code != Errc::kOk) {
    return sys::error(code, "stream \"" + name() + "\"", message(code));
  }
  auto meta = control_.changeable();
  if (!meta) return Unexpected(meta.error());
  return std::move(meta->tags);
}

Result<void> StreamCore::set_tags(const Tags& tags) {
  return change([&](stream::Meta& meta) -> Result<void> {
    for (const auto& [key, value] : tags) meta.tags.insert_or_assign(key, value);
    if (auto checked = queue::check_tags(meta.tags); !checked) return checked;
    return save(meta);
  });
}

Result<void> StreamCore::remove_tags(std::span<const std::string> keys) {
  return change([&](stream::Meta& meta) -> Result<void> {
    for (const std::string& key : keys) meta.tags.erase(key);
    return save(meta);
  });
}

Result<void> StreamCore::tidy_up() {
  return change([this](stream::Meta& meta) -> Result<void> {
    if (auto done = let_go_of_journals(meta); !done) return done;
    if (auto done = drop_gone_shards(meta); !done) return done;
    for (const stream::ShardRecord& record : meta.shards) {
      Shard* shard = nullptr;
      if (record.end || open_shard(record.number, shard) != Errc::kOk) continue;
      if (shard->journal == nullptr) continue;
      write_out(*shard);
      trim(record.number, *shard);
    }
    return {};
  });
}

/// What somebody put without waiting, if nobody else is the writer.
void StreamCore::write_out(Shard& shard) noexcept {
  std::uint64_t frontier = 0;
  if (!has_log() || shard.journal->producer().frontier(frontier) != Errc::kOk) return;
  if (frontier > shard.journal->durable()) {
    static_cast<void>(shard.journal->wait_durable(frontier - 1, 0));
  }
}

/// Of closed shards: everything is in the log, or past retention.
Result<void> StreamCore::let_go_of_journals(const stream::Meta& meta) {
  for (const stream::ShardRecord& record : meta.shards) {
    std::atomic<std::uint64_t>& word = control_.entry(record.number).journal;
    const std::uint64_t id = word.load(std::memory_order_acquire);
    if (!record.end || id == 0) continue;
    Shard* shard = nullptr;
    if (const Errc code = open_shard(record.number, shard); code != Errc::kOk) {
      return sys::error(code, object_of(record.number), message(code));
    }
    if (!is_gone(record)) {
      if (!has_log() || shard->journal == nullptr) continue;
      if (shard->journal->wait_durable(*record.end, 0) != Errc::kOk) continue;
    }
    word.store(0, std::memory_order_seq_cst);  // [stream-map] before its file goes
    journal::JournalFile::remove(member_.bus(), id);
  }
  return {};
}

/// Their numbers stay taken.
Result<void> StreamCore::drop_gone_shards(stream::Meta& meta) {
  std::vector<std::uint32_t> gone;
  for (stream::ShardRecord& record : meta.shards) {
    if (record.expired || !is_gone(record)) continue;
    record.expired = true;
    gone.push_back(record.number);
  }
  if (gone.empty()) return {};
  if (auto saved = save(meta); !saved || !has_log()) return saved;
  for (const std::uint32_t number : gone) {
    if (auto removed = state_->remove_shard(name(), number); !removed) return removed;
  }
  return {};
}

}  // namespace ringpost::detail
