// What a publish stores: the message in one form or two, one behind the other in one block, each as
//
//   body · attributes · group id · deduplication id     the ids in FIFO topics only
#pragma once

#include <cstdint>
#include <span>

#include "queue/queue_core.hpp"
#include "shm/share.hpp"

namespace ringpost::topic {

/// One form of a message.
struct Message {
  ByteSpan body;
  AttributeList attributes{};
};

/// They stand behind each form.
using Ids = detail::QueueCore::Ids;

/// Where everything lies in the payload. Threads one at a time.
class PayloadPlan {
 public:
  struct Form {
    std::uint64_t counted = 0;  ///< bytes, as the limits of queues count them
    std::uint64_t offset = 0;
    std::uint64_t lengths = 0;  ///< ring::Lengths, without flags
    std::uint32_t attribute_bytes = 0;
  };
  /// Errors kInvalidArgument (more than two forms; attributes), kTooLarge.
  Errc make(std::span<const Message> forms, const Ids& ids) noexcept;
  /// `payload` has bytes() bytes. The same forms and ids.
  void write(std::span<const Message> forms, const Ids& ids, std::byte* payload) const noexcept;

  [[nodiscard]] const Form& form(std::uint32_t number) const noexcept { return forms_[number]; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Of a share that is not LIVE yet.
  void describe_in(shm::Share& share) const noexcept {
    for (std::uint32_t i = 0; i < shm::kForms; ++i) {
      share.lengths[i].store(forms_[i].lengths, std::memory_order_relaxed);  // LIVE carries it
    }
    share.second_offset.store(forms_[1].offset, std::memory_order_relaxed);
  }

 private:
  Form forms_[shm::kForms];
  std::uint64_t bytes_ = 0;
};

}  // namespace ringpost::topic
