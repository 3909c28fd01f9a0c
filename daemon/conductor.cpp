#include "conductor.hpp"

#include <algorithm>

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
         cli::format_counted(logs(), "log") + " written, " +
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

/// The writer finds logs by itself, and tries again what it cannot write: here it is said.
void Conductor::write_logs(Post& post) {
  const std::string about = "bus " + post.bus.name();
  if (!post.writer) {
    auto writer = post.bus.log_writer({.flush_after = config_.flush_after});
    if (!writer) return complain(about, writer.error());
    post.writer = std::move(*writer);
  }
  std::set<std::string> written;
  for (const WrittenLog& log : post.writer->logs()) {
    const std::string what = about + ", " + log.name;
    if (log.failure == Errc::kDeleted) continue;
    if (log.failure != Errc::kOk) {
      complain(what, message(log.failure));
      continue;
    }
    complaints_.erase(what);
    written.insert(log.name);
    if (!post.written.contains(log.name)) spdlog::info("{}: writing its log", what);
  }
  post.written = std::move(written);
}

std::size_t Conductor::logs() const noexcept {
  std::size_t count = 0;
  for (const auto& [name, post] : posts_) count += post.written.size();
  return count;
}

/// Its writers are participants too.
bool Conductor::is_alone(const Post& post) {
  const BusInfo info = inspect(post.bus);
  return std::none_of(
      info.participants.begin(), info.participants.end(),
      [](const ParticipantInfo& each) { return each.alive && each.pid != ::getpid(); });
}

void Conductor::complain(const std::string& about, const std::string& what) {
  std::string& last = complaints_[about];
  if (last == what) return;
  last = what;
  spdlog::warn("{}: {}", about, last);
}

}  // namespace ringpost::daemon
