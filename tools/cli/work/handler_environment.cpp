#include "handler_environment.hpp"

#include <algorithm>
#include <cctype>

#include <unistd.h>

#include "../support/message_text.hpp"

namespace ringpost::cli {
namespace {

constexpr std::string_view kAttributePrefix = "RINGPOST_ATTR_";
/// Ten of them are far below what the kernel takes for a whole environment (often 2 MiB).
constexpr std::size_t kValueBytesMax = 16 * 1024;

bool is_about_a_message(std::string_view entry) {
  const std::string_view name = entry.substr(0, entry.find('='));
  if (name.substr(0, kAttributePrefix.size()) == kAttributePrefix) return true;
  constexpr std::string_view kOurs[] = {
      "RINGPOST_MESSAGE_ID", "RINGPOST_RECEIPT",    "RINGPOST_RECEIVE_COUNT",
      "RINGPOST_SENT_AT",    "RINGPOST_GROUP",      "RINGPOST_SEQUENCE",
      "RINGPOST_DEDUP_ID",   "RINGPOST_BATCH_SIZE", "RINGPOST_FAILURES_FD"};
  return std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs);
}

}  // namespace

std::string attribute_variable(std::string_view attribute_name) {
  std::string name(kAttributePrefix);
  for (const char c : attribute_name) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return name;
}

HandlerEnvironment::HandlerEnvironment() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!is_about_a_message(*entry)) entries_.emplace_back(*entry);
  }
}

void HandlerEnvironment::set(std::string_view name, std::string_view value) {
  const std::string start = std::string(name) + "=";
  std::erase_if(entries_, [&start](const std::string& entry) {
    return entry.compare(0, start.size(), start) == 0;
  });
  entries_.push_back(start + std::string(value));
}

void HandlerEnvironment::describe(const Lease& message) {
  set("RINGPOST_MESSAGE_ID", message.id().to_string());
  set("RINGPOST_RECEIPT", message.receipt().to_string());
  set("RINGPOST_RECEIVE_COUNT", std::to_string(message.receive_count()));
  set("RINGPOST_SENT_AT", iso_time(message.sent_at()));
  if (!message.group().empty()) {
    set("RINGPOST_GROUP", message.group());
    set("RINGPOST_SEQUENCE", std::to_string(message.sequence()));
    if (!message.dedup_id().empty()) set("RINGPOST_DEDUP_ID", message.dedup_id());
  }
  for (const Attribute& attribute : message.attributes()) {
    const bool is_binary = attribute.type.substr(0, 6) == "Binary";
    const std::string value = is_binary ? base64(attribute.value) : std::string(attribute.value);
    if (value.size() > kValueBytesMax || value.find('\0') != std::string::npos) continue;
    set(attribute_variable(attribute.name), value);
  }
}

}  // namespace ringpost::cli
