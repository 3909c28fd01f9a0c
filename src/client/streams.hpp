// What streams need of a Bus object.
#pragma once

#include "client/member.hpp"
#include "stream/membership.hpp"

namespace ringpost::client {

[[nodiscard]] stream::Membership stream_membership(Member& member);

}  // namespace ringpost::client
