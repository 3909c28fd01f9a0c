// What a bus keeps on disk: <state>/<bus>/
//
//   owner                          whose it is: durable/owner.hpp
//   streams/<name>/stream.meta     meta.hpp
//                 /shard-<number>/ one log a shard, twelve digits
//          /~new-<id>/             a stream that is not complete yet
//          /~gone-<id>/            one that was deleted
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "durable/owner.hpp"
#include "shm/bus_files.hpp"
#include "stream/meta.hpp"
#include "sys/file.hpp"

namespace ringpost::stream {

/// Threads   any. Blocking  as the disk does.
/// Crash     a stream is there with all that it needs, or not at all.
class StateDirectory {
 public:
  /// The bus's, if it may have it. Errors kNotFound (not `create`, and there is none), kBusy (it is
  /// another bus's), kPermission, ….
  static Result<std::shared_ptr<StateDirectory>> open(const shm::BusFiles& bus, bool create);

  /// Whether this bus has taken it from another one that is gone.
  [[nodiscard]] bool was_taken() const noexcept { return owner_->was_taken(); }
  [[nodiscard]] Result<std::vector<std::string>> stream_names() const;
  [[nodiscard]] bool has(const std::string& name) const;

  // By whoever may make, adopt and delete streams (shm::kStreamsByte), or has the stream's lock.

  /// kExists if the name is taken.
  Result<void> make_stream(const Meta& meta) const;
  /// One that is there already is no error.
  Result<void> make_shard(const std::string& name, std::uint32_t number) const;
  Result<void> remove_shard(const std::string& name, std::uint32_t number) const;
  Result<void> remove_stream(const std::string& name) const;
  /// What the dead have left.
  void remove_leftovers() const;

  [[nodiscard]] Result<std::unique_ptr<disk::Directory>> stream(const std::string& name) const;
  [[nodiscard]] Result<std::unique_ptr<disk::Directory>> shard(const std::string& name,
                                                               std::uint32_t number) const;
  [[nodiscard]] std::string shard_path(const std::string& name, std::uint32_t number) const;

 private:
  StateDirectory() = default;
  [[nodiscard]] std::string path_of(const std::string& name) const;

  std::string path_;
  std::unique_ptr<durable::Owner> owner_;
  sys::Fd streams_;
  mode_t mode_ = 0700;
};

}  // namespace ringpost::stream
