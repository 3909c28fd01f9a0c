// Prints the history that a failed run left behind: history_show DIRECTORY [PRODUCER:NUMBER]
// All processes in one order; with a message, only what concerns it.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "process/history/history.hpp"
#include "process/history/recorder.hpp"

namespace ringpost::history {
namespace {

const char* name(Event event) {
  switch (event) {
    case Event::kNone:
      return "none";
    case Event::kInvoke:
      return "begins";
    case Event::kReturn:
      return "ends";
    case Event::kDelivery:
      return "delivers";
    case Event::kViewChanged:
      return "sees changed bytes of";
    case Event::kEnd:
      return "detaches";
    case Event::kKilled:
      return "kills process";
    case Event::kDead:
      return "has reaped process";
    case Event::kStopped:
      return "stops process";
    case Event::kContinued:
      return "continues process";
  }
  return "unknown";
}

bool concerns(const Record& record, const std::string& wanted) {
  if (wanted.empty() || to_string(record.key()) == wanted) return true;
  const bool is_send = record.action == Action::kSend;
  for (std::uint32_t i = 0; is_send && i < record.count; ++i) {
    if (to_string(MessageKey{record.producer, record.number + i}) == wanted) return true;
  }
  return record.event >= Event::kEnd || record.action == Action::kPurge;
}

void print(const Record& record) {
  const Receipt receipt = record.receipt();
  std::printf(
      "%8llu %14llu  process %-3u %-8s %-11s result %-2d message %s count %u delivery %u "
      "slot %u/%u lap %llu duration %llu group %u\n",
      static_cast<unsigned long long>(record.ticket),
      static_cast<unsigned long long>(record.time_ns), record.process, name(record.event),
      name(record.action), record.result, to_string(record.key()).c_str(), record.count,
      receipt.receive_count, receipt.ring, receipt.slot,
      static_cast<unsigned long long>(receipt.lap),
      static_cast<unsigned long long>(record.duration_ns), record.group);
}

int show(const std::string& directory, const std::string& wanted) {
  std::vector<Record> records;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const auto log = read_log(entry.path());
    if (!log) continue;
    std::copy_if(log->records.begin(), log->records.end(), std::back_inserter(records),
                 [&](const Record& record) { return concerns(record, wanted); });
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const Record& a, const Record& b) { return a.ticket < b.ticket; });
  for (const Record& record : records) print(record);
  return records.empty() ? 1 : 0;
}

}  // namespace
}  // namespace ringpost::history

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: history_show DIRECTORY [PRODUCER:NUMBER]\n");
    return 2;
  }
  return ringpost::history::show(arguments[1], count > 2 ? arguments[2] : "");
}
