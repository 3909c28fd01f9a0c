#include "file_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringpost::cli {
namespace {

constexpr std::uint32_t kOfAny =
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
constexpr std::uint32_t kOfRoot = kOfAny | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::size_t kEventsMost = 4096;
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::int64_t kQuietLooksNs = 100'000'000;
/// File systems take their times from a clock that ticks, at worst, 100 times a second: two changes
/// within a tick look alike.
constexpr std::int64_t kTickNs = 20'000'000;

std::int64_t ns_of(const timespec& time) noexcept {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// Names in it, sorted. Whatever cannot be read looks empty: it is gone, or said to be unreadable.
std::vector<std::string> names_in(const std::string& path, bool& readable) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator each(path, error);
  readable = !error || error == std::errc::no_such_file_or_directory;
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    names.push_back(each->path().filename().native());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

FileWatch::FileWatch(std::vector<std::string> directories, FileWatchOptions options,
                     WallClockNs now)
    : options_(std::move(options)), now_(std::move(now)) {
  inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify_ < 0) fail(errno, "inotify");
  try {
    for (std::string& directory : directories) {
      while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
      roots_.push_back({.path = std::move(directory)});
      const std::size_t root = roots_.size() - 1;
      if (const int error = watch_directory(root, ""); error != 0) fail(error, roots_[root].path);
      scan_directory(root, "", options_.existing ? Scan::kNew : Scan::kStart);
    }
  } catch (...) {
    ::close(inotify_);
    throw;
  }
}

FileWatch::~FileWatch() { ::close(inotify_); }

std::size_t FileWatch::files_known() const noexcept {
  std::size_t sum = 0;
  for (const Root& root : roots_) sum += root.known.size();
  return sum;
}

FileLook FileWatch::look() {
  while (look_.events.size() < kEventsMost && take_some()) {
  }
  tell_quiet_ones();
  return std::exchange(look_, {});
}

/// One buffer of events. False: there are none.
bool FileWatch::take_some() {
  alignas(inotify_event) char buffer[kBufferBytes];
  const ssize_t got = ::read(inotify_, buffer, sizeof buffer);
  if (got <= 0) {
    if (got == 0 || errno == EAGAIN) drained_ns_ = now_();
    if (got < 0 && errno != EAGAIN && errno != EINTR) fail(errno, "inotify");
    return false;
  }
  bool overflowed = false;
  for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
    const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      overflowed = true;
    } else {
      // The kernel pads names with NUL bytes.
      take(event.wd, event.mask, event.len == 0 ? std::string() : std::string(event.name));
    }
    at += sizeof event + event.len;
  }
  if (overflowed) scan_again();
  return true;
}

void FileWatch::take(int watch, std::uint32_t mask, const std::string& name) {
  const auto found = places_.find(watch);
  if (found == places_.end()) return;  // of a directory that was dropped meanwhile
  const Place place = found->second;
  if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
    if (place.directory.empty()) drop_root(place.root);
  } else if ((mask & IN_IGNORED) != 0) {
    roots_[place.root].watches.erase(place.directory);
    places_.erase(watch);
  } else if ((mask & IN_ISDIR) != 0) {
    take_directory(place, name, mask);
  } else {
    take_of_file(place, name, mask);
  }
}

void FileWatch::take_directory(const Place& place, const std::string& name, std::uint32_t mask) {
  if (!options_.recursive) return;
  const std::string directory = place.directory + name + "/";
  drop_directory(place.root, directory);
  if ((mask & (IN_CREATE | IN_MOVED_TO)) == 0 || !may_hold_wanted(directory)) return;
  if (watch_directory(place.root, directory) != 0) return;
  scan_directory(place.root, directory, Scan::kNew);
}

void FileWatch::take_of_file(const Place& place, const std::string& name, std::uint32_t mask) {
  const std::string key = place.directory + name;
  if ((mask & IN_CLOSE_WRITE) != 0 && name.starts_with('#')) close_unnamed(place.root, name);
  if (!is_wanted(key)) return;
  if ((mask & IN_CREATE) != 0) note_created(place.root, key);
  if ((mask & IN_CLOSE_WRITE) != 0) note_closed(place.root, key);
  if ((mask & IN_MOVED_TO) != 0) note_moved_in(place.root, key);
  if ((mask & (IN_MOVED_FROM | IN_DELETE)) != 0) note_gone(place.root, key);
}

void FileWatch::note_created(std::size_t root, const std::string& key) {
  const Seen seen = see(root, key);
  if (seen.kind == Seen::Kind::kOther) return;
  if (was_told(roots_[root], key, seen.identity)) return;
  // A second name of a file that is complete; a first one comes while it is open.
  if (seen.links > 1) return tell(root, key, FileChange::kCreated, seen.identity);
  set_pending(roots_[root], key, {FileChange::kCreated, false, seen.identity.inode});
}

