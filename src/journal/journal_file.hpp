// A journal's file in the bus's directory `journals`, mapped.
#pragma once

#include <memory>
#include <string>

#include "journal/log_port.hpp"
#include "journal/view.hpp"
#include "ringpost/result.hpp"
#include "shm/bus_files.hpp"
#include "shm/participant.hpp"

namespace ringpost::journal {

struct JournalOptions {
  std::uint32_t cells_log2 = 17;  ///< 8 MiB of records
  JournalKind kind = JournalKind::kLog;
  /// First position. After the loss of shared memory: start_after(end of the log).
  std::uint64_t start = 0;
  std::uint64_t owner_id = 0;
  std::uint32_t number = 0;
};

/// Above everything that the lost ring of that size could have had claimed, when its log ends
/// there.
[[nodiscard]] std::uint64_t start_after(std::uint64_t log_end, std::uint32_t cells_log2) noexcept;

class JournalFile {
 public:
  /// A complete file under a new id. Nothing names it yet: if its maker dies first, the sweeper
  /// removes it. Errors kInvalidArgument, kNoSpace, ….
  static Result<std::shared_ptr<JournalFile>> create(const shm::Participant& creator,
                                                     const JournalOptions& options);
  /// Errors kNotFound, kWrongFormat, kCorrupt, ….
  static Result<std::shared_ptr<JournalFile>> open(const shm::BusFiles& bus, std::uint64_t id);
  static void remove(const shm::BusFiles& bus, std::uint64_t id) noexcept;
  [[nodiscard]] static std::string file_name(std::uint64_t id) { return std::to_string(id); }

  [[nodiscard]] const JournalView& view() const noexcept { return view_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  /// Checked copies of the header's words.
  [[nodiscard]] std::uint64_t start() const noexcept { return view_.start(); }
  [[nodiscard]] std::uint64_t owner_id() const noexcept { return owner_id_; }
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

 private:
  JournalFile() = default;
  sys::Mapping mapping_;
  JournalView view_;
  std::uint64_t id_ = 0, owner_id_ = 0;
  std::uint32_t number_ = 0;
};

/// By the participants' table of a bus and the kernel's locks.
class BusLiveness final : public Liveness {
 public:
  explicit BusLiveness(std::shared_ptr<const shm::BusFiles> bus);
  [[nodiscard]] bool is_alive(std::uint64_t creator_word) const noexcept override;

 private:
  std::shared_ptr<const shm::BusFiles> bus_;
  sys::Fd probe_;
};

}  // namespace ringpost::journal
