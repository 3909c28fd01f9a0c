// The arena: memory for payloads that do not fit a slot, in size classes, shared by a whole bus.
//
// A segment is a file of equal blocks. Every block has a descriptor whose state word is the truth:
//
//   FREE(g) → OWNED(p, g+1) → LIVE(p, g+1) → FREE(g+1)
//     allocate  CAS by p        store by p     CAS by whoever made the message go
//
// The back reference {ring, slot, lap} is written before LIVE, and LIVE before the message is
// published. When the message moves to another queue one CAS changes it. Bitmaps and a
// participant's private magazines only say where a free block may be found; a wrong hint costs a
// look.
//
// The payload of a fan-out has no back reference: it is LIVE as long as a bit in its word of
// deliveries stands for a share that needs it. Shares are blocks of a class of their own
// (share.hpp).
//
// Crash  OWNED by a dead participant: the sweeper frees it. LIVE whose message is gone (its back
//        reference says which): the sweeper frees it. Freeing compares the generation, so it
//        happens once, whoever does it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/word128.hpp"
#include "shm/block_store.hpp"
#include "shm/bus_files.hpp"
#include "shm/participant.hpp"
#include "shm/share.hpp"

namespace ringpost::shm {

inline constexpr std::uint64_t kSegmentMagic = 0x4d45475352415354;
inline constexpr std::uint32_t kSegmentFormat = 1;

/// 32 bytes in shared memory.
struct BlockDescriptor {
  std::atomic<std::uint64_t> state;  ///< state (2) · owner (14) · generation (48)
  /// Of a fan-out: low bits of the generation (24) · a bit for each delivery; of its payload: for
  /// each share.
  std::atomic<std::uint64_t> deliveries;
  /// {ring id, lap << kSlotBits | slot}: by the owner before LIVE; then by whoever moves the
  /// message.
  base::Word128 back;
};
static_assert(sizeof(BlockDescriptor) == 32);

struct SegmentHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t size_class;
  std::uint32_t blocks;
  std::uint32_t reserved;
  std::uint64_t segment_id;
  std::uint64_t creator;  ///< creator_word(): whose a file is that the table does not name yet
};

enum class BlockState : std::uint8_t { kFree = 0, kOwned = 1, kLive = 2 };

/// A block as a reader of shared memory sees it: nothing in it is checked.
struct BlockLook {
  BlockRef ref;
  BlockState state = BlockState::kFree;
  std::uint16_t owner = 0;
  BackReference back;
  std::uint64_t bytes = 0;
  std::uint64_t deliveries = 0;  ///< the word, see arena_words.hpp
};

/// What a share is about. Does not change while it is LIVE.
struct ShareContent {
  BlockRef payload;
  std::array<std::uint64_t, 2> lengths{};
  std::uint64_t second = 0;
  std::uint64_t second_offset = 0;
  std::uint64_t sent_ns = 0;
  std::uint32_t count = 0;
  std::uint32_t bit = 0;
  bool ordered = false;  ///< of a FIFO topic
};

/// A LIVE share as a reader of shared memory sees it.
struct ShareLook {
  BlockRef ref;
  std::uint16_t owner = 0;    ///< 0: nobody; its publisher is dead
  std::uint64_t pending = 0;  ///< a bit for each delivery that is not over, below content.count
  ShareContent content;
  Share* share = nullptr;

  enum class Fate : std::uint8_t {
    kOpen,       ///< its publish is not decided
    kCommitted,  ///< it has happened
    kOver,       ///< it will never happen, or nothing of it is left to do
  };
  Fate fate = Fate::kOpen;
};

/// A block in hand.
struct Block {
  BlockRef ref;
  std::byte* data = nullptr;
  std::uint64_t bytes = 0;
};

/// The mapped segments of a bus, shared by the participants of a process.
class ArenaSegments {
 public:
  explicit ArenaSegments(std::shared_ptr<BusFiles> bus) noexcept : bus_(std::move(bus)) {}

  struct Segment {
    sys::Mapping mapping;
    std::uint32_t size_class = 0;
    std::uint32_t blocks = 0;
    std::byte* data = nullptr;
    [[nodiscard]] BlockDescriptor& descriptor(std::uint32_t index) const noexcept;
    [[nodiscard]] std::atomic<std::uint64_t>& bitmap(std::uint32_t word) const noexcept;
    [[nodiscard]] std::uint32_t bitmap_words() const noexcept { return (blocks + 63) / 64; }
  };

  /// Null when the table has no such segment or its file is not right. Maps it at the first use.
  [[nodiscard]] const Segment* segment(std::uint32_t size_class, std::uint32_t number) noexcept;
  /// Adds the next segment of the class. Errors kNoSpace.
  Errc grow(std::uint32_t size_class, std::uint64_t creator,
            const std::string& temporary_name) noexcept;

  /// Whether the table names this file of the arena's directory.
  [[nodiscard]] bool names_file(const std::string& name) const noexcept;
  [[nodiscard]] std::uint64_t reserved_bytes() const noexcept;
  [[nodiscard]] BusFiles& bus() const noexcept { return *bus_; }

  [[nodiscard]] static std::uint32_t blocks_in(std::uint32_t size_class,
                                               std::uint32_t number) noexcept;
  [[nodiscard]] static std::size_t file_bytes(std::uint32_t size_class,
                                              std::uint32_t number) noexcept;

 private:
  const Segment* map_segment(std::uint32_t size_class, std::uint32_t number) noexcept;
  std::shared_ptr<BusFiles> bus_;
  std::mutex mapping_mutex_;  // of this process, cold: never held by another
  std::atomic<const Segment*> mapped_[kBlockClasses][kSegmentsPerClass] = {};
  std::unique_ptr<Segment> owned_[kBlockClasses][kSegmentsPerClass];
};

