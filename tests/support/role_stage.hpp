// A journal in memory, a log without a disk, and participants who may have the writer role.
#pragma once

#include <cstdint>
#include <string_view>

#include "journal/drain_role.hpp"
#include "journal/producer.hpp"
#include "support/raw_journal.hpp"

namespace ringpost::test {

/// Words as Participant::creator_word makes them.
constexpr std::uint64_t word_of(std::uint16_t index, std::uint64_t incarnation = 1) {
  return incarnation << 14 | index;
}
constexpr std::uint64_t kOne = word_of(1);
constexpr std::uint64_t kTwo = word_of(2);

struct RoleStage {
  explicit RoleStage(std::uint32_t cells_log2 = 4, std::uint64_t start = 0)
      : journal(cells_log2, start), producer(journal.view(), 9) {}
  std::uint64_t put(std::string_view data) {
    journal::Claim claim;
    if (producer.claim(record_bytes(data.size()), claim) != Errc::kOk) return ~0ull;
    write_record(claim, data);
    producer.publish(claim);
    return claim.position;
  }
  void want(std::uint64_t end) { journal::raise(journal.hot().wanted, end); }
  [[nodiscard]] journal::WriterWord writer() const { return {journal.hot().writer.load()}; }

  RawJournal journal;
  journal::Producer producer;
  FakeDisk disk;
  FakeLiveness alive;
};

/// One participant with its own mapping of the log.
struct RoleWriter {
  RoleWriter(RoleStage& stage, std::uint64_t me)
      : log(stage.disk), role(stage.journal.view(), me, stage.alive, log) {}
  FakeLog log;
  journal::DrainRole role;
};

}  // namespace ringpost::test
