// The cases of the toys, for the tests of the rig and for its mutants.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "rig/toy/ring.hpp"
#include "rig/toy/sleeper.hpp"
#include "rig/toy/slot.hpp"

namespace ringpost::rig::toy {

/// Four participants around one slot. Participant 3 only judges.
template <Bug kBug>
class SlotWorld {
 public:
  enum class Begin { kEmpty, kPublished, kLeasedByOne, kClaimedByDead };

  Stage stage(std::string name, Begin begin) {
    Stage stage;
    stage.name = std::move(name);
    stage.setup = [this, begin] { prepare(begin); };
    stage.on_death = [this](int participant) { die(participant); };
    stage.liveness = {{memory_.dead, sizeof memory_.dead}};
    stage.check = [this] { return check(); };
    stage.describe = [this](const void* address) { return describe(address); };
    return stage;
  }

  Operation send(int me, int id) {
    return {"send", me, [this, me, id] { do_send(me, id); }};
  }
  Operation receive(int me) {
    return {"receive", me, [this, me] { do_receive(me); }};
  }
  Operation acknowledge(int me) {
    return {"acknowledge", me, [this, me] { do_acknowledge(me); }};
  }
  Operation consume(int me) {
    return {"consume", me, [this, me] { do_receive(me), do_acknowledge(me); }};
  }
  Operation expire_and_consume(int me, int id) {
    return {"expire+consume", me, [this, me, id] {
              do_expire();
              do_receive(me);
              do_acknowledge(me);
              do_send(me, id);
            }};
  }
  Operation expire_and_receive(int me) {
    return {"expire+receive", me, [this, me] { do_expire(), do_receive(me); }};
  }
  Operation sweep(int me) {
    return {"sweep", me, [this] { slot_.sweep(); }};
  }
  Operation sweep_and_use(int me, int id) {
    return {"sweep+use", me, [this, me, id] {
              slot_.sweep();
              do_send(me, id);
              do_receive(me);
              do_acknowledge(me);
            }};
  }
  Operation use(int me, int id) {
    return {"use", me, [this, me, id] {
              do_send(me, id);
              do_receive(me);
              do_acknowledge(me);
            }};
  }

  [[nodiscard]] std::string memory_image() const {
    return {reinterpret_cast<const char*>(&memory_), sizeof memory_};
  }

 private:
  void prepare(Begin begin) {
    Slot<kBug>::initialise(memory_);
    ledger_.clear();
    for (auto& receipt : receipts_) receipt.reset();
    share(&memory_, sizeof memory_);
    if (begin == Begin::kClaimedByDead) {
      memory_.claim = std::uint64_t{0} << 48 | 1;
      die(0);
    } else if (begin != Begin::kEmpty) {
      do_send(0, 1);
    }
    if (begin == Begin::kLeasedByOne) do_receive(1);
  }
  void die(int participant) {
    memory_.dead[participant] = 1;
    ledger_.holder_died(participant);
  }
  void do_send(int me, int id) {
    ledger_.begin_send(id);
    ledger_.end_send(id,
                     slot_.send(static_cast<std::uint64_t>(me), static_cast<std::uint64_t>(id)));
  }
  bool do_receive(int me) {
    const auto began = ledger_.begin_receive();
    const auto receipt = slot_.receive(static_cast<std::uint64_t>(me));
    if (!receipt) return false;
    ledger_.received(me, static_cast<int>(receipt->value), receipt->intact, began);
    receipts_[static_cast<std::size_t>(me)] = receipt;
    return true;
  }
  bool do_acknowledge(int me) {
    const auto receipt = receipts_[static_cast<std::size_t>(me)];
    if (!receipt) return false;
    const int id = static_cast<int>(receipt->value);
    ledger_.begin_acknowledge(me, id);
    const bool accepted = slot_.acknowledge(static_cast<std::uint64_t>(me), *receipt);
    ledger_.end_acknowledge(me, id, accepted);
    return accepted;
  }
  void do_expire() {
    ledger_.leases_may_end();
    slot_.expire();
  }

  std::string check() {
    constexpr int kJudge = 3;
    constexpr int kFresh = 40;
    slot_.sweep();
    do_expire();
    while (ledger_.verdict().empty() && do_receive(kJudge)) do_acknowledge(kJudge);
    ledger_.judge_drained();
    do_send(kJudge, kFresh);
    if (!do_receive(kJudge) || !do_acknowledge(kJudge)) {
      ledger_.broken("the slot is held for ever");
    }
    return ledger_.verdict();
  }

  std::string describe(const void* address) const {
    const auto is = [address](const void* begin, std::size_t bytes) {
      const auto* at = static_cast<const char*>(address);
      const auto* first = static_cast<const char*>(begin);
      return at >= first && at < first + bytes;
    };
    if (is(&memory_.lease, 16)) return "lease";
    if (is(&memory_.claim, 8)) return "claim";
    if (is(&memory_.publish, 8)) return "publish";
    if (is(memory_.payload, sizeof memory_.payload)) return "payload";
    if (is(memory_.dead, sizeof memory_.dead)) return "dead";
    return {};
  }

  SlotMemory memory_{};
  Slot<kBug> slot_{memory_};
  Ledger ledger_;
  std::array<std::optional<Receipt>, 4> receipts_;
};

/// The schedules of the slot: all pairs that matter, deaths where they matter.
template <Bug kBug>
std::vector<ExploreScenario> slot_schedules(SlotWorld<kBug>& w) {
  using Begin = typename SlotWorld<kBug>::Begin;
  return {
      {w.stage("send|consume", Begin::kEmpty), {w.send(0, 1), w.consume(1)}, {}, {}},
      {w.stage("send|send", Begin::kEmpty), {w.send(0, 1), w.send(1, 2)}, {}, {}},
      {w.stage("receive|receive", Begin::kPublished), {w.receive(1), w.receive(2)}, {1}, {}},
      {w.stage("acknowledge|expire", Begin::kLeasedByOne),
       {w.acknowledge(1), w.expire_and_receive(2)},
       {},
       {}},
      {w.stage("receive|expire", Begin::kPublished),
       {w.receive(1), w.expire_and_consume(2, 2)},
       {},
       {}},
      {w.stage("send|sweep", Begin::kEmpty), {w.send(0, 1), w.sweep(1)}, {0}, {}},
      {w.stage("receive|sweep", Begin::kPublished), {w.receive(1), w.sweep(2)}, {1}, {}},
      {w.stage("sweep|sweep", Begin::kClaimedByDead), {w.sweep(1), w.sweep_and_use(2, 2)}, {}, {}},
  };
}

template <Bug kBug>
std::vector<CrashScenario> slot_crashes(SlotWorld<kBug>& w) {
  using Begin = typename SlotWorld<kBug>::Begin;
  std::vector<CrashScenario> scenarios;
  const auto add = [&](const char* name, Begin begin, Operation victim) {
    CrashScenario scenario;
    scenario.stage = w.stage(name, begin);
    scenario.victim = std::move(victim);
    scenario.survivors = {w.send(2, 5), w.consume(2), w.use(2, 5)};
    scenario.recovery = w.sweep(2);
    scenario.second_recovery = w.sweep(3);
    scenario.recovery_may_freeze = true;
    scenarios.push_back(std::move(scenario));
  };
  add("empty", Begin::kEmpty, w.send(0, 1));
  add("published", Begin::kPublished, w.receive(1));
  add("leased", Begin::kLeasedByOne, w.acknowledge(1));
  add("claimed by the dead", Begin::kClaimedByDead, w.sweep(1));
  return scenarios;
}

}  // namespace ringpost::rig::toy