void FileWatch::note_closed(std::size_t root, const std::string& key) {
  const Seen seen = see(root, key);
  const auto pending = take_pending(roots_[root], key);
  if (seen.kind == Seen::Kind::kOther) return;
  if (seen.kind == Seen::Kind::kNothing) {
    if (pending) tell(root, key, pending->change, {});
    return;
  }
  if (pending) return tell(root, key, pending->change, seen.identity);
  if (was_told(roots_[root], key, seen.identity)) return;
  const bool known = roots_[root].known.contains(key);
  tell(root, key, known ? FileChange::kWritten : FileChange::kCreated, seen.identity);
}

void FileWatch::note_moved_in(std::size_t root, const std::string& key) {
  const Seen seen = see(root, key);
  take_pending(roots_[root], key);
  if (seen.kind == Seen::Kind::kOther) return;
  if (was_told(roots_[root], key, seen.identity)) return;
  const bool known = roots_[root].known.contains(key);
  tell(root, key, known ? FileChange::kWritten : FileChange::kCreated,
       seen.kind == Seen::Kind::kFile ? std::optional(seen.identity) : std::nullopt);
}

void FileWatch::note_gone(std::size_t root, const std::string& key) {
  take_pending(roots_[root], key);
  if (roots_[root].known.erase(key) != 0) told_as_gone(root, key);
}

/// A file that was made without a name and got one by a link is closed under the name "#inode".
void FileWatch::close_unnamed(std::size_t root, const std::string& name) {
  std::uint64_t inode = 0;
  const auto read = std::from_chars(name.data() + 1, name.data() + name.size(), inode);
  if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return;
  for (const auto& [key, pending] : roots_[root].pending) {
    if (pending.inode == inode) {
      note_closed(root, std::string(key));
      return;
    }
  }
}

/// Those that a scan found and nobody has touched since.
void FileWatch::tell_quiet_ones() {
  const std::int64_t now = now_();
  if (found_ == 0 || now < quiet_looked_ns_ + kQuietLooksNs) return;
  quiet_looked_ns_ = now;
  for (std::size_t root = 0; root < roots_.size(); ++root) {
    std::vector<std::string> keys;
    for (const auto& [key, pending] : roots_[root].pending) {
      if (pending.found) keys.push_back(key);
    }
    for (const std::string& key : keys) {
      const Seen seen = see(root, key);
      if (seen.kind == Seen::Kind::kFile && now < seen.identity.changed_ns + kQuietNs) continue;
      const auto pending = take_pending(roots_[root], key);
      if (seen.kind == Seen::Kind::kFile) tell(root, key, pending->change, seen.identity);
    }
  }
}

/// An errno: it is not there, or may not be read.
int FileWatch::watch_directory(std::size_t root, const std::string& directory) {
  const std::string path = path_of(root, directory);
  const std::uint32_t mask = directory.empty() ? kOfRoot : kOfAny | IN_DONT_FOLLOW;
  const int watch = inotify_add_watch(inotify_, path.c_str(), mask);
  if (watch < 0) {
    const int error = errno;
    if (error == ENOSPC || error == ENOMEM) fail(error, path);
    if (error != ENOENT && error != ENOTDIR) look_.unreadable.push_back(path);
    return error;
  }
  const auto before = places_.find(watch);
  if (before != places_.end()) roots_[before->second.root].watches.erase(before->second.directory);
  places_.insert_or_assign(watch, Place{root, directory});
  roots_[root].watches.insert_or_assign(directory, watch);
  return 0;
}

