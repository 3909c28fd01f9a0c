// The deduplication table of a FIFO queue: which ids were accepted, at which position, until when.
//
// A sender claims position p, fills its slot, *enters* its id with p, publishes p, *commits*.
// Whether p was published decides whether the id was accepted; the entry only says for which
// position to ask. So nobody ever waits: who finds an entry of another, undecided, has that
// position decided.
//
// What the ring promises
//   1. a position is claimed by one sender, once, and then published or dead for ever;
//   2. before a published position is passed, that is before its slot can be taken for a later lap,
//      commit() is called for it, whatever becomes of the message. So an undecided position whose
//      slot has gone on was never published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dedup/layout.hpp"

namespace ringpost::dedup {

/// What became of a position that an entry names.
enum class SlotState : std::uint8_t {
  kFilling,    ///< claimed, and may still be published or not
  kPublished,  ///< its slot holds the published message now
  kDead,       ///< skipped or voided, or the slot is of another lap
};

/// How enter() asks the ring, called by the sender's own thread:
///
///   SlotState judge(std::uint64_t position);   kDead also for positions that cannot be
///   void skip(std::uint64_t position);         it was filling: one CAS that fails its publish.
///                                              judge() never says kFilling after it
///   std::uint64_t expiry();                    the time now + window
///   bool is_over();                            if there is one: true makes enter() give up
///   bool bury(std::uint64_t position);         if there is one: comes before the id of a dead
///                                              position is given to another one, or to nobody.
///                                              False: it is not
///
/// Two senders of one id could skip each other for ever, in theory: skip() may pause some times to
/// see whether the other publishes, before it skips.
struct Send {
  Key key;
  std::uint64_t position = 0;  ///< claimed by the caller and filled
  std::uint16_t owner = 0;     ///< participant, below 2^14
  std::uint64_t now = 0;       ///< read after the call began; an old one is never wrong
};

struct Entered {
  enum class Outcome : std::uint8_t {
    kEntered,    ///< publish now, then commit(entry, position)
    kDuplicate,  ///< of the message at `position`, accepted before. Void your claim
    kFull,       ///< no entry for this id. Void your claim
    kDamaged,    ///< memory that lies. Void your claim
  };
  Outcome outcome = Outcome::kDamaged;
  std::uint64_t entry = 0;  ///< never 0 if kEntered
  std::uint64_t position = 0;
};

/// A view of the table in shared memory. Geometry is the attacher's checked copy, so that no bytes
/// in the memory can move an access out of it.
///
/// Units       time in the caller's units (44 bits), positions below 2^50.
/// Threads     any number; nothing is remembered here.
/// Blocking    never: no lock, no system call, no allocation. Lock-free; loops end in memory that
///             lies.
/// Crash       see EntryState; what the dead leave costs entries until sweep(), never an id.
/// Complexity  enter and find: two lines of a bucket and one entry, mostly.
class Table {
 public:
  Table() noexcept = default;
  /// `memory` holds geometry.bytes bytes, is aligned to pages and outlives the view.
  Table(std::byte* memory, const TableGeometry& geometry) noexcept
      : memory_(memory), geometry_(geometry) {}

  static constexpr std::size_t bytes_for(std::uint32_t capacity) noexcept {
    return TableGeometry::of(capacity).bytes;
  }
  /// Makes an empty table of zeroed memory of bytes_for(capacity) bytes.
  static void initialise(std::byte* memory, std::uint32_t capacity) noexcept;
  /// Nothing: not a table of this format, or not of so many bytes.
  static std::optional<Table> attach(std::byte* memory, std::size_t bytes) noexcept;

  [[nodiscard]] const TableGeometry& geometry() const noexcept { return geometry_; }

  /// Brings the lines of an id nearer, for a find or enter that follows.
  void prefetch(Key key) const noexcept;

  /// Position of the message that was accepted with this id, if it is not over. A cheap look before
  /// anything is claimed; that it finds nothing promises nothing.
  [[nodiscard]] std::optional<std::uint64_t> find(Key key, std::uint64_t now) const noexcept;

  /// Takes the id for a position, or says of which message it is a duplicate.
  ///
  /// kEntered: write the entry into the slot and publish. If that fails, because the position was
  /// skipped, claim another one and enter that, or abandon().
  template <class Slots>
  [[nodiscard]] Entered enter(const Send& send, Slots&& slots) const noexcept;

  /// After `position` was published, by the sender and before it is passed by whoever passes it;
  /// again and late as one likes, the first one counts. `entry` may be any number. `expiry`: time
  /// of now, read after the publish was done or seen, + window. That time is when the id counts as
  /// accepted: the window begins there, for whoever stopped or died before it too. Returns whether
  /// the entry says committed now; false if the id is another message's, or forgotten.
  bool commit(std::uint64_t entry, std::uint64_t position, std::uint64_t expiry) const noexcept;

  /// The sender gives up: `position` is dead, and it does not enter another one.
  void abandon(std::uint64_t entry, std::uint64_t position) const noexcept;

  struct Swept {
    std::uint64_t freed = 0;
    std::uint64_t committed = 0;
    std::uint64_t left = 0;  ///< their positions are not decided yet
  };
  /// Takes back what a dead participant left. After the ring has been swept of its claims; the
  /// caller holds its liveness lock. Crash: idempotent, another sweeper does it again.
  template <class Slots>
  Swept sweep(std::uint16_t dead, Slots&& slots) const noexcept;

