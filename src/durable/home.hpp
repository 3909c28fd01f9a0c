// What a bus keeps on disk of its durable queues: <state>/<bus>/queues/
//
//   <name>/queue.meta   meta.hpp
//         /log/         segments (log/)
//   ~new-<id>/          a queue that is not complete yet
//   ~gone-<id>/         one that was deleted
//   .lock               bytes of each queue: whoever makes, recovers, deletes or changes it;
//                       whoever makes room in its log
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "durable/meta.hpp"
#include "durable/owner.hpp"
#include "shm/bus_files.hpp"
#include "sys/file.hpp"

namespace ringpost::durable {

/// Of one process and bus.
///
/// Threads   any. Blocking  as the disk does.
/// Crash     a queue is there with all that it needs, or not at all.
class Home {
 public:
  explicit Home(std::shared_ptr<shm::BusFiles> bus) : bus_(std::move(bus)) {}

  /// Whether the bus has a directory on disk, or gets one now. Errors kNotFound (not `create`, and
  /// there is none), kBusy (it is another bus's), kPermission, ….
  Result<void> open(bool create);

  /// Called once another bus has had the directory meanwhile: what shared memory says of it is of
  /// an earlier time. Before anything is opened.
  void when_taken(std::function<void()> act) { when_taken_ = std::move(act); }

  /// In order; none if there is no directory.
  [[nodiscard]] std::vector<std::string> names();
  [[nodiscard]] bool has(const std::string& name);
  [[nodiscard]] std::string log_path(const std::string& name) const;
  Result<std::unique_ptr<disk::Directory>> log(const std::string& name);
  /// Where logs are opened: for tests, which have a disk of their own. Before anything is opened.
  using OpenLog = std::function<Result<std::unique_ptr<disk::Directory>>(const std::string& path)>;
  void open_logs_with(OpenLog open_log) { open_log_ = std::move(open_log); }
  Result<Meta> read(const std::string& name);

  /// Held as long as it is open. Sleeps while another one has it, who may be recovering the queue;
  /// if he dies, the next one gets it, and does it again. Error kBusy: he goes on, or stands still,
  /// for longer than anybody waits.
  Result<sys::Fd> lock(const std::string& name);
  /// For tests; 10 s of real time. Before anything is opened.
  void wait_for_locks(Duration patience) { patience_ = patience; }
  /// Another one: whoever makes room in its log. Without waiting.
  Result<sys::Fd> try_lock_log(const std::string& name) {
    return lock(name, kLogByte, Duration::zero());
  }
  // With the lock.
  Result<void> make(const Meta& meta);
  Result<void> write(const Meta& meta);
  /// Of none: nothing to do.
  Result<void> remove(const std::string& name);

 private:
  [[nodiscard]] std::string path() const { return bus_->state_path() + "/queues"; }
  [[nodiscard]] std::string path_of(const std::string& name) const { return path() + "/" + name; }
  static constexpr std::uint64_t kLogByte = 1;
  Result<sys::Fd> lock(const std::string& name, std::uint64_t byte, Duration patience);
  void remove_leftovers();

  std::shared_ptr<shm::BusFiles> bus_;
  OpenLog open_log_;
  std::function<void()> when_taken_;
  Duration patience_ = std::chrono::seconds(10);
  std::mutex mutex_;
  std::unique_ptr<Owner> owner_;  ///< held: the bus has the directory
};

}  // namespace ringpost::durable
