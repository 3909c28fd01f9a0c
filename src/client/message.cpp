// Leases, loans, ids and receipts: the thin side of the interface.
#include "ringpost/message.hpp"

#include <charconv>
#include <cstdio>

#include "queue/queue_core.hpp"
#include "ringpost/queue.hpp"

namespace ringpost {

std::string_view Lease::group() const noexcept { return fields_.core->group_of(*this); }
std::string_view Lease::dedup_id() const noexcept { return fields_.core->dedup_id_of(*this); }
std::uint64_t Lease::sequence() const noexcept { return fields_.core->sequence_of(*this); }
MessageId Lease::id() const noexcept { return fields_.core->id_of(*this); }
WallTime Lease::sent_at() const noexcept {
  return fields_.core->wall_time(fields_.core->sent_ns(*this));
}
WallTime Lease::first_received_at() const noexcept {
  return fields_.core->wall_time(fields_.core->first_received_ns(*this));
}
std::string Lease::dead_letter_source() const { return fields_.core->dead_letter_source(*this); }
Receipt Lease::receipt() const noexcept { return fields_.core->receipt_of(*this); }

void Lease::give_up_view() noexcept {
  fields_.core->give_up_view(fields_.hazard);
  fields_.hazard = kNoView;
  fields_.content = nullptr;
  fields_.body_bytes = fields_.attribute_bytes = 0;
}

// The view ends before the settling CAS: behind it the memory may be another message's.
Errc Lease::acknowledge() noexcept {
  let_go();
  return fields_.core->acknowledge(*this);
}
Errc Lease::release(Duration delay) noexcept {
  let_go();
  return fields_.core->release(*this, delay);
}
Errc Lease::move_to(Queue& to) noexcept { return fields_.core->move(*this, *to.core_); }
Errc Lease::extend(Duration timeout) noexcept { return fields_.core->extend(*this, timeout); }

void Loan::abandon() noexcept { core_->abandon(*this); }

std::string MessageId::to_string() const {
  char text[37];
  std::snprintf(text, sizeof text, "%08llx-%04llx-%04llx-%04llx-%012llx",
                static_cast<unsigned long long>(ring >> 32),
                static_cast<unsigned long long>(ring >> 16 & 0xffff),
                static_cast<unsigned long long>(ring & 0xffff),
                static_cast<unsigned long long>(position >> 48),
                static_cast<unsigned long long>(position & 0xffffffffffff));
  return text;
}

namespace {

/// Reads hexadecimal digits, all of `text`, into `value`.
bool read_hex(std::string_view text, std::uint64_t& value) noexcept {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return code == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::optional<MessageId> MessageId::parse(std::string_view text) noexcept {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
      text[23] != '-') {
    return std::nullopt;
  }
  std::uint64_t part[5];
  const bool ok = read_hex(text.substr(0, 8), part[0]) && read_hex(text.substr(9, 4), part[1]) &&
                  read_hex(text.substr(14, 4), part[2]) && read_hex(text.substr(19, 4), part[3]) &&
                  read_hex(text.substr(24, 12), part[4]);
  if (!ok) return std::nullopt;
  return MessageId{part[0] << 32 | part[1] << 16 | part[2], part[3] << 48 | part[4]};
}

std::string Receipt::to_string() const {
  char text[80];
  std::snprintf(text, sizeof text, "%016llx-%x-%x-%llx-%x", static_cast<unsigned long long>(queue),
                ring, slot, static_cast<unsigned long long>(lap), receive_count);
  return text;
}

std::optional<Receipt> Receipt::parse(std::string_view text) noexcept {
  std::uint64_t part[5] = {};
  for (int i = 0; i < 5; ++i) {
    const std::size_t end = i < 4 ? text.find('-') : text.size();
    if (end == std::string_view::npos || end > 16 || !read_hex(text.substr(0, end), part[i])) {
      return std::nullopt;
    }
    text.remove_prefix(i < 4 ? end + 1 : end);
  }
  constexpr std::uint64_t kMax32 = 0xffffffff;
  if (part[1] > kMax32 || part[2] > kMax32 || part[4] > kMax32) return std::nullopt;
  return Receipt{part[0], static_cast<std::uint32_t>(part[1]), static_cast<std::uint32_t>(part[2]),
                 part[3], static_cast<std::uint32_t>(part[4])};
}

}  // namespace ringpost
