#include "conductor.hpp"

#include <algorithm>
#include <set>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "ringpost/admin.hpp"
#include "units.hpp"

namespace ringpost::daemon {

Result<void> Conductor::begin() {
  for (const std::string& name : config_.buses) {
    auto bus = Bus::open(name, config_.bus_options());
    if (!bus) return Unexpected(bus.error());
    posts_.insert_or_assign(name, Post{std::move(*bus), true});
  }
  return {};
}

void Conductor::turn() {
  if (config_.buses.empty()) find_buses();
  for (auto post = posts_.begin(); post != posts_.end();) {
    sweep(post->second);
    if (config_.write_logs) write_logs(post->second);
    // Whoever wants to remove a bus finds nobody attached.
    const bool let_go = !post->second.kept && is_alone(post->second);
    post = let_go ? posts_.erase(post) : std::next(post);
  }
  ++totals_.turns;
}

void Conductor::end() { posts_.clear(); }

std::string Conductor::status() const {
  return cli::format_counted(posts_.size(), "bus") + " in use, " +
         cli::format_counted(writers(), "log") + " written, " +
         cli::format_counted(totals_.dead_participants, "dead process") + " swept";
}

void Conductor::find_buses() {
  BusOptions options = config_.bus_options();
  options.create = false;
  const auto names = Bus::list(options);
  if (!names) return complain("buses", names.error());
  for (const std::string& name : *names) {
    if (posts_.contains(name)) continue;
    auto bus = Bus::open(name, options);
    if (bus) {
      posts_.insert_or_assign(name, Post{std::move(*bus)});
    } else if (!(bus.error() == Errc::kNotFound)) {  // removed in between
      complain("bus " + name, bus.error());
    }
  }
}

void Conductor::sweep(Post& post) {
  const Bus::Swept swept = post.bus.sweep();
  totals_.dead_participants += swept.dead_participants;
  totals_.leases_returned += swept.leases_returned;
  totals_.messages_moved += swept.messages_moved;
  if (swept.dead_participants == 0) return;
  spdlog::info("bus {}: swept {}, {} returned", post.bus.name(),
               cli::format_counted(swept.dead_participants, "dead process"),
               cli::format_counted(swept.leases_returned, "message"));
}

/// What has a log, also what was made since the last turn. A writer that ended, because its stream
/// or queue is gone or its log has failed, is let go of, and tried anew.
void Conductor::write_logs(Post& post) {
  const auto streams = post.bus.stream_names();
  if (!streams) return complain("bus " + post.bus.name(), streams.error());
  const std::vector<std::string> queues = durable_queues(post.bus);
  std::set<std::string> listed;
  for (const std::string& name : *streams) listed.insert("stream " + name);
  for (const std::string& name : queues) listed.insert("queue " + name);
  std::erase_if(post.writers, [&](const auto& each) {
    return !listed.contains(each.first) || each.second.failure() != Errc::kOk;
  });
  for (const std::string& name : *streams) {
    start_writer(post, "stream " + name, [&]() -> Result<LogWriter> {
      auto stream = post.bus.open_stream(name);
      if (!stream) return Unexpected(stream.error());
      return stream->writer();
    });
  }
  for (const std::string& name : queues) {
    start_writer(post, "queue " + name, [&]() -> Result<LogWriter> {
      auto queue = post.bus.open_queue(name);  // after a reboot it comes back here
      if (!queue) return Unexpected(queue.error());
      return queue->writer();
    });
  }
}

template <class Open>
void Conductor::start_writer(Post& post, const std::string& what, Open&& open) {
  if (post.writers.contains(what)) return;
  const std::string about = "bus " + post.bus.name() + ", " + what;
  Result<LogWriter> writer = open();
  if (!writer && writer.error() == Errc::kNotFound) return;         // deleted in between
  if (!writer && writer.error() == Errc::kInvalidArgument) return;  // it has no log
  if (!writer) return complain(about, writer.error());
  post.writers.emplace(what, std::move(*writer));
  spdlog::info("{}: writing its log", about);
}

std::size_t Conductor::writers() const noexcept {
  std::size_t count = 0;
  for (const auto& [name, post] : posts_) count += post.writers.size();
  return count;
}

/// Its writers are participants too.
bool Conductor::is_alone(const Post& post) {
  const BusInfo info = inspect(post.bus);
  return std::none_of(
      info.participants.begin(), info.participants.end(),
      [](const ParticipantInfo& each) { return each.alive && each.pid != ::getpid(); });
}

void Conductor::complain(const std::string& about, const Error& error) {
  std::string& last = complaints_[about];
  if (last == error.what) return;
  last = error.what;
  spdlog::warn("{}: {}", about, last);
}

}  // namespace ringpost::daemon
