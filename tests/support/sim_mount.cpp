// The simulated disk as a process sees it: disk.hpp.
#include <algorithm>
#include <cerrno>

#include "support/sim_disk.hpp"
#include "support/sim_inode.hpp"
#include "sys/error.hpp"

namespace ringpost::sim {

struct Mount::Process {
  bool is_alive = true;
};

namespace {

std::vector<BlockPointer> blocks_of(ByteSpan bytes) {
  std::vector<BlockPointer> blocks;
  for (std::size_t at = 0; at < bytes.size(); at += disk::kBlockBytes) {
    blocks.push_back(block_of(bytes.subspan(at, std::min(disk::kBlockBytes, bytes.size() - at))));
  }
  return blocks;
}

/// Empty: as the contract asks for.
std::string breach_of(const Inode& inode, std::uint64_t offset, ByteSpan bytes) {
  if (offset % disk::kBlockBytes != 0 || bytes.size() % disk::kBlockBytes != 0 ||
      reinterpret_cast<std::uintptr_t>(bytes.data()) % disk::kBlockBytes != 0) {
    return "a write is not of whole blocks";
  }
  if (bytes.empty()) return "an empty write";
  return offset + bytes.size() > inode.bytes ? "a write beyond the end of its file" : "";
}

}  // namespace

// ---- a file ----

class SimFile final : public disk::File {
 public:
  SimFile(Disk& on, std::shared_ptr<Inode> inode, std::shared_ptr<Mount::Process> process)
      : disk_(on), inode_(std::move(inode)), process_(std::move(process)) {}

  [[nodiscard]] std::uint64_t bytes() const noexcept override { return inode_->bytes; }

  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into,
                           disk::Read how) override {
    if (!process_->is_alive) return sys::system_error("cannot read", "a file", EIO);
    if (how == disk::Read::kDirect &&
        (offset % disk::kBlockBytes != 0 || into.size() % disk::kBlockBytes != 0 ||
         reinterpret_cast<std::uintptr_t>(into.data()) % disk::kBlockBytes != 0)) {
      disk_.broken("a direct read is not of whole blocks");
    }
    if (const int failure = disk_.failure_of(Step::kRead); failure != 0) {
      return sys::system_error("cannot read", "a file", failure);
    }
    return inode_->read(offset, into, how);
  }

  Result<void> write(std::uint64_t offset, ByteSpan bytes, disk::Sync sync) override {
    if (!process_->is_alive) return sys::system_error("cannot write", "a file", EIO);
    if (std::string what = breach_of(*inode_, offset, bytes); !what.empty()) {
      disk_.broken(what);
      return sys::system_error("cannot write", "a file", EINVAL);
    }
    auto flight = std::make_shared<Flight>();
    flight->inode = inode_;
    flight->first = offset / disk::kBlockBytes;
    flight->blocks = blocks_of(bytes);
    flight->sync = sync;
    flight->queue = this;
    disk_.flights_.push_back(flight);
    disk_.stepped(Step::kWriteUnderWay);
    if (!process_->is_alive) {  // killed in the call: a process is not dead before that has ended
      disk_.advance(*flight);
      disk_.flights_.remove(flight);
      return sys::system_error("cannot write", "a file", EIO);
    }
    if (const int failure = disk_.failure_of(Step::kWrite); failure != 0) {
      disk_.flights_.remove(flight);
      disk_.fail_write(*inode_, flight->first, flight->blocks);
      disk_.stepped(Step::kWrite);
      return sys::system_error("cannot write", "a file", failure);
    }
    disk_.complete(*flight);
    disk_.stepped(Step::kWrite);
    return {};
  }

  Result<void> sync() override {
    if (!process_->is_alive) return sys::system_error("cannot sync", "a file", EIO);
    if (const int failure = disk_.failure_of(Step::kSync); failure != 0) {
      disk_.fail_sync(*inode_);
      disk_.stepped(Step::kSync);
      return sys::system_error("cannot sync", "a file", failure);
    }
    inode_->sync();
    disk_.stepped(Step::kSync);
    return {};
  }

  [[nodiscard]] const std::shared_ptr<Inode>& inode() const { return inode_; }

 private:
  Disk& disk_;
  std::shared_ptr<Inode> inode_;
  std::shared_ptr<Mount::Process> process_;
};

// ---- several writes at once ----

