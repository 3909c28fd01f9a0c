// MD5 as bytes: without an allocation, for the routing of records.
#pragma once

#include <array>

#include "ringpost/types.hpp"

namespace ringpost::sqs {

using Md5Digest = std::array<unsigned char, 16>;

[[nodiscard]] Md5Digest md5(ByteSpan bytes) noexcept;

}  // namespace ringpost::sqs
