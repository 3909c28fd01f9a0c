// Files of directories that are created, written and removed: by inotify, and by looking again at
// everything when the kernel had to drop events, so that nothing is missed in silence.
//
//   events ──▶ pending: not complete yet ──close──▶ told ──▶ known
//   scan ────▶ pending: found ──unchanged for kQuiet──▶ told
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "event_document.hpp"

namespace ringpost::cli {

/// One change, of a file below one of the directories.
struct FileEvent {
  FileChange change = FileChange::kCreated;
  std::size_t root = 0;                 ///< which directory, in the order in which they were given
  std::string key;                      ///< path below it
  std::optional<std::uint64_t> size{};  ///< none: removed, or gone before it was looked at
};

/// What came of one look.
struct FileLook {
  std::vector<FileEvent> events;
  bool lost_events = false;             ///< the kernel dropped some; everything was looked at again
  std::vector<std::size_t> roots_gone;  ///< removed or moved away: nothing comes of them any more
  std::vector<std::string> unreadable;  ///< directories that could not be watched
};

struct FileWatchOptions {
  bool recursive = false;
  bool existing = false;  ///< files that are there at the start count as created
  std::string prefix{};   ///< of the key
  std::string suffix{};   ///< of the key
};

/// Regular files only: symbolic links are neither told nor followed. A file is told when whoever
/// wrote it has closed it, or when it is moved or linked in. Twice rather than never: a change in
/// the instant of a scan may be told again.
///
/// Threads     one at a time.
/// Errors      std::system_error: a directory that is not there at the start, limits of inotify.
class FileWatch {
 public:
  /// A file that a scan finds is told at once if nobody changed it for so long; else when it is
  /// closed or has been left alone for so long.
  static constexpr std::int64_t kQuietNs = 1'000'000'000;
  using WallClockNs = std::function<std::int64_t()>;

  FileWatch(std::vector<std::string> directories, FileWatchOptions options, WallClockNs now);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch();

  /// Readable when there is something to look at.
  [[nodiscard]] int descriptor() const noexcept { return inotify_; }
  /// Look again after a short while, also when nothing becomes readable.
  [[nodiscard]] bool has_found_files() const noexcept { return found_ != 0; }
  /// Whatever there is, up to some thousand events; does not wait.
  FileLook look();

  [[nodiscard]] std::size_t directories_watched() const noexcept { return places_.size(); }
  [[nodiscard]] std::size_t files_known() const noexcept;

 private:
  /// Whether it is the same content, as far as the file system tells.
  struct Identity {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t written_ns = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Seen {
    enum class Kind : std::uint8_t { kNothing, kFile, kOther } kind = Kind::kNothing;
    Identity identity{};
    std::uint64_t links = 0;
  };
  struct Known {
    std::optional<Identity> identity;  ///< none: it was gone again
    std::int64_t looked_at_ns = 0;
    bool told = false;
    std::uint64_t scan = 0;  ///< the last one that saw it
  };
  struct Pending {
    FileChange change = FileChange::kCreated;
    bool found = false;       ///< by a scan: nobody may close it any more
    std::uint64_t inode = 0;  ///< a close under the name "#inode" is one of this file
  };
  struct Root {
    std::string path;
    bool gone = false;
    std::map<std::string, Known> known{};
    std::map<std::string, Pending> pending{};
    std::map<std::string, int> watches{};  ///< by the key of the directory: "" or "a/b/"
  };
  struct Place {
    std::size_t root = 0;
    std::string directory;
  };
  enum class Scan : std::uint8_t { kStart, kNew, kAgain };

  int watch_directory(std::size_t root, const std::string& directory);
  void scan_directory(std::size_t root, const std::string& directory, Scan scan);
  void scan_file(std::size_t root, const std::string& key, const Identity& now, Scan scan);
  void scan_again();
  void drop_directory(std::size_t root, const std::string& directory);
  void drop_root(std::size_t root);

  bool take_some();
  void take(int watch, std::uint32_t mask, const std::string& name);
  void take_of_file(const Place& place, const std::string& name, std::uint32_t mask);
  void take_directory(const Place& place, const std::string& name, std::uint32_t mask);
  void note_created(std::size_t root, const std::string& key);
  void note_closed(std::size_t root, const std::string& key);
  void note_moved_in(std::size_t root, const std::string& key);
  void note_gone(std::size_t root, const std::string& key);
  void close_unnamed(std::size_t root, const std::string& name);
  void tell_quiet_ones();

  void tell(std::size_t root, const std::string& key, FileChange change,
            const std::optional<Identity>& now);
  void set_pending(Root& root, const std::string& key, const Pending& pending);
  std::optional<Pending> take_pending(Root& root, const std::string& key);
  void told_as_gone(std::size_t root, const std::string& key);
  [[nodiscard]] bool is_unchanged(const Known& known, const Identity& now) const noexcept;
  [[nodiscard]] bool was_told(const Root& root, const std::string& key, const Identity& now) const;
  [[nodiscard]] bool is_wanted(const std::string& key) const;
  [[nodiscard]] bool may_hold_wanted(const std::string& directory) const;
  [[nodiscard]] std::string path_of(std::size_t root, const std::string& key) const;
  [[nodiscard]] Seen see(std::size_t root, const std::string& key) const;

  FileWatchOptions options_;
  WallClockNs now_;
  int inotify_ = -1;
  std::vector<Root> roots_;
  std::unordered_map<int, Place> places_;
  std::size_t found_ = 0;  ///< pending ones that a scan found
  std::uint64_t scans_ = 0;
  std::int64_t drained_ns_ = 0;  ///< when the queue of events was last seen empty
  std::int64_t quiet_looked_ns_ = 0;
  FileLook look_;
};

}  // namespace ringpost::cli
