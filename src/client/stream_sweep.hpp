// What the sweeper of a bus does about its streams.
#pragma once

#include <optional>

#include "client/member.hpp"

namespace ringpost::client {

/// After a participant that died. Nothing if all is done; else why not: then the dead one's entry
/// must not be used again yet.
[[nodiscard]] std::optional<Error> sweep_streams(Member& member, std::uint16_t dead,
                                                 Bus::Swept& swept);
/// What can be finished and let go of.
void tidy_streams(Member& member, Bus::Swept& swept);

}  // namespace ringpost::client
