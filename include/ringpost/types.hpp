// Small value types that every part of the interface uses.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/export.hpp"

namespace ringpost {

using Duration = std::chrono::nanoseconds;
using WallTime = std::chrono::system_clock::time_point;
using ByteSpan = std::span<const std::byte>;

/// Longer than anything: a wait without an end.
inline constexpr Duration kForever = Duration::max();

inline ByteSpan as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Identifies one message for ever: the ring that took it and its position there. Text form: UUID.
struct RINGPOST_API MessageId {
  std::uint64_t ring = 0;
  std::uint64_t position = 0;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<MessageId> parse(std::string_view text) noexcept;
  friend bool operator==(const MessageId&, const MessageId&) = default;
};

/// The right that one receive gave. May be stored, sent to another process and used there, until
/// the message is acknowledged or delivered again; from then on it is stale and does nothing.
struct RINGPOST_API Receipt {
  std::uint64_t queue = 0;  ///< creation id of the queue: a receipt of another queue is refused
  std::uint32_t ring = 0;   ///< number of the ring in the queue's chain
  std::uint32_t slot = 0;
  std::uint64_t lap = 0;  ///< lap of the slot's content
  std::uint32_t receive_count = 0;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<Receipt> parse(std::string_view text) noexcept;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// One message attribute. `type` is String, Number or Binary, with an optional ".label".
struct Attribute {
  std::string_view name;
  std::string_view value;
  std::string_view type = "String";
};

/// Attributes of a message to send: refers to the caller's memory for the length of the call.
class AttributeList {
 public:
  constexpr AttributeList() noexcept = default;
  constexpr AttributeList(std::initializer_list<Attribute> list) noexcept
      : items_(list.begin(), list.size()) {}
  constexpr AttributeList(std::span<const Attribute> items) noexcept : items_(items) {}
  template <std::size_t kCount>
  constexpr AttributeList(const Attribute (&items)[kCount]) noexcept : items_(items) {}

  [[nodiscard]] constexpr auto begin() const noexcept { return items_.begin(); }
  [[nodiscard]] constexpr auto end() const noexcept { return items_.end(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return items_.empty(); }

 private:
  std::span<const Attribute> items_;
};

/// Attributes of a received message, read in place. Bytes that do not parse end the sequence.
class RINGPOST_API AttributeView {
 public:
  AttributeView() noexcept = default;
  explicit AttributeView(ByteSpan encoded) noexcept : encoded_(encoded) {}

  class RINGPOST_API Iterator {
   public:
    explicit Iterator(ByteSpan rest) noexcept : rest_(rest) { step(); }
    const Attribute& operator*() const noexcept { return current_; }
    const Attribute* operator->() const noexcept { return &current_; }
    Iterator& operator++() noexcept { return step(), *this; }
    bool operator!=(std::nullptr_t) const noexcept { return !at_end_; }

   private:
    void step() noexcept;
    ByteSpan rest_;
    Attribute current_;
    bool at_end_ = false;
  };

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(encoded_); }
  [[nodiscard]] std::nullptr_t end() const noexcept { return nullptr; }
  [[nodiscard]] std::optional<Attribute> find(std::string_view name) const noexcept;

 private:
  ByteSpan encoded_;
};

}  // namespace ringpost
