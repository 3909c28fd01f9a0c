// A disk in memory that loses power: it keeps what is durable apart from what is only written.
//
// What a power cut leaves of writes that no sync covers is drawn at random, for each block of 4 KiB
// and each sector of 512 bytes on its own: kept, lost, torn; now and then within a sector. So later
// writes may be there without earlier ones. So are changes of names that no Directory::sync()
// followed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "process/rig/random.hpp"

namespace ringpost::sim {

inline constexpr std::size_t kSectorBytes = 512;

/// What the disk was asked to do. Each can be made to fail; after each but reads there is a moment
/// at which power may go.
enum class Step : std::uint8_t {
  kCreate,
  kRename,
  kRemove,
  kSyncNames,
  kWrite,
  kWriteUnderWay,  ///< a moment only
  kSync,
  kSubmit,
  kReap,
  kRead,
  kCountOf,
};
[[nodiscard]] const char* name(Step step) noexcept;

using Block = std::array<std::byte, disk::kBlockBytes>;
using BlockPointer = std::shared_ptr<const Block>;  ///< null: zeros

struct Options {
  std::uint64_t capacity_bytes = std::uint64_t{1} << 40;
  /// false: a new file's length is safe only after a sync or a safe write, and 0 until then.
  bool lengths_are_safe = false;
  /// A queue completes nothing before it must: for tests that want writes under way.
  bool lazy = false;
};

/// How often the rare things came up, over all images.
struct CutCounts {
  std::uint64_t images = 0;
  std::uint64_t blocks_kept = 0;
  std::uint64_t blocks_lost = 0;
  std::uint64_t blocks_torn = 0;
  std::uint64_t later_without_earlier = 0;  ///< a write is there, an older one of the file is not
  std::uint64_t names_kept = 0;
  std::uint64_t names_lost = 0;
  std::uint64_t lengths_lost = 0;
};

struct Inode;
struct Flight;  // a write under way
class Mount;

/// The disk and its one directory.
///
/// Threads  one. Not movable while anything is mounted.
class Disk {
 public:
  explicit Disk(std::uint64_t seed, Options options = {});
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  /// The directory as one process sees it. The disk must outlive it.
  [[nodiscard]] std::unique_ptr<Mount> mount();

  /// What the next boot finds if power goes now. Nothing else is changed by that.
  [[nodiscard]] std::unique_ptr<Disk> power_cut(std::uint64_t seed, CutCounts* counts) const;
  /// An exact copy as it is on the disk when nothing is under way or waits for a sync.
  [[nodiscard]] std::unique_ptr<Disk> copy(std::uint64_t seed) const;

  /// Called at each moment at which power may go.
  std::function<void(Step)> on_step;

  /// The `in`-th such step from now on fails, and `times` − 1 of the same kind after it.
  void fail(Step step, unsigned in, int sys_errno, unsigned times = 1);
  [[nodiscard]] bool has_failed(Step step) const;
  void set_capacity(std::uint64_t bytes) { options_.capacity_bytes = bytes; }
  void set_lazy(bool lazy) { options_.lazy = lazy; }

  /// Writes of processes that were killed, which may yet reach the disk: lets each of them do so,
  /// in part or in full. Returns how many blocks have changed.
  std::size_t land_late_writes();
  [[nodiscard]] std::size_t late_writes() const;

  /// How a caller broke the contract of disk.hpp; empty if none did.
  [[nodiscard]] const std::string& breach() const { return breach_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

  // Files as they are, for damage and comparison.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::byte> content(const std::string& name) const;
  [[nodiscard]] std::uint64_t bytes(const std::string& name) const;
  void put(const std::string& name, ByteSpan bytes);  ///< any length; safe at once
  void flip(const std::string& name, std::uint64_t offset, std::byte mask);
  void flip_cached(const std::string& name, std::uint64_t offset, std::byte mask);
  void truncate(const std::string& name, std::uint64_t bytes);
  void drop(const std::string& name);

 private:
  friend class Mount;
  friend class SimFile;
  friend class SimQueue;
  using InodePointer = std::shared_ptr<Inode>;
  using FlightPointer = std::shared_ptr<Flight>;
  struct NameChange {
    std::string from;  ///< of a rename
    std::string name;
    InodePointer inode;  ///< null: removed
  };
  struct Plan {
    unsigned in = 0;
    unsigned times = 0;
    int sys_errno = 0;
    bool done = false;
  };

  [[nodiscard]] int failure_of(Step step);
  void stepped(Step step);
  void broken(const std::string& what);
  [[nodiscard]] InodePointer find(const std::string& name) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  static void change(std::map<std::string, InodePointer>& names, const NameChange& change);
  void names_after_failed_sync();

  void advance(Flight& flight);
  void complete(Flight& flight);
  void fail_write(Inode& inode, std::uint64_t first, const std::vector<BlockPointer>& blocks);
  void fail_sync(Inode& inode);

  Options options_;
  rig::Random random_;
  std::uint64_t steps_ = 0;
  std::map<std::string, InodePointer> names_;
  std::map<std::string, InodePointer> safe_names_;
  std::vector<NameChange> changes_;
  std::list<FlightPointer> flights_;  ///< of the living and of the dead
  std::array<Plan, static_cast<std::size_t>(Step::kCountOf)> plans_{};
  std::string breach_;
};

/// The directory, as one process has it.
class Mount final : public disk::Directory {
 public:
  /// The process is dead: whatever it does from now on does nothing and fails; its writes under
  /// way are late.
  void kill();
  [[nodiscard]] bool is_alive() const;

  [[nodiscard]] const std::string& path() const noexcept override;
  Result<std::vector<std::string>> names() override;
  Result<std::unique_ptr<disk::File>> open(const std::string& name) override;
  Result<std::unique_ptr<disk::File>> create(const std::string& name, std::uint64_t bytes) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync() override;
  Result<std::unique_ptr<disk::WriteQueue>> make_queue(unsigned depth) override;
  Result<std::uint64_t> free_bytes() override;

 private:
  friend class Disk;
  friend class SimFile;
  friend class SimQueue;
  struct Process;
  Mount(Disk& disk, std::shared_ptr<Process> process);
  [[nodiscard]] Result<void> begin(Step step, const std::string& object);

  Disk& disk_;
  std::shared_ptr<Process> process_;
};

}  // namespace ringpost::sim
