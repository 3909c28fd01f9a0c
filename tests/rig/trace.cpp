#include "rig/trace.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace ringpost::rig {
namespace {

const char* name_of(AccessKind kind) {
  switch (kind) {
    case AccessKind::kLoad:
      return "load";
    case AccessKind::kStore:
      return "store";
    case AccessKind::kReadModifyWrite:
      return "rmw";
    case AccessKind::kCompareExchange:
      return "cas";
    case AccessKind::kBarrier:
      return "barrier";
  }
  return "?";
}

std::string hex(const std::byte* value, std::size_t bytes) {
  std::string text = "0x";
  bool leading = true;
  for (std::size_t i = bytes; i-- > 0;) {  // little endian: the most significant byte is last
    const auto byte = std::to_integer<unsigned>(value[i]);
    if (leading && byte == 0 && i != 0) continue;
    char digits[3];
    std::snprintf(digits, sizeof digits, leading ? "%x" : "%02x", byte);
    text += digits;
    leading = false;
  }
  return text;
}

}  // namespace

void Trace::before(std::size_t fiber, const Access& access) {
  Entry entry;
  entry.fiber = fiber;
  entry.access = access;
  const std::size_t shown = std::min<std::size_t>(access.bytes, kShownBytes);
  if (shown != 0) std::memcpy(entry.old_value, access.address, shown);
  entries_.push_back(std::move(entry));
}

void Trace::after() {
  if (entries_.empty() || entries_.back().known_after || !entries_.back().note.empty()) return;
  Entry& entry = entries_.back();
  const std::size_t shown = std::min<std::size_t>(entry.access.bytes, kShownBytes);
  if (shown != 0) std::memcpy(entry.new_value, entry.access.address, shown);
  entry.known_after = true;
}

void Trace::note(std::string text) {
  Entry entry;
  entry.note = std::move(text);
  entries_.push_back(std::move(entry));
}

std::string Trace::text(const std::vector<std::string>& names,
                        const std::function<std::string(const void*)>& describe) const {
  std::string result;
  std::size_t number = 0;
  for (const Entry& entry : entries_) {
    if (!entry.note.empty()) {
      result += "       -- " + entry.note + "\n";
      continue;
    }
    const Access& access = entry.access;
    char head[96];
    std::snprintf(head, sizeof head, "  %4zu  %-14s %-6s ", number++,
                  entry.fiber < names.size() ? names[entry.fiber].c_str() : "?",
                  name_of(access.kind));
    result += head;
    if (access.kind == AccessKind::kBarrier) {
      result += "\n";
      continue;
    }
    std::string place = describe ? describe(access.address) : std::string{};
    if (place.empty()) {
      char address[32];
      std::snprintf(address, sizeof address, "%p", static_cast<void*>(access.address));
      place = address;
    }
    const std::size_t shown = std::min<std::size_t>(access.bytes, kShownBytes);
    const bool same = std::memcmp(entry.old_value, entry.new_value, shown) == 0;
    result += place + "  " + hex(entry.old_value, shown);
    if (!same) result += " → " + hex(entry.new_value, shown);
    if (access.kind == AccessKind::kCompareExchange && same) result += "  (lost or same)";
    if (access.bytes > shown) result += "  (16 of " + std::to_string(access.bytes) + " bytes)";
    result += "\n";
  }
  return result;
}

}  // namespace ringpost::rig