class SimQueue final : public disk::WriteQueue {
 public:
  SimQueue(Disk& on, unsigned depth, std::shared_ptr<Mount::Process> process)
      : disk_(on), depth_(depth), process_(std::move(process)) {}
  SimQueue(const SimQueue&) = delete;
  SimQueue& operator=(const SimQueue&) = delete;
  ~SimQueue() override {
    for (const auto& flight : mine()) flight->queue = nullptr;
  }

  [[nodiscard]] unsigned depth() const noexcept override { return depth_; }

  Errc submit(disk::File& file, std::uint64_t offset, ByteSpan bytes,
              std::uint64_t token) override {
    if (!process_->is_alive || disk_.failure_of(Step::kSubmit) != 0) return Errc::kSystem;
    const std::shared_ptr<Inode>& inode = static_cast<SimFile&>(file).inode();
    if (std::string what = breach_of(*inode, offset, bytes); !what.empty()) {
      disk_.broken(what);
      return Errc::kSystem;
    }
    const auto others = mine();
    const auto writes = std::count_if(others.begin(), others.end(),
                                      [](const auto& other) { return !other->is_sync; });
    if (writes >= std::ptrdiff_t{depth_})
      disk_.broken("more writes under way than the queue holds");
    auto flight = std::make_shared<Flight>();
    flight->inode = inode;
    flight->first = offset / disk::kBlockBytes;
    flight->blocks = blocks_of(bytes);
    flight->token = token;
    flight->queue = this;
    flight->memory = bytes;
    for (const auto& other : others) {
      if (other->inode == inode && other->first < flight->first + flight->blocks.size() &&
          flight->first < other->first + other->blocks.size()) {
        disk_.broken("two writes under way to the same block");
      }
      if (!disk_.options_.lazy && disk_.random_.percent(20)) disk_.advance(*other);
    }
    disk_.flights_.push_back(std::move(flight));
    disk_.stepped(Step::kSubmit);
    return Errc::kOk;
  }

  Errc sync(disk::File& file, std::uint64_t token) override {
    if (!process_->is_alive || disk_.failure_of(Step::kSubmit) != 0) return Errc::kSystem;
    for (const auto& other : mine()) {
      if (other->is_sync) disk_.broken("two syncs under way");
    }
    auto flight = std::make_shared<Flight>();
    flight->inode = static_cast<SimFile&>(file).inode();
    flight->token = token;
    flight->queue = this;
    flight->is_sync = true;
    flight->covered = flight->inode->unsafe;
    disk_.flights_.push_back(std::move(flight));
    disk_.stepped(Step::kSubmit);
    return Errc::kOk;
  }

  std::size_t reap(std::span<disk::Completion> into, bool wait) override {
    auto waiting = mine();
    std::size_t count = 0;
    const std::size_t at_least = wait && !waiting.empty() ? 1 : 0;
    while (!waiting.empty() && count < into.size()) {
      const bool enough = count >= at_least;
      if (process_->is_alive && enough && (disk_.options_.lazy || disk_.random_.percent(50))) break;
      const auto chosen =
          waiting.begin() + static_cast<std::ptrdiff_t>(disk_.random_.below(waiting.size()));
      const auto flight = *chosen;
      waiting.erase(chosen);
      into[count++] = {flight->token, finish(*flight)};
    }
    if (process_->is_alive) {
      for (const auto& flight : waiting) {
        if (disk_.random_.percent(20)) disk_.advance(*flight);
      }
      if (count > 0) disk_.stepped(Step::kReap);
    }
    return count;
  }

 private:
  [[nodiscard]] std::vector<std::shared_ptr<Flight>> mine() const {
    std::vector<std::shared_ptr<Flight>> found;
    for (const auto& flight : disk_.flights_) {
      if (flight->queue == this) found.push_back(flight);
    }
    return found;
  }

  int finish(Flight& flight) {
    if (!process_->is_alive) {
      flight.queue = nullptr;
      return EIO;
    }
    for (std::size_t i = 0; i < flight.blocks.size(); ++i) {
      if (std::memcmp(&flight.memory[i * disk::kBlockBytes], bytes_of(flight.blocks[i]).data(),
                      disk::kBlockBytes) != 0) {
        disk_.broken("bytes were changed while their write was under way");
      }
    }
    const int failure = disk_.failure_of(flight.is_sync ? Step::kSync : Step::kWrite);
    if (failure == 0) {
      disk_.complete(flight);
    } else if (flight.is_sync) {
      disk_.fail_sync(*flight.inode);
      disk_.flights_.remove_if([&](const auto& other) { return other.get() == &flight; });
    } else {
      disk_.fail_write(*flight.inode, flight.first, flight.blocks);
      disk_.flights_.remove_if([&](const auto& other) { return other.get() == &flight; });
    }
    return failure;
  }

