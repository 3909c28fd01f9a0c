#include "support/sim_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "base/cache_line.hpp"
#include "support/sim_inode.hpp"
#include "sys/error.hpp"

namespace ringpost::sim {
namespace {

/// How one power cut treats what was not safe: all alike, or each block by its own luck.
struct Luck {
  unsigned kept_percent;
  unsigned torn_percent;  ///< of those that are not kept
};

Luck luck_of(rig::Random& random) {
  static constexpr Luck kLucks[] = {{0, 0},   {100, 0}, {50, 0},  {50, 50},
                                    {85, 50}, {15, 50}, {0, 100}, {95, 0}};
  return random.one_of(kLucks);
}

}  // namespace

const char* name(Step step) noexcept {
  static constexpr const char* kNames[] = {
      "create",          "rename", "remove", "sync of names", "write",
      "write under way", "sync",   "submit", "reap",          "read"};
  return kNames[static_cast<std::size_t>(step)];
}

Disk::Disk(std::uint64_t seed, Options options) : options_(options), random_(seed) {}
Disk::~Disk() = default;

// ---- failures that were asked for ----

void Disk::fail(Step step, unsigned in, int sys_errno, unsigned times) {
  plans_[static_cast<std::size_t>(step)] = {in, times, sys_errno, false};
}

bool Disk::has_failed(Step step) const { return plans_[static_cast<std::size_t>(step)].done; }

int Disk::failure_of(Step step) {
  Plan& plan = plans_[static_cast<std::size_t>(step)];
  if (plan.times == 0 || --plan.in > 0) return 0;
  plan.in = 1;
  --plan.times;
  plan.done = true;
  return plan.sys_errno;
}

void Disk::stepped(Step step) {
  ++steps_;
  if (on_step) on_step(step);
}

void Disk::broken(const std::string& what) {
  if (breach_.empty()) breach_ = what;
}

// ---- names ----

Disk::InodePointer Disk::find(const std::string& file) const {
  const auto found = names_.find(file);
  return found == names_.end() ? nullptr : found->second;
}

std::uint64_t Disk::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [file, inode] : names_) used += inode->blocks() * disk::kBlockBytes;
  return used;
}

void Disk::change(std::map<std::string, InodePointer>& names, const NameChange& change) {
  if (change.inode == nullptr) {
    names.erase(change.name);
    return;
  }
  // Earlier changes may have been lost: whatever name the file has by now, it has one only.
  if (!change.from.empty()) {
    std::erase_if(names, [&](const auto& entry) { return entry.second == change.inode; });
  }
  names[change.name] = change.inode;
}

void Disk::names_after_failed_sync() {
  for (const NameChange& one : changes_) {
    if (random_.percent(50)) change(safe_names_, one);
  }
  changes_.clear();
}

// ---- writes under way ----

void Disk::advance(Flight& flight) {
  const std::size_t more = random_.below(flight.blocks.size() - flight.landed + 1);
  for (std::size_t i = 0; i < more; ++i, ++flight.landed) {
    flight.inode->write(flight.first + flight.landed, flight.blocks[flight.landed]);
  }
}

void Disk::complete(Flight& flight) {
  while (flight.landed < flight.blocks.size()) {
    flight.inode->write(flight.first + flight.landed, flight.blocks[flight.landed]);
    ++flight.landed;
  }
  if (flight.sync == disk::Sync::kData) {
    flight.inode->make_safe(flight.first, flight.blocks);
  }
  if (flight.is_sync) flight.inode->finish_sync(flight.covered);
  flights_.remove_if([&](const FlightPointer& other) { return other.get() == &flight; });
}

void Disk::fail_write(Inode& inode, std::uint64_t first, const std::vector<BlockPointer>& blocks) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::uint64_t fate = random_.below(3);
    if (fate == 0) continue;
    inode.write(first + i, blocks[i]);
    if (fate == 1) inode.make_safe(first + i, {blocks[i]});
  }
}

void Disk::fail_sync(Inode& inode) {
  for (const auto& [block, bytes] : inode.unsafe) {
    if (random_.percent(50)) inode.safe[block] = bytes;
  }
  inode.unsafe.clear();
}

std::size_t Disk::land_late_writes() {
  std::size_t landed = 0;
  const std::list<FlightPointer> flights = flights_;
  for (const FlightPointer& flight : flights) {
    if (flight->is_awaited()) continue;
    const std::size_t before = flight->landed;
    advance(*flight);
    landed += flight->landed - before;
    flights_.remove(flight);
  }
  return landed;
}

std::size_t Disk::late_writes() const {
  return static_cast<std::size_t>(std::count_if(
      flights_.begin(), flights_.end(), [](const auto& flight) { return !flight->is_awaited(); }));
}

// ---- power cuts ----

namespace {

/// Draws what is left of one file.
class Cut {
 public:
  Cut(rig::Random& random, CutCounts& counts)
      : random_(random), counts_(counts), luck_(luck_of(random)) {}

  std::shared_ptr<Inode> file(const Inode& before, bool lengths_are_safe) {
    auto after = std::make_shared<Inode>();
    after->bytes = before.bytes;
    after->length_is_safe = true;
    after->safe = before.safe;
    if (!lengths_are_safe && !before.length_is_safe && !is_kept()) {
      ++counts_.lengths_lost;
      after->bytes = 0;
      after->safe.clear();
    }
    lost_ = false;
    for (const auto& [block, bytes] : before.unsafe) write(*after, block, bytes);
    return after;
  }

