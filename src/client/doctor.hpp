// The doctor: does every invariant of a bus hold? Read-only, over bytes that anybody may have
// written, and beside others at work: what looks wrong is looked at again before it is reported.
//
//   bus, participants, files   doctor.cpp
//   queues and their chains    doctor_queue.cpp
//   policies and move tasks    doctor_tasks.cpp
//   slots of a ring            doctor_ring.cpp
//   groups, lists of tenants   doctor_groups.cpp
//   blocks of the arena        doctor_arena.cpp
//   topics, deliveries         doctor_topics.cpp
//   streams                    doctor_streams.cpp
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/member.hpp"
#include "group/groups.hpp"
#include "ringpost/admin.hpp"
#include "topic/topic_look.hpp"

namespace ringpost::stream {
class ControlFile;
struct ShardRecord;
}  // namespace ringpost::stream

namespace ringpost::client {

/// What is wrong with one thing.
struct Complaint {
  std::string what;
  std::string repair;  ///< empty: the sweeper repairs it
};
using Verdict = std::optional<Complaint>;

/// What the table of participants and the kernel say about an index in a shared word.
class Roll {
 public:
  explicit Roll(shm::BusFiles& files);

  enum class Standing : std::uint8_t { kNobody, kAlive, kDead };
  /// kDead: the entry is in use, but nobody holds its lock. It waits for the sweeper.
  [[nodiscard]] Standing standing(std::uint32_t index) const;
  /// Somebody is moving the message of that block to another queue.
  [[nodiscard]] bool is_moving(std::uint64_t block) const;

 private:
  shm::BusFiles& files_;
  Result<sys::Fd> probe_;
};

/// Looks again at what was suspicious, until it is well or the looks are used up: whoever is in the
/// middle of an operation gets time to finish it. Keeps what is still wrong.
void wait_between_looks();
inline constexpr int kLooks = 8;

template <class Suspect, class Judge>
void look_again(std::vector<Suspect>& suspects, Judge&& judge) {
  for (int look = 1; look < kLooks && !suspects.empty(); ++look) {
    wait_between_looks();
    std::erase_if(suspects, [&](const Suspect& each) { return !judge(each).has_value(); });
  }
}

class Doctor {
 public:
  explicit Doctor(Member& member) : member_(member), roll_(member.files()) {}
  [[nodiscard]] DoctorReport examine();

 private:
  struct KnownRing {
    std::shared_ptr<queue::QueueMapping> queue;
    std::shared_ptr<queue::MappedRing> mapped;
  };

  void examine_bus();
  void examine_participants();
  [[nodiscard]] Verdict judge_participant(std::uint32_t index) const;
  void examine_files();

  void examine_queue(const std::string& name);
  void examine_header(queue::QueueMapping& mapping, const std::string& object);
  void examine_stripes(queue::QueueMapping& mapping, const std::string& object);
  void examine_redrive(queue::QueueMapping& mapping, const std::string& object);
  void examine_tasks(queue::QueueMapping& mapping, const std::string& object);
  [[nodiscard]] Verdict judge_participant_of_task(std::uint64_t index, const char* doing) const;
  void examine_chain(const std::shared_ptr<queue::QueueMapping>& mapping,
                     const std::string& object);
  [[nodiscard]] Verdict judge_entry(queue::QueueMapping& mapping, std::uint32_t index) const;

  void examine_ring(const KnownRing& known);
  void examine_groups(const KnownRing& known, const std::string& object);

  void examine_topics();
  void examine_topic(const std::string& name);
  void examine_topic_state(const std::string& name, const topic::TopicLook& first);
  void examine_subscriptions(const std::string& name, const topic::TopicLook& look);
  void examine_subscription(const std::string& topic, const std::string& object,
                            const SubscriptionInfo& of);
  void count_waiting_deliveries();

  void examine_streams();
  void examine_stream(const std::string& name);
  void examine_queue_log(const queue::QueueMapping& queue, const std::string& object);
  void examine_log(const stream::ControlFile& control, std::uint32_t shard,
                   const std::string& object);
  void examine_shard(stream::ControlFile& control, const stream::ShardRecord& shard,
                     const std::string& object);

  void examine_arena();
  [[nodiscard]] Verdict judge_block(std::uint64_t block) const;
  [[nodiscard]] Verdict judge_share(std::uint64_t block) const;
  [[nodiscard]] bool is_gone(const shm::BackReference& back) const;

  void add(std::string object, std::string what, std::string repair = {});
  void add(std::string object, Complaint complaint);
  /// At most so many findings of one object; the rest is counted.
  static constexpr std::size_t kFindingsPerObject = 50;
  template <class Suspect, class Name, class Judge>
  void report(const std::string& object, const std::vector<Suspect>& wrong, Name&& name,
              Judge&& judge);

