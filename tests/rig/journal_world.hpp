// Inside of JournalStage: the shared bytes, the log, what has happened, the judges.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "journal/log_port.hpp"
#include "journal/log_writer.hpp"
#include "journal/producer.hpp"
#include "journal/reader.hpp"
#include "journal/waits.hpp"
#include "rig/journal_stage.hpp"
#include "rig/runtime.hpp"
#include "ringpost/clock.hpp"

namespace ringpost::rig {

struct JournalWorld {
  static constexpr int kJudge = JournalStage::kJudge;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::size_t kPositions = 128;
  static constexpr std::size_t kRecords = 64;

  /// What is on the disk: survives everybody.
  struct Log {
    struct Record {
      std::atomic<std::uint64_t> position;
      std::atomic<std::uint64_t> value;  ///< kEnd: the end
    };
    std::atomic<std::uint64_t> written;  ///< end (48) · records (16)
    std::atomic<std::uint64_t> synced;   ///< end
    Record records[kRecords];
  };
  static constexpr std::uint64_t kEnd = ~std::uint64_t{0};
  struct Shared {
    alignas(base::kPageBytes) std::byte journal[journal::JournalGeometry::of(3).file_bytes];
    Log log;
    std::atomic<std::uint32_t> dead[kParticipants];
  };

  enum class Fate : std::uint8_t { kNone, kClaimed, kPublishing, kPublished, kAbandoned };
  /// A claim, by its position.
  struct Fact {
    int me = 0;
    std::uint64_t cells = 0;
    std::uint64_t value = 0;
    Fate fate = Fate::kNone;
  };
  /// Who sleeps, or would.
  struct Sleep {
    const std::atomic<std::uint32_t>* word = nullptr;
    std::uint32_t seen = 0;
    std::uint64_t until = 0;  ///< position that is waited for
    bool in_vain = false;     ///< it was there already: then somebody is about to wake him
  };

  /// A log as one participant has it open.
  class Port final : public journal::LogPort {
   public:
    explicit Port(JournalWorld& world) : world_(world) {}
    Errc open(std::uint64_t acknowledged) override;
    Errc resume(journal::ConstLogStateWords state) override;
    Errc save(journal::LogStateWords state) override {
      state[0] = end_;
      return Errc::kOk;
    }
    [[nodiscard]] std::uint64_t end() const noexcept override { return end_; }
    [[nodiscard]] bool fits(std::size_t) const noexcept override { return count_ < kBatch; }
    Errc add(std::uint64_t position, ByteSpan record) override;
    Errc submit(disk::Sync sync, std::uint64_t end) override;
    Errc write_now(disk::Sync sync, std::uint64_t end) override;
    Progress reap(bool wait) override;
    [[nodiscard]] bool has_under_way() const noexcept override { return under_way_; }
    Errc flush() override;
    [[nodiscard]] int last_errno() const noexcept override { return failed_ ? 5 : 0; }

   private:
    static constexpr std::size_t kBatch = 8;
    Errc write();
    JournalWorld& world_;
    std::uint64_t end_ = 0;
    using Batch = std::array<std::pair<std::uint64_t, std::uint64_t>, kBatch>;
    Batch batch_{};
    std::size_t count_ = 0;  ///< gathered
    Batch submitted_{};
    std::size_t submitted_count_ = 0;
    std::uint64_t submitted_end_ = 0;
    disk::Sync submitted_sync_ = disk::Sync::kNone;
    bool under_way_ = false, failed_ = false;
  };
  /// Stands still until its participant has slept.
  struct ItsClock final : Clock {
    bool slept = false;
    [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override { return slept ? 2 : 0; }
    [[nodiscard]] std::uint64_t wall_ns() const noexcept override { return 0; }
  };
  static constexpr std::uint64_t kDeadline = 1;
  struct Liveness final : journal::Liveness {
    explicit Liveness(JournalWorld& its_world) : world(its_world) {}
    [[nodiscard]] bool is_alive(std::uint64_t word) const noexcept override {
      return world.shared.dead[word & 0xff].load() == 0;
    }
    JournalWorld& world;
  };
  struct Participant {
    explicit Participant(JournalWorld& world, int me)
        : producer(world.view, static_cast<std::uint16_t>(me)),
          port(world),
          role(world.view, word_of(me), world.liveness, port),
          waits(world.view, base::TimeSource(&clock), world.liveness, &role),
          writer(world.view, word_of(me), world.liveness, port) {}
    journal::Producer producer;
    Port port;
    journal::DrainRole role;
    ItsClock clock;
    journal::Waits waits;
    journal::LogWriter writer;
    std::optional<journal::Claim> claim;
    bool has_role = false;
    Sleep sleep;
  };

  explicit JournalWorld(const JournalShape& its_shape) : shape(its_shape), liveness(*this) {}
  ~JournalWorld() { forget(); }

  static constexpr std::uint64_t word_of(int me) noexcept {
    return std::uint64_t{1} << 14 | static_cast<std::uint64_t>(me);
  }
  void prepare();
  void forget() noexcept;

  bool claim(int me, int cells);
  void publish(int me);
  void abandon(int me);
  void put(int me, int cells);
  void close(int me);
  void settled(int me, std::uint64_t end);
  void room(int me, int cells);
  void published(int me, std::uint64_t position);
  void drain(int me);
  void recover(int me);
  void write(int me, bool keeps);
  void read();
  void sweep();
  void die(int me);
  void slept(const std::atomic<std::uint32_t>& word, std::uint32_t seen);
  /// The operation of that participant begins, in this fiber or outside.
  Participant& begin(int me, std::uint64_t waits_for = 0);

  void judge_claim(std::uint64_t position, std::uint64_t cells);
  void judge_written(std::uint64_t position, std::uint64_t value);
  void judge_words();
  void judge_durable(std::uint64_t end);
  void judge_record(const journal::Seen& seen, std::uint64_t asked);
  void judge_absence(std::uint64_t position, Errc told, Fate before);
  [[nodiscard]] bool is_needed(const Fact& fact, std::uint64_t position, std::uint64_t synced);
  [[nodiscard]] bool should_wake(const Sleep& sleep);
  void judge_sleepers();
  void judge_log();
  void judge_reuse();
  std::string check();

  [[nodiscard]] bool has_log() const noexcept { return shape.kind == journal::JournalKind::kLog; }
  [[nodiscard]] Fact& fact(std::uint64_t position) { return facts[position % kPositions]; }
  [[nodiscard]] bool is_dead(int me) {
    return me != 0 && shared.dead[static_cast<std::size_t>(me)].load() != 0;
  }
  void broken(std::string text) {
    if (verdict.empty()) verdict = std::move(text);
  }
  [[nodiscard]] std::string describe(const void* address) const;

  const JournalShape shape;
  Shared shared;
  Liveness liveness;
  journal::JournalView view;
  std::array<std::optional<Participant>, kParticipants> participants;
  std::array<int, 16> who{};  ///< by fiber
  int outside = 0;            ///< who acts outside of them
  std::array<Fact, kPositions> facts;
  std::uint64_t end_of_claims = 0;
  std::uint64_t writes_left = kEnd;  ///< before they fail
  bool has_failed = false;
  bool had_failed = false;
  bool is_mended = false;
  std::uint64_t marked = 0;
  bool close_begun = false;
  bool anybody_died = false;
  std::uint64_t closed_at = kEnd;
  std::uint64_t values = 0;
  std::string verdict;
};

}  // namespace ringpost::rig