  void flight(Inode& after, const Flight& flight) {
    lost_ = false;
    for (std::size_t i = flight.landed; i < flight.blocks.size(); ++i) {
      write(after, flight.first + i, flight.blocks[i]);
    }
  }

  bool keeps_name() {
    const bool kept = is_kept();
    ++(kept ? counts_.names_kept : counts_.names_lost);
    return kept;
  }

 private:
  bool is_kept() { return random_.percent(luck_.kept_percent); }

  void write(Inode& after, std::uint64_t block, const BlockPointer& bytes) {
    if (block >= after.safe.size()) return;
    if (is_kept()) {
      ++counts_.blocks_kept;
      if (lost_) ++counts_.later_without_earlier;
      after.safe[block] = bytes;
    } else if (random_.percent(luck_.torn_percent)) {
      ++counts_.blocks_torn;
      lost_ = true;
      after.safe[block] = torn(after.safe[block], bytes);
    } else {
      ++counts_.blocks_lost;
      lost_ = true;
    }
  }

  BlockPointer torn(const BlockPointer& before, const BlockPointer& now) {
    Block mixed = bytes_of(before);
    const Block& other = bytes_of(now);
    const std::uint64_t sectors = random_.next();
    for (std::size_t i = 0; i < disk::kBlockBytes / kSectorBytes; ++i) {
      if ((sectors >> i & 1) == 0) continue;
      std::memcpy(&mixed[i * kSectorBytes], &other[i * kSectorBytes], kSectorBytes);
    }
    if (random_.one_in(4)) {  // not every disk writes whole sectors
      const std::uint64_t sector =
          random_.one_in(2) ? 0 : random_.below(disk::kBlockBytes / kSectorBytes);
      const std::size_t at = sector * kSectorBytes;
      const std::size_t stop = random_.one_in(2) ? random_.below(128) : random_.below(kSectorBytes);
      std::memcpy(&mixed[at], &other[at], stop);
    }
    return block_of(mixed);
  }

  rig::Random& random_;
  CutCounts& counts_;
  Luck luck_;
  bool lost_ = false;
};

}  // namespace

std::unique_ptr<Disk> Disk::power_cut(std::uint64_t seed, CutCounts* counts) const {
  CutCounts unwanted;
  CutCounts& count = counts != nullptr ? *counts : unwanted;
  ++count.images;
  rig::Random random(seed);
  Cut cut(random, count);
  std::map<std::string, InodePointer> names = safe_names_;
  for (const NameChange& one : changes_) {
    if (cut.keeps_name()) change(names, one);
  }
  auto after = std::make_unique<Disk>(random.next(), options_);
  for (const auto& [file, inode] : names) {
    const InodePointer left = cut.file(*inode, options_.lengths_are_safe);
    for (const FlightPointer& flight : flights_) {
      if (flight->inode == inode) cut.flight(*left, *flight);
    }
    left->cached = left->safe;
    after->names_[file] = left;
  }
  after->safe_names_ = after->names_;
  return after;
}

std::unique_ptr<Disk> Disk::copy(std::uint64_t seed) const {
  auto other = std::make_unique<Disk>(seed, options_);
  for (const auto& [file, inode] : names_) {
    auto same = std::make_shared<Inode>();
    same->bytes = inode->bytes;
    same->length_is_safe = true;
    same->safe = same->cached = inode->cached;
    other->names_[file] = std::move(same);
  }
  other->safe_names_ = other->names_;
  return other;
}

// ---- files as they are ----

std::vector<std::string> Disk::names() const {
  std::vector<std::string> all;
  for (const auto& [file, inode] : names_) all.push_back(file);
  return all;
}

std::vector<std::byte> Disk::content(const std::string& file) const {
  const InodePointer inode = find(file);
  if (inode == nullptr) return {};
  std::vector<std::byte> bytes(inode->bytes);
  inode->read(0, bytes, disk::Read::kCached);
  return bytes;
}

std::uint64_t Disk::bytes(const std::string& file) const {
  const InodePointer inode = find(file);
  return inode == nullptr ? 0 : inode->bytes;
}

void Disk::put(const std::string& file, ByteSpan bytes) {
  auto inode = std::make_shared<Inode>();
  inode->bytes = bytes.size();
  inode->length_is_safe = true;
  for (std::size_t at = 0; at < bytes.size(); at += disk::kBlockBytes) {
    inode->safe.push_back(
        block_of(bytes.subspan(at, std::min(disk::kBlockBytes, bytes.size() - at))));
  }
  inode->cached = inode->safe;
  names_[file] = safe_names_[file] = std::move(inode);
}

void Disk::flip(const std::string& file, std::uint64_t offset, std::byte mask) {
  flip_cached(file, offset, mask);
  const InodePointer inode = find(file);
  inode->safe[offset / disk::kBlockBytes] = inode->cached[offset / disk::kBlockBytes];
}

void Disk::flip_cached(const std::string& file, std::uint64_t offset, std::byte mask) {
  BlockPointer& block = find(file)->cached[offset / disk::kBlockBytes];
  Block changed = bytes_of(block);
  changed[offset % disk::kBlockBytes] ^= mask;
  block = block_of(changed);
}

void Disk::truncate(const std::string& file, std::uint64_t bytes) {
  const InodePointer inode = find(file);
  inode->bytes = bytes;
  inode->safe.resize(inode->blocks());
  inode->cached.resize(inode->blocks());
}

void Disk::drop(const std::string& file) {
  names_.erase(file);
  safe_names_.erase(file);
}

}  // namespace ringpost::sim