  Disk& disk_;
  unsigned depth_;
  std::shared_ptr<Mount::Process> process_;
};

// ---- the directory ----

std::unique_ptr<Mount> Disk::mount() {
  return std::unique_ptr<Mount>(new Mount(*this, std::make_shared<Mount::Process>()));
}

Mount::Mount(Disk& on, std::shared_ptr<Process> process)
    : disk_(on), process_(std::move(process)) {}

void Mount::kill() { process_->is_alive = false; }
bool Mount::is_alive() const { return process_->is_alive; }

const std::string& Mount::path() const noexcept {
  static const std::string kPath = "sim";
  return kPath;
}

Result<void> Mount::begin(Step step, const std::string& object) {
  if (!process_->is_alive) return sys::system_error("dead:", object, EIO);
  if (const int failure = disk_.failure_of(step); failure != 0) {
    return sys::system_error(sim::name(step), object, failure);
  }
  return {};
}

Result<std::vector<std::string>> Mount::names() {
  if (!process_->is_alive) return sys::system_error("cannot list", path(), EIO);
  return disk_.names();
}

Result<std::unique_ptr<disk::File>> Mount::open(const std::string& name) {
  if (!process_->is_alive) return sys::system_error("cannot open", name, EIO);
  auto inode = disk_.find(name);
  if (inode == nullptr) return sys::system_error("cannot open", name, ENOENT);
  return std::unique_ptr<disk::File>(std::make_unique<SimFile>(disk_, std::move(inode), process_));
}

Result<std::unique_ptr<disk::File>> Mount::create(const std::string& name, std::uint64_t bytes) {
  if (auto begun = begin(Step::kCreate, name); !begun) return Unexpected(begun.error());
  if (disk_.find(name) != nullptr) return sys::system_error("cannot create", name, EEXIST);
  auto inode = std::make_shared<Inode>();
  inode->bytes = bytes;
  inode->safe.resize(inode->blocks());
  inode->cached.resize(inode->blocks());
  if (disk_.used_bytes() + inode->blocks() * disk::kBlockBytes > disk_.options_.capacity_bytes) {
    return sys::system_error("cannot create", name, ENOSPC);
  }
  disk_.names_[name] = inode;
  disk_.changes_.push_back({"", name, inode});
  disk_.stepped(Step::kCreate);
  return std::unique_ptr<disk::File>(std::make_unique<SimFile>(disk_, std::move(inode), process_));
}

Result<void> Mount::rename(const std::string& from, const std::string& to) {
  if (auto begun = begin(Step::kRename, from); !begun) return begun;
  auto inode = disk_.find(from);
  if (inode == nullptr) return sys::system_error("cannot rename", from, ENOENT);
  const Disk::NameChange change{from, to, std::move(inode)};
  Disk::change(disk_.names_, change);
  disk_.changes_.push_back(change);
  disk_.stepped(Step::kRename);
  return {};
}

Result<void> Mount::remove(const std::string& name) {
  if (auto begun = begin(Step::kRemove, name); !begun) return begun;
  if (disk_.find(name) == nullptr) return {};
  const Disk::NameChange change{"", name, nullptr};
  Disk::change(disk_.names_, change);
  disk_.changes_.push_back(change);
  disk_.stepped(Step::kRemove);
  return {};
}

Result<void> Mount::sync() {
  if (!process_->is_alive) return sys::system_error("cannot sync", path(), EIO);
  if (const int failure = disk_.failure_of(Step::kSyncNames); failure != 0) {
    disk_.names_after_failed_sync();
    disk_.stepped(Step::kSyncNames);
    return sys::system_error("cannot sync", path(), failure);
  }
  disk_.safe_names_ = disk_.names_;
  disk_.changes_.clear();
  disk_.stepped(Step::kSyncNames);
  return {};
}

Result<std::unique_ptr<disk::WriteQueue>> Mount::make_queue(unsigned depth) {
  if (!process_->is_alive) return sys::system_error("cannot make a queue", path(), EIO);
  return std::unique_ptr<disk::WriteQueue>(std::make_unique<SimQueue>(disk_, depth, process_));
}

Result<std::uint64_t> Mount::free_bytes() {
  const std::uint64_t used = disk_.used_bytes();
  return used >= disk_.options_.capacity_bytes ? 0 : disk_.options_.capacity_bytes - used;
}

}  // namespace ringpost::sim