  /// Forgets the ids of all messages before position `end`, for a purge that has decided and
  /// discarded all positions before it. Others may send meanwhile. Returns how many.
  /// `with_dead`: also those of positions that were never published.
  std::uint64_t clear(std::uint64_t end, bool with_dead = true) const noexcept;

  /// Ids that would be found now; looks at every bucket that was ever used.
  [[nodiscard]] std::uint64_t count(std::uint64_t now) const noexcept;
  /// The same from at most 64 buckets.
  [[nodiscard]] std::uint64_t estimate(std::uint64_t now) const noexcept;

  /// For the doctor. In a table that nobody uses meanwhile, all but `linked` are 0 after a sweep.
  struct Checked {
    std::uint64_t linked = 0;
    std::uint64_t leftovers = 0;  ///< freed but linked, or taken and not linked; cost an entry
    std::uint64_t misplaced = 0;  ///< in a bucket that is not its id's, or not to be found there
    std::uint64_t twice = 0;      ///< linked with an id that is linked before it
    friend bool operator==(const Checked&, const Checked&) = default;
  };
  [[nodiscard]] Checked check() const noexcept { return check_all(false); }
  /// The same, and unlinks and frees what is misplaced or twice, and what is freed but linked.
  Checked repair() const noexcept { return check_all(true); }

 private:
  /// Bounds loops in memory that lies; nobody loses that many times against correct processes.
  static constexpr std::uint32_t kTriesMax = 1u << 16;
  static constexpr std::uint32_t kNone = kEntriesPerBucket;

  struct Look {
    Links links;  ///< what the look relies on
    std::uint32_t index = kNone;
    EntryWord word;  ///< of the entry, not free, if there is one
  };

  [[nodiscard]] std::uint32_t bucket_of(Key key) const noexcept {
    return static_cast<std::uint32_t>((key.high >> 32) * geometry_.buckets >> 32);
  }
  [[nodiscard]] static std::uint32_t first_choice(Key key) noexcept {
    return static_cast<std::uint32_t>((key.low >> 32) * kEntriesPerBucket >> 32);
  }
  [[nodiscard]] static std::uint8_t print_of(Key key) noexcept {
    return static_cast<std::uint8_t>(key.low);
  }
  [[nodiscard]] IdBucket& bucket(std::uint32_t index) const noexcept {
    return reinterpret_cast<IdBucket*>(memory_ + geometry_.buckets_begin)[index];
  }
  [[nodiscard]] std::atomic<std::uint64_t>& used_word(std::uint32_t bucket) const noexcept {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(memory_ + geometry_.used_map)[bucket / 64];
  }
  [[nodiscard]] bool is_used(std::uint32_t bucket) const noexcept {
    return (used_word(bucket).load(std::memory_order_acquire) >> bucket % 64 & 1u) != 0;
  }
  [[nodiscard]] static std::uint64_t reference(std::uint32_t bucket, std::uint32_t index) noexcept {
    return std::uint64_t{bucket} * kEntriesPerBucket + index + 1;
  }
  /// Nothing: no such entry.
  [[nodiscard]] IdEntry* entry_of(std::uint64_t reference) const noexcept;

  [[nodiscard]] static EntryWord read(const IdEntry& entry) noexcept;
  [[nodiscard]] static bool move(IdEntry& entry, EntryWord from, EntryWord to) noexcept;
  [[nodiscard]] static Links links_of(const IdBucket& home) noexcept { return {home.links.load()}; }
  [[nodiscard]] static std::uint64_t alike(const IdBucket& home, std::uint64_t entries,
                                           std::uint8_t print) noexcept;
  [[nodiscard]] static bool look(IdBucket& home, Key key, Look& found) noexcept;
  [[nodiscard]] static bool link(IdBucket& home, Links from, std::uint32_t index) noexcept;
  static void unlink(IdBucket& home, std::uint32_t index) noexcept;
  static bool free_linked(IdBucket& home, std::uint32_t index, EntryWord from) noexcept;
  static void give_back(IdEntry& entry, const Send& send) noexcept;
  [[nodiscard]] std::uint32_t take(std::uint32_t number, const Send& send) const noexcept;
  [[nodiscard]] static bool take_at(IdBucket& home, std::uint32_t index, const Send& send) noexcept;
  [[nodiscard]] static std::uint64_t live_in(const IdBucket& home, std::uint64_t now) noexcept;
  [[nodiscard]] Checked check_all(bool repair) const noexcept;
  [[nodiscard]] Checked check_bucket(std::uint32_t number, bool repair) const noexcept;

  template <class Slots>
  [[nodiscard]] static SlotState decided(std::uint64_t position, Slots& slots) noexcept;
  template <class Slots>
  [[nodiscard]] static bool replace(IdEntry& entry, EntryWord word, const Send& send,
                                    Slots& slots) noexcept;
  template <class Slots>
  [[nodiscard]] static bool bury(const IdEntry& entry, EntryWord word, Slots& slots) noexcept;
  template <class Slots>
  [[nodiscard]] static bool free_dead(IdBucket& home, std::uint64_t now, Slots& slots) noexcept;
  template <class Slots>
  static void sweep_entry(IdBucket& home, std::uint32_t index, std::uint16_t dead, Slots& slots,
                          Swept& swept) noexcept;

  std::byte* memory_ = nullptr;
  TableGeometry geometry_;
};

}  // namespace ringpost::dedup

#include "dedup/enter.hpp"