/// One participant's access to the arena.
///
/// Threads     one at a time.
/// Blocking    never; no system call but to map or to add a segment.
/// Complexity  O(1) while hints are right; a scan of the class when the arena is at its limit.
class Arena final : public BlockStore {
 public:
  Arena(std::shared_ptr<ArenaSegments> segments, const Participant& me);
  ~Arena() override;

  static constexpr std::uint64_t kBlockBytesMax = std::uint64_t{kSmallestBlockBytes}
                                                  << (kSizeClasses - 1);

  /// A block of at least `bytes`, OWNED by me. Errors kTooLarge, kNoSpace.
  Errc allocate(std::uint64_t bytes, Block& block) noexcept;
  /// Before the message is published.
  void make_live(const BlockRef& ref, const BackReference& back) noexcept;
  /// LIVE → OWNED by me again, of a message that was not published.
  void take_back(const BlockRef& ref) noexcept;
  /// LIVE → FREE if this is still that use of the block.
  void free(const BlockRef& ref) noexcept override;
  /// While LIVE: see BlockStore.
  void change_hands(const BlockRef& ref, const BackReference& from,
                    const BackReference& to) noexcept override;
  /// OWNED by me → FREE.
  void abandon(const BlockRef& ref) noexcept;

  // Fan-outs: arena_shares.cpp.
  /// A share, OWNED by me, with every entry unset. Error kNoSpace.
  Errc allocate_share(BlockRef& ref, Share*& share) noexcept;
  /// Before the shares are opened: so many of them need the payload, which I own.
  void share_out(const BlockRef& payload, std::uint32_t shares) noexcept;
  /// OWNED → LIVE: its fields are complete.
  void open_share(const BlockRef& share, std::uint32_t deliveries) noexcept;
  /// OWNED → LIVE: all deliveries of a payload that is shared out happen from now on.
  void commit(const BlockRef& payload) noexcept;
  /// The same beside others who may abort(): false if one has.
  [[nodiscard]] bool commit_unless_aborted(const BlockRef& payload) noexcept;
  /// OWNED by anybody → FREE: nothing of it happens. Without effect once it is committed.
  void abort(const BlockRef& payload) noexcept;
  /// LIVE → FREE: of a share whose payload was abandoned. Before, nobody got to know of it.
  void close_share(const BlockRef& share) noexcept;
  void drop(const DeliveryRef& delivery) noexcept override;
  /// Its publisher is dead: LIVE, owned by nobody. False: somebody has changed it meanwhile.
  bool orphan_share(const ShareLook& share) noexcept;
  /// What lies in a LIVE share; nothing if it is not one, or has changed meanwhile.
  [[nodiscard]] std::optional<ShareLook> look_at_share(std::uint64_t block) noexcept;
  /// Still the same use of it: what was read in it since it was looked at is of that use.
  [[nodiscard]] bool is_same_use(const ShareLook& share) noexcept;
  /// Calls visit(share) for each LIVE one.
  void for_each_share(const std::function<void(const ShareLook&)>& visit) noexcept;
  /// Frees a share of which nothing is left to do, and a payload that it alone needed.
  void end_share(const ShareLook& share) noexcept;

  /// The memory of a block, or null if the reference (bytes of a peer) is impossible.
  /// So many bytes from `offset` on.
  [[nodiscard]] std::byte* data(const BlockRef& ref, std::uint64_t content_bytes,
                                std::uint64_t offset = 0) noexcept;

  /// Frees what the dead left: see above. `dead` 0: only LIVE blocks whose message is gone.
  std::uint64_t sweep(std::uint16_t dead,
                      const std::function<bool(const BackReference&)>& is_gone) noexcept;

  struct Usage {
    std::uint64_t blocks = 0, blocks_used = 0, bytes_used = 0;
  };
  [[nodiscard]] Usage usage() noexcept;
  /// Calls visit(block) for each block there is.
  void for_each_block(const std::function<void(const BlockLook&)>& visit) noexcept;
  /// Nothing if there is no such block.
  [[nodiscard]] std::optional<BlockLook> look(std::uint64_t block) noexcept;

 private:
  static constexpr std::uint32_t kMagazine = 16;
  struct Magazine {
    std::array<std::uint64_t, kMagazine> blocks;
    std::uint32_t count = 0;
  };
  struct Located {
    const ArenaSegments::Segment* segment = nullptr;
    BlockDescriptor* descriptor = nullptr;
    std::uint32_t index = 0;
  };
  [[nodiscard]] Located locate(std::uint64_t block) noexcept;
  Errc allocate_in(std::uint32_t size_class, Block& block) noexcept;
  bool try_own(std::uint64_t block, Block& out) noexcept;
  bool refill(std::uint32_t size_class) noexcept;
  bool refill_by_scan(std::uint32_t size_class) noexcept;
  void keep(std::uint64_t block) noexcept;
  void hint(std::uint64_t block) noexcept;
  bool release(const BlockRef& ref, std::uint64_t state_required) noexcept;
  [[nodiscard]] static bool is_shared_out(const BlockDescriptor& payload,
                                          std::uint64_t generation) noexcept;
  void end_share(const BlockRef& share, const BlockRef& payload, std::uint32_t bit) noexcept;
  void drop_share(const BlockRef& payload, std::uint32_t bit) noexcept;

  std::shared_ptr<ArenaSegments> segments_;
  const std::uint16_t me_;
  const std::uint64_t creator_;
  const std::string temporary_name_;
  std::array<Magazine, kBlockClasses> magazines_{};
};

}  // namespace ringpost::shm
