// The standard input of a handler: a file in memory, so that nobody waits for a slow reader and
// nobody minds one that does not read at all.
#pragma once

#include <string>
#include <string_view>

#include "descriptor.hpp"
#include "ringpost/message.hpp"
#include "work_plan.hpp"

namespace ringpost::cli {

/// Throws std::system_error when there is no memory or no descriptor left.
[[nodiscard]] Descriptor handler_input(Leases& messages, HandlerInput format,
                                       const std::string& queue);
/// Of these bytes.
[[nodiscard]] Descriptor handler_input(std::string_view bytes);
/// An empty file for a handler to write to; what it writes goes to the end.
[[nodiscard]] Descriptor empty_memory_file();
/// What was written to it. Up to `bytes_max`; a longer one is cut.
[[nodiscard]] std::string content_of(const Descriptor& file, std::size_t bytes_max);

}  // namespace ringpost::cli
