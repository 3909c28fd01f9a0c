#include "stream/stream_core.hpp"

#include "journal/walk.hpp"
#include "log/writer.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {

Result<std::shared_ptr<StreamCore>> StreamCore::open(const stream::Membership& member,
                                                     stream::ControlFile control) {
  std::shared_ptr<StreamCore> core(new StreamCore(member, std::move(control)));
  if (core->has_log()) {
    auto state = member.shared->state(false);
    if (!state) return Unexpected(state.error());
    core->state_ = std::move(*state);
  }
  if (auto read = core->refresh(); !read) return Unexpected(read.error());
  return core;
}

Result<std::shared_ptr<StreamCore>> StreamCore::open_again() {
  auto member = member_.another();
  if (!member) return Unexpected(member.error());
  auto control = stream::ControlFile::open(member->me.bus_pointer(), name());
  if (!control) return Unexpected(control.error());
  return open(*member, std::move(*control));
}

StreamCore::~StreamCore() {
  if (member_.me.is_forked()) control_.disown_counts();
}

/// Settings, tags or map are not what I have seen; or the stream is gone.
Errc StreamCore::look_again() {
  if (control_.is_deleted()) return Errc::kDeleted;
  const auto read = refresh();
  return read ? Errc::kOk : read.error().code;
}

Result<void> StreamCore::refresh() {
  const std::uint64_t changes = control_.changes();
  auto meta = control_.changeable();
  if (!meta) return Unexpected(meta.error());
  const auto end_of = [this](const stream::ShardRecord& shard) { return look_for_end(shard); };
  if (auto read = map_.refresh(control_, end_of); !read) return read;
  settings_ = std::move(meta->settings);
  retention_ns_ = settings_.retention->count();
  record_bytes_max_ = *settings_.record_bytes_max;
  durable_ = *settings_.durability == Durability::kDurable;
  limits_ = *settings_.shard_limits;
  seen_changes_ = changes;
  return {};
}

/// Of a shard that is being closed, by somebody who may stand still: its journal knows.
std::optional<std::uint64_t> StreamCore::look_for_end(const stream::ShardRecord& shard) {
  const std::uint64_t id = control_.entry(shard.number).journal.load(std::memory_order_acquire);
  const auto file = id == 0 ? Result<std::shared_ptr<journal::JournalFile>>(
                                  Unexpected(Error{.code = Errc::kNotFound}))
                            : member_.shared->journal(id);
  if (!file) return std::nullopt;
  journal::Producer probe((*file)->view(), member_.me.index());
  std::uint64_t end = 0;
  if (probe.frontier(end) != Errc::kOk) return std::nullopt;
  const journal::Stop stop = journal::look_at((*file)->view(), end);
  return stop.kind == journal::Stop::Kind::kEnd ? std::optional(end) : std::nullopt;
}

Errc StreamCore::open_anew(std::uint32_t number, Shard*& into) {
  if (number >= map_.shards().size()) return Errc::kNotFound;
  auto shard = std::make_unique<Shard>();
  if (has_log()) {
    auto directory = state_->shard(name(), number);
    if (!directory) return directory.error().code;
    shard->directory = std::move(*directory);
  }
  const std::uint64_t id = control_.entry(number).journal.load(std::memory_order_acquire);
  if (id == 0 && !map_.shards()[number].end) {
    // Closed and let go of since I looked at the map.
    if (const Errc code = look_again(); code != Errc::kOk) return code;
    if (!map_.shards()[number].end) return Errc::kCorrupt;
  }
  if (id == 0 && !has_log()) return Errc::kNotFound;  // past retention
  if (id != 0) {
    auto file = member_.shared->journal(id);
    if (!file) {
      const bool let_go = control_.entry(number).journal.load() == 0;  // just now
      return let_go ? open_anew(number, into) : file.error().code;
    }
    const bool is_it = (*file)->owner_id() == control_.stream_id() && (*file)->number() == number;
    if (!is_it) return Errc::kCorrupt;
    shard->start = (*file)->start();
    shard->log_end = control_.entry(number).log_end;
    auto log = has_log() ? make_log(number, *shard) : nullptr;
    shard->journal =
        std::make_unique<journal::Journal>(std::move(*file), member_.me, alive_, std::move(log));
  }
  trim_later(*shard, shard->start);
  if (open_.size() <= number) open_.resize(map_.shards().size());
  into = shard.get();
  open_[number] = std::move(shard);
  return Errc::kOk;
}

log::LogOptions StreamCore::log_options(std::uint32_t number, std::uint64_t start) const {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  log::LogOptions options;
  options.log_id = control_.stream_id() ^ (number + 1) * kOdd;
  options.segment_bytes = *settings_.segment_bytes;
  options.first_position = start;
  options.time = member_.bus().time();
  return options;
}

std::unique_ptr<journal::SegmentLog> StreamCore::make_log(std::uint32_t number,
                                                          const Shard& shard) {
  return std::make_unique<journal::SegmentLog>(
      *shard.directory, log_options(number, shard.start), [this](log::Writer& writer) {
        // Errors are met again by the next write, or the next time.
        static_cast<void>(writer.drop_expired(
            {.oldest_ns = horizon_ns() + 1, .bytes_max = *settings_.log_bytes_max}));
      });
}

void StreamCore::trim_later(Shard& shard, std::uint64_t position) const noexcept {
  constexpr std::int64_t kEveryNs = 60'000'000'000;
  shard.trim_at_ns = static_cast<std::int64_t>(member_.wall_ns()) + kEveryNs;
  shard.trim_at = position + *settings_.segment_bytes / journal::kCellBytes;
}

void StreamCore::trim(std::uint32_t number, Shard& shard) noexcept {
  std::uint64_t frontier = 0;
  static_cast<void>(shard.journal->producer().frontier(frontier));
  trim_later(shard, frontier);
  if (!has_log()) return;
  const auto log = make_log(number, shard);
  journal::DrainRole role(shard.journal->view(), member_.me.creator_word(), alive_, *log);
  if (role.take() != Errc::kOk) return;  // the writer does it
  role.pause();
  role.release();
}

Errc StreamCore::met_end(std::uint32_t shard, std::uint64_t end) {
  map_.met_end(shard, end);
  const stream::ShardRecord* const record = map_.find(shard);
  if (record == nullptr) return Errc::kCorrupt;
  if (!record->children.empty()) return Errc::kOk;
  // Children are named before the end is there: my map is older than that.
  if (const Errc code = look_again(); code != Errc::kOk) return code;
  map_.met_end(shard, end);
  return map_.shards()[shard].children.empty() ? Errc::kCorrupt : Errc::kOk;
}

StreamCore::Extent StreamCore::extent(std::uint32_t number, const Shard& shard) const noexcept {
  if (shard.journal == nullptr) {
    const std::uint64_t end = map_.shards()[number].end.value_or(0);
    return {end, end};
  }
  const std::uint64_t durable = shard.journal->durable();
  // What a lost ring had claimed and not written is nowhere, and the log knows nothing of it.
  return {durable == shard.start ? shard.log_end : durable, durable};
}

bool StreamCore::is_gone(const stream::ShardRecord& shard) const noexcept {
  if (!shard.end) return false;
  return shard.expired ||
         (shard.closed_ns != 0 && static_cast<std::int64_t>(shard.closed_ns) <= horizon_ns());
}

const stream::ShardRecord* StreamCore::find(std::uint32_t number) {
  const stream::ShardRecord* const shard = map_.find(number);
  return shard == nullptr || !map_.has_begun(*shard) || is_gone(*shard) ? nullptr : shard;
}

}  // namespace ringpost::detail
