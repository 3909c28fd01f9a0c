#include "client/stream_sweep.hpp"

#include "client/streams.hpp"
#include "stream/sweep.hpp"

namespace ringpost::client {

std::optional<Error> sweep_streams(Member& member, std::uint16_t dead, Bus::Swept& swept) {
  const stream::SweptStreams result = stream::sweep_participant(member.files(), dead);
  swept.claims_voided += result.claims_voided;
  swept.files_removed += stream::remove_orphans(stream_membership(member), dead);
  return result.failure;
}

void tidy_streams(Member& member, Bus::Swept& swept) {
  const stream::Membership membership = stream_membership(member);
  stream::tidy_up(membership);
  swept.files_removed += stream::remove_orphans(membership, 0);
}

}  // namespace ringpost::client