  Member& member_;
  Roll roll_;
  DoctorReport report_;
  std::unordered_map<std::uint64_t, KnownRing> rings_;          ///< by ring id
  std::unordered_map<std::uint64_t, std::string> queue_names_;  ///< by queue id
};

template <class Suspect, class Name, class Judge>
void Doctor::report(const std::string& object, const std::vector<Suspect>& wrong, Name&& name,
                    Judge&& judge) {
  std::size_t reported = 0;
  for (const Suspect& each : wrong) {
    if (reported == kFindingsPerObject) break;
    Verdict verdict = judge(each);
    if (!verdict) continue;  // well by now
    add(name(each), std::move(*verdict));
    ++reported;
  }
  if (reported == kFindingsPerObject && wrong.size() > reported) {
    add(object, std::to_string(wrong.size() - reported) + " more of this kind");
  }
}

/// Advice for what no sweep repairs.
inline constexpr char kDeleteQueue[] =
    "a process wrote outside the protocol: delete the queue and send its messages again";
inline constexpr char kRemoveBus[] =
    "a process wrote outside the protocol: stop all that are attached and remove the bus";

/// The slots of one ring.
class RingExam {
 public:
  struct Surroundings {
    const queue::MappedRing& mapped;
    const queue::QueueHeader& header;
    shm::Arena& arena;
    const shm::HazardBoard& hazards;
    const Roll& roll;
  };
  explicit RingExam(const Surroundings& surroundings) noexcept
      : with_(surroundings), view_(surroundings.mapped.view) {}

  /// What is wrong with the slot now, if it holds still long enough to be looked at. `now`: in
  /// deadline units.
  [[nodiscard]] Verdict judge(std::uint32_t slot, std::uint64_t now) const;
  /// The cursors, against what the slots say.
  [[nodiscard]] Verdict judge_cursors() const;

 private:
  struct Look {
    ring::LeaseWord lease;
    ring::Claim claim;
    std::uint64_t publish = 0;
    friend bool operator==(const Look& a, const Look& b) noexcept {
      return a.lease == b.lease && a.claim.word == b.claim.word && a.publish == b.publish;
    }
    [[nodiscard]] bool published() const noexcept {
      return !claim.sealed() && publish == claim.lap() && publish != 0;
    }
    [[nodiscard]] bool has_message() const noexcept;
  };
  [[nodiscard]] Look look(std::uint32_t slot) const noexcept;
  [[nodiscard]] bool is_fifo() const noexcept {
    return view_.geometry().kind == ring::RingKind::kFifo;
  }
  [[nodiscard]] bool is_fair() const noexcept {
    return view_.geometry().kind == ring::RingKind::kFair;
  }
  [[nodiscard]] Verdict judge(std::uint32_t slot, const Look& seen, std::uint64_t now) const;
  [[nodiscard]] Verdict judge_words(const Look& seen) const;
  [[nodiscard]] Verdict judge_lease(const Look& seen) const;
  [[nodiscard]] Verdict judge_claim(const Look& seen) const;
  [[nodiscard]] Verdict judge_finding(std::uint32_t slot, const Look& seen,
                                      std::uint64_t now) const;
  [[nodiscard]] Verdict judge_content(std::uint32_t slot, const Look& seen) const;
  [[nodiscard]] Verdict judge_block(std::uint32_t slot, const Look& seen,
                                    std::uint64_t content_bytes) const;
  [[nodiscard]] Verdict judge_delivery(std::uint32_t slot, const Look& seen,
                                       const shm::BlockRef& payload) const;

  const Surroundings with_;
  const ring::RingView& view_;
};

/// The groups of one FIFO ring, or the lists of a fair one. Lists in a sound ring have no more
/// messages than it has slots; in a damaged one each record may lead through all of them: after so
/// many steps nothing more is found.
class GroupExam {
 public:
  explicit GroupExam(ring::Ring& ring) noexcept
      : groups_(ring),
        view_(ring.view),
        fair_(view_.geometry().kind == ring::RingKind::kFair),
        steps_left_(64ull * ring.view.slots()) {}

  [[nodiscard]] std::uint32_t count() const noexcept { return groups_.count(); }

  [[nodiscard]] Verdict judge_record(std::uint32_t index) const;
  /// By slot: whether the list of some record has its message now.
  [[nodiscard]] std::vector<bool> members() const;
  [[nodiscard]] Verdict judge_membership(std::uint32_t slot) const;

 private:
  template <class Visit>
  Verdict walk(const group::Record& record, Visit&& visit) const;
  std::uint32_t find(std::uint64_t key, group::Record& record) const;
  void charge(std::uint64_t steps) const noexcept;
  [[nodiscard]] bool needs_group(ring::LeaseWord word) const noexcept;

  const group::Groups groups_;
  const ring::RingView& view_;
  const bool fair_;
  mutable std::uint64_t steps_left_;
};

}  // namespace ringpost::client
