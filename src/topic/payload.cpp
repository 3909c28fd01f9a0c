#include "topic/payload.hpp"

#include <cstring>

#include "base/cache_line.hpp"
#include "queue/attributes.hpp"
#include "ring/layout.hpp"

namespace ringpost::topic {

Errc PayloadPlan::make(std::span<const Message> forms, const Ids& ids) noexcept {
  if (forms.size() > shm::kForms) return Errc::kInvalidArgument;
  bytes_ = 0;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    const Message& message = forms[i];
    Form& form = forms_[i];
    form.counted = message.body.size();
    std::uint64_t attribute_bytes = 0;
    if (!message.attributes.empty()) {
      if (const Errc code = queue::check_attributes(message.attributes); code != Errc::kOk) {
        return code;
      }
      form.counted += queue::counted_bytes(message.attributes);
      attribute_bytes = queue::encoded_bytes(message.attributes);
    }
    if (attribute_bytes > ring::Lengths::kAttributeBytesMax || form.counted > ~std::uint32_t{0}) {
      return Errc::kTooLarge;
    }
    form.attribute_bytes = static_cast<std::uint32_t>(attribute_bytes);
    form.offset = base::round_up(bytes_, sizeof(std::uint64_t));
    form.lengths =
        ring::Lengths::of(static_cast<std::uint32_t>(message.body.size()), form.attribute_bytes, 0)
            .word;
    bytes_ = form.offset + message.body.size() + attribute_bytes + ids.group.size() +
             ids.dedup_id.size();
  }
  return Errc::kOk;
}

void PayloadPlan::write(std::span<const Message> forms, const Ids& ids,
                        std::byte* payload) const noexcept {
  const auto put = [](std::byte*& to, const void* bytes, std::size_t count) {
    if (count != 0) std::memcpy(to, bytes, count);
    to += count;
  };
  for (std::size_t i = 0; i < forms.size(); ++i) {
    std::byte* to = payload + forms_[i].offset;
    put(to, forms[i].body.data(), forms[i].body.size());
    if (forms_[i].attribute_bytes != 0) queue::encode(forms[i].attributes, to);
    to += forms_[i].attribute_bytes;
    put(to, ids.group.data(), ids.group.size());
    put(to, ids.dedup_id.data(), ids.dedup_id.size());
  }
}

}  // namespace ringpost::topic
