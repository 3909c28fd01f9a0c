#include "failure_report.hpp"

#include <algorithm>

namespace ringpost::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::optional<std::vector<bool>> failed_in_report(std::string_view report,
                                                  std::span<const MessageId> batch) {
  std::vector<bool> failed(batch.size());
  while (!report.empty()) {
    const std::size_t end = std::min(report.find('\n'), report.size());
    const std::string_view word = trimmed(report.substr(0, end));
    report.remove_prefix(std::min(end + 1, report.size()));
    if (word.empty()) continue;
    const auto id = MessageId::parse(word);
    const auto found = id ? std::find(batch.begin(), batch.end(), *id) : batch.end();
    if (found == batch.end()) return std::nullopt;
    failed[static_cast<std::size_t>(found - batch.begin())] = true;
  }
  return failed;
}

}  // namespace ringpost::cli