/// The directory is watched already: what comes from now on is an event, what there is is found.
void FileWatch::scan_directory(std::size_t root, const std::string& directory, Scan scan) {
  bool readable = false;
  for (const std::string& name : names_in(path_of(root, directory), readable)) {
    const std::string key = directory + name;
    struct stat status = {};
    if (::lstat(path_of(root, key).c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) {
      const std::string below = key + "/";
      if (!options_.recursive || !may_hold_wanted(below)) continue;
      if (watch_directory(root, below) == 0) scan_directory(root, below, scan);
    } else if (S_ISREG(status.st_mode) && is_wanted(key)) {
      const Seen seen = see(root, key);
      if (seen.kind == Seen::Kind::kFile) scan_file(root, key, seen.identity, scan);
    }
  }
  if (!readable) look_.unreadable.push_back(path_of(root, directory));
}

void FileWatch::scan_file(std::size_t root, const std::string& key, const Identity& now,
                          Scan scan) {
  Root& of = roots_[root];
  if (scan == Scan::kStart) {
    of.known[key] = {now, now_(), false, scans_};
    return;
  }
  const auto known = of.known.find(key);
  if (known != of.known.end()) {
    known->second.scan = scans_;
    if (is_unchanged(known->second, now)) return;
  }
  const FileChange change = known == of.known.end() ? FileChange::kCreated : FileChange::kWritten;
  if (now_() >= now.changed_ns + kQuietNs) {
    tell(root, key, change, now);
  } else {
    set_pending(of, key, {change, true, now.inode});
  }
}

/// Events were lost: what there is now, compared with what was known.
void FileWatch::scan_again() {
  look_.lost_events = true;
  ++scans_;
  const auto before = std::exchange(places_, {});
  for (std::size_t i = 0; i < roots_.size(); ++i) {
    Root& root = roots_[i];
    if (root.gone) continue;
    root.watches.clear();
    while (!root.pending.empty()) take_pending(root, root.pending.begin()->first);
    if (watch_directory(i, "") != 0) {
      drop_root(i);
      continue;
    }
    scan_directory(i, "", Scan::kAgain);
    for (auto each = root.known.begin(); each != root.known.end();) {
      const auto here = each++;
      if (here->second.scan != scans_) note_gone(i, std::string(here->first));
    }
  }
  for (const auto& [watch, place] : before) {
    if (!places_.contains(watch)) inotify_rm_watch(inotify_, watch);
  }
}

/// Everything below it is gone, or somewhere else.
void FileWatch::drop_directory(std::size_t root, const std::string& directory) {
  Root& of = roots_[root];
  for (auto each = of.watches.lower_bound(directory);
       each != of.watches.end() && each->first.starts_with(directory);) {
    inotify_rm_watch(inotify_, each->second);
    places_.erase(each->second);
    each = of.watches.erase(each);
  }
  for (auto each = of.pending.lower_bound(directory);
       each != of.pending.end() && each->first.starts_with(directory);) {
    const auto here = each++;
    take_pending(of, std::string(here->first));
  }
  for (auto each = of.known.lower_bound(directory);
       each != of.known.end() && each->first.starts_with(directory);) {
    const auto here = each++;
    note_gone(root, std::string(here->first));
  }
}

void FileWatch::drop_root(std::size_t root) {
  if (roots_[root].gone) return;
  drop_directory(root, "");
  roots_[root].gone = true;
  look_.roots_gone.push_back(root);
}

void FileWatch::tell(std::size_t root, const std::string& key, FileChange change,
                     const std::optional<Identity>& now) {
  roots_[root].known[key] = {now, now_(), true, scans_};
  look_.events.push_back({change, root, key, now ? std::optional(now->size) : std::nullopt});
}

void FileWatch::told_as_gone(std::size_t root, const std::string& key) {
  look_.events.push_back({FileChange::kRemoved, root, key});
}

void FileWatch::set_pending(Root& root, const std::string& key, const Pending& pending) {
  take_pending(root, key);
  if (pending.found) ++found_;
  root.pending.emplace(key, pending);
}

std::optional<FileWatch::Pending> FileWatch::take_pending(Root& root, const std::string& key) {
  const auto found = root.pending.find(key);
  if (found == root.pending.end()) return std::nullopt;
  const Pending pending = found->second;
  if (pending.found) --found_;
  root.pending.erase(found);
  return pending;
}

/// Within one tick of the file system's clock two contents may look alike, unless a change after
/// our look would have been an event that we would have seen by now.
bool FileWatch::is_unchanged(const Known& known, const Identity& now) const noexcept {
  if (!known.identity || *known.identity != now) return false;
  return known.looked_at_ns > now.changed_ns + kTickNs ||
         drained_ns_ > known.looked_at_ns + kTickNs;
}

bool FileWatch::was_told(const Root& root, const std::string& key, const Identity& now) const {
  const auto known = root.known.find(key);
  return known != root.known.end() && known->second.told && is_unchanged(known->second, now);
}

bool FileWatch::is_wanted(const std::string& key) const {
  return key.starts_with(options_.prefix) && key.ends_with(options_.suffix);
}

bool FileWatch::may_hold_wanted(const std::string& directory) const {
  return directory.starts_with(options_.prefix) || options_.prefix.starts_with(directory);
}

std::string FileWatch::path_of(std::size_t root, const std::string& key) const {
  return roots_[root].path == "/" ? "/" + key : roots_[root].path + "/" + key;
}

FileWatch::Seen FileWatch::see(std::size_t root, const std::string& key) const {
  struct stat status = {};
  if (::lstat(path_of(root, key).c_str(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode)) return {.kind = Seen::Kind::kOther};
  return {.kind = Seen::Kind::kFile,
          .identity = {.inode = status.st_ino,
                       .size = static_cast<std::uint64_t>(status.st_size),
                       .written_ns = ns_of(status.st_mtim),
                       .changed_ns = ns_of(status.st_ctim)},
          .links = status.st_nlink};
}

}  // namespace ringpost::cli
