#include "message_text.hpp"

#include <array>
#include <ctime>

#include <fmt/format.h>

namespace ringpost::cli {
namespace {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The length of the UTF-8 character at the front; 0 when there is none.
std::size_t character_length(std::string_view bytes) {
  const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond Unicode.
  if (first == 0xE0 && at(1) < 0xA0) return 0;
  if (first == 0xED && at(1) > 0x9F) return 0;
  if (first == 0xF0 && at(1) < 0x90) return 0;
  if (first == 0xF4 && at(1) > 0x8F) return 0;
  return length;
}

/// C1 controls (U+0080 to U+009F) move cursors as well as the others do.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

std::string escape(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

void add_times(JsonObject& object, WallTime sent_at) {
  object["sent_at"] = iso_time(sent_at);
  const auto age = std::chrono::system_clock::now() - sent_at;
  object["age_seconds"] = json_seconds(std::chrono::duration_cast<Duration>(age));
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 3; ++j) {
      group = (group << 8) | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0u);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      const bool filler = i + digit > bytes.size();
      out += filler ? '=' : kBase64Digits[(group >> (18 - 6 * digit)) & 63];
    }
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (!text.empty() && text.back() == '=' && text.size() % 4 != 2) text.remove_suffix(1);
  std::string out;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kBase64Digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((group >> bits) & 0xFF);
    }
  }
  return out;
}

std::string printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    if (length == 0) {
      out += escape(bytes.front());
      bytes.remove_prefix(1);
      continue;
    }
    const std::string_view character = bytes.substr(0, length);
    if (is_control(character)) {
      for (const char c : character) out += escape(c);
    } else {
      out += character;
    }
    bytes.remove_prefix(length);
  }
  return out;
}

std::string iso_time(WallTime time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), length), ms % 1000);
}

std::string_view state_name(MessageState state) {
  switch (state) {
    case MessageState::kVisible:
      return "visible";
    case MessageState::kInFlight:
      return "in_flight";
    case MessageState::kDelayed:
      return "delayed";
  }
  return "unknown";
}

void add_body(JsonObject& object, std::string_view body) {
  if (is_utf8(body)) {
    object["body"] = body;
  } else {
    object["body_base64"] = base64(body);
  }
  object["bytes"] = body.size();
}

void add_attributes(JsonObject& object, const AttributeView& attributes) {
  JsonObject all;
  for (const Attribute& attribute : attributes) {
    JsonObject one;
    one["type"] = attribute.type;
    if (attribute.type.substr(0, 6) != "Binary" && is_utf8(attribute.value)) {
      one["value"] = attribute.value;
    } else {
      one["value_base64"] = base64(attribute.value);
    }
    all[attribute.name] = std::move(one);
  }
  object["attributes"] = std::move(all);
}

JsonObject json_message(const Lease& lease, const std::string& queue) {
  JsonObject object;
  object["queue"] = queue;
  object["id"] = lease.id().to_string();
  add_body(object, lease.text());
  add_attributes(object, lease.attributes());
  object["receive_count"] = lease.receive_count();
  add_times(object, lease.sent_at());
  object["first_received_at"] = iso_time(lease.first_received_at());
  object["receipt"] = lease.receipt().to_string();
  if (!lease.group().empty()) {
    object["group"] = lease.group();
    object["sequence"] = lease.sequence();
    object["dedup_id"] = lease.dedup_id();
  }
  if (const std::string source = lease.dead_letter_source(); !source.empty()) {
    object["dead_letter_source"] = source;
  }
  return object;
}

JsonObject json_message(const PeekedMessage& message, const std::string& queue) {
  JsonObject object;
  object["queue"] = queue;
  object["ring"] = message.ring;
  object["position"] = message.position;
  object["id"] = message.id.to_string();
  object["state"] = state_name(message.state);
  object["age_seconds"] = json_seconds(message.age);
  object["due_in_seconds"] = json_seconds(message.due_in);
  object["receive_count"] = message.receive_count;
  if (!message.dead_letter_source.empty()) {
    object["dead_letter_source"] = message.dead_letter_source;
  }
  add_body(object, message.body);
  add_attributes(object, AttributeView(as_bytes(message.encoded_attributes)));
  if (!message.group.empty()) object["group"] = message.group;
  return object;
}

}  // namespace ringpost::cli
