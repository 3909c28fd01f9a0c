#include "model/program.hpp"

#include <cstdio>

namespace ringpost::model {
namespace {

using rig::Random;
using namespace std::chrono_literals;

// Time passes in whole seconds (and 20 µs a call), timeouts end at half ones: none ends just now.
constexpr Duration kTimeouts[] = {0ns, 500ms, 1500ms, 2500ms, 3500ms, 10500ms, 30500ms, 90500ms};
constexpr Duration kRareTimeouts[] = {-1ns, 6h + 500ms, 12h - 500ms, 12h, 12h + 1ns, 24h};
constexpr Duration kDelays[] = {0ns, 500ms, 1500ms, 2500ms, 5500ms, 30500ms};
constexpr Duration kRareDelays[] = {-1ns, 15min, 15min + 1ns, 1h};
constexpr Duration kPasses[] = {1s, 1s, 1s, 2s, 3s, 5s, 11s, 31s, 61s};
constexpr Duration kLongPasses[] = {100s, 15min, 6h, 12h};
constexpr Duration kRetentions[] = {60s + 500ms, 65s + 500ms, 120s + 500ms, 14 * 24h};
constexpr std::uint64_t kLimits[] = {1, 2, 3, 5, 10, 40, 120'000};
constexpr std::uint64_t kBytesMax[] = {1'024, 1'100, 2'048, 4'096};
constexpr Duration kWindows[] = {1500ms, 5500ms, 60s + 500ms, 5min + 500ms};
constexpr std::size_t kStandardSettings = 5;  ///< the others are of FIFO queues

struct Share {
  Call call;
  std::uint32_t of_hundred;
};
constexpr Share kShares[] = {
    {Call::kSend, 19},    {Call::kSendLoan, 2},       {Call::kSendBatch, 5},
    {Call::kReceive, 26}, {Call::kAcknowledge, 11},   {Call::kRelease, 7},
    {Call::kExtend, 7},   {Call::kPass, 13},          {Call::kSet, 2},
    {Call::kPurge, 1},    {Call::kStats, 3},          {Call::kPeek, 1},
    {Call::kLetGo, 2},    {Call::kForeignReceipt, 1},
};

bool sends(Call call) {
  return call == Call::kSend || call == Call::kSendLoan || call == Call::kSendBatch;
}

Call random_call(Random& random) {
  std::uint64_t at = random.below(100);
  for (const Share& share : kShares) {
    if (at < share.of_hundred) return share.call;
    at -= share.of_hundred;
  }
  return Call::kPass;
}

std::uint64_t stored(Duration value) { return static_cast<std::uint64_t>(value.count()) + 1; }

void choose_setting(Random& random, Setting setting, std::uint64_t& value) {
  switch (setting) {
    case Setting::kVisibility:
      value = stored(random.one_of(kTimeouts));
      break;
    case Setting::kDelay:
      value = stored(random.one_of(kDelays));
      break;
    case Setting::kRetention:
      value = stored(random.one_of(kRetentions));
      break;
    case Setting::kInFlight:
      value = random.one_of(kLimits) + 1;
      break;
    case Setting::kBytes:
      value = random.one_of(kBytesMax) + 1;
      break;
    case Setting::kDedup:
      value = random.one_in(2) ? 2 : 3;  // Dedup::kById, Dedup::kByContent
      break;
    case Setting::kWindow:
      value = stored(random.one_of(kWindows));
      break;
    case Setting::kCountOf:
      break;
  }
}

Operation random_begin(Random& random, bool fifo) {
  Operation begin;
  begin.call = Call::kBegin;
  // Mostly the default: 30.5 s, no delay, 14 days, no limit, 4 KiB.
  begin.set = {stored(30500ms), stored(0s), stored(14 * 24h), 120'001, 4'097, 0, 0};
  if (fifo) begin.set[5] = random.one_in(2) ? 2 : 3;
  if (fifo) begin.set[6] = stored(random.one_in(2) ? 2500ms : 5min + 500ms);
  for (std::size_t i = 0; i < (fifo ? begin.set.size() : kStandardSettings); ++i) {
    if (random.one_in(4)) choose_setting(random, static_cast<Setting>(i), begin.set[i]);
  }
  return begin;
}

void choose_time(Random& random, Operation& operation) {
  switch (operation.call) {
    case Call::kSend:
    case Call::kSendLoan:
    case Call::kSendBatch:
      if (random.one_in(4)) operation.time = random.one_of(kDelays);
      if (random.one_in(100)) operation.time = random.one_of(kRareDelays);
      break;
    case Call::kReceive:
      if (random.one_in(3)) operation.time = random.one_of(kTimeouts);
      if (random.one_in(100)) operation.time = random.one_of(kRareTimeouts);
      break;
    case Call::kRelease:
      if (random.one_in(3)) operation.time = random.one_of(kTimeouts);
      break;
    case Call::kExtend:
      operation.time = random.one_of(kTimeouts);
      if (random.one_in(12)) operation.time = random.one_of(kRareTimeouts);
      break;
    case Call::kPass:
      operation.time = random.one_in(20) ? random.one_of(kLongPasses) : random.one_of(kPasses);
      break;
    default:
      break;
  }
}

/// Few groups, ids and bodies, so that they meet again.
void choose_ids(Random& random, Operation& operation) {
  operation.group = static_cast<std::uint32_t>(random.below(kGroups));
  if (random.one_in(60)) operation.group = kGroups + static_cast<std::uint32_t>(random.below(3));
  if (!random.one_in(3)) {
    operation.dedup_id = 1 + static_cast<std::uint32_t>(random.below(kIds + kContentIds));
  }
  if (random.one_in(60)) {
    operation.dedup_id = kIds + kContentIds + 1 + static_cast<std::uint32_t>(random.below(2));
  }
  if (random.one_in(3)) operation.twin = 1 + static_cast<std::uint32_t>(random.below(kTwins));
  // Here a delay is refused, unless it is 0.
  if (operation.time && !random.one_in(8)) operation.time.reset();
}

Operation random_operation(Random& random, bool crowded, bool fifo) {
  Operation operation;
  operation.call = random_call(random);
  operation.handle = random.one_in(3) ? 1 : 0;
  operation.receipt = static_cast<std::uint32_t>(random.below(random.one_in(3) ? 12 : 3));
  operation.in_place = random.one_in(4);
  if (random.one_in(3)) operation.body = static_cast<std::uint32_t>(random.below(11));
  if (random.one_in(8)) {
    operation.attributes = static_cast<std::uint32_t>(random.below(kAttributeSets));
  }
  choose_time(random, operation);
  if (operation.call == Call::kReceive) {
    operation.count = static_cast<std::uint32_t>(random.one_in(2) ? 1 : random.below(11));
    if (crowded && random.one_in(4)) operation.count = 100;
  } else if (operation.call == Call::kSendBatch) {
    operation.count = static_cast<std::uint32_t>(random.below(11));
    if (crowded) operation.count += static_cast<std::uint32_t>(random.below(60));
  } else if (operation.call == Call::kSet) {
    const std::size_t setting = random.below(fifo ? operation.set.size() : kStandardSettings);
    choose_setting(random, static_cast<Setting>(setting), operation.set[setting]);
  }
  if (fifo && sends(operation.call)) choose_ids(random, operation);
  return operation;
}

}  // namespace

Program random_sequence(std::uint64_t seed, bool fifo) {
  Random random(seed);
  Program program;
  program.push_back(random_begin(random, fifo));
  const bool crowded = random.one_in(16);  // enough messages to fill a ring
  const std::uint64_t calls = 5 + random.below(36);
  for (std::uint64_t i = 0; i < calls; ++i) {
    program.push_back(random_operation(random, crowded, fifo));
  }
  return program;
}

namespace {

constexpr const char* kNames[] = {
    "begin", "send", "send a loan", "send a batch", "receive", "acknowledge", "release", "extend",
    "pass",  "set",  "purge",       "stats",        "peek",    "let go",      "foreign"};
constexpr const char* kSettings[] = {"visibility_timeout", "delay", "retention",   "in_flight_max",
                                     "message_bytes_max",  "dedup", "dedup_window"};

std::string seconds(Duration time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.10g s", static_cast<double>(time.count()) / 1e9);
  return text;
}

bool settles(Call call) {
  return call == Call::kAcknowledge || call == Call::kRelease || call == Call::kExtend;
}

}  // namespace

std::string to_string(const Operation& operation) {
  const Call call = operation.call;
  std::string text = kNames[static_cast<std::size_t>(call)];
  if (call == Call::kReceive || call == Call::kSendBatch) {
    text += " " + std::to_string(operation.count);
  }
  if (sends(call)) text += ", " + std::to_string(kBodyBytes[operation.body]) + " bytes";
  if (sends(call) && operation.attributes != 0) {
    text += ", attributes " + std::to_string(operation.attributes);
  }
  if (sends(call) && operation.group != 0) text += ", group " + std::to_string(operation.group);
  if (sends(call) && operation.dedup_id != 0) text += ", id " + std::to_string(operation.dedup_id);
  if (sends(call) && operation.twin != 0) text += ", twin " + std::to_string(operation.twin);
  if (settles(call)) {
    text += " receipt -" + std::to_string(operation.receipt);
    text += operation.in_place ? " by its lease" : "";
  }
  if (call == Call::kReceive && operation.in_place) text += ", keep the leases";
  if (operation.time) text += ", " + seconds(*operation.time);
  for (std::size_t i = 0; i < operation.set.size(); ++i) {
    if (operation.set[i] == 0) continue;
    const std::uint64_t value = operation.set[i] - 1;
    text += std::string(", ") + kSettings[i] + " ";
    const bool is_time = i < 3 || i == static_cast<std::size_t>(Setting::kWindow);
    text += is_time ? seconds(Duration(static_cast<std::int64_t>(value))) : std::to_string(value);
  }
  if (operation.handle != 0) text += " (other participant)";
  return text;
}

std::string to_string(const Program& program) {
  std::string text;
  for (const Operation& operation : program) text += "  " + to_string(operation) + "\n";
  return text;
}

}  // namespace ringpost::model
