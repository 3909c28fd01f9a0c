#include "client/consumer_core.hpp"
#include "client/streams.hpp"

namespace ringpost::stream {

Result<std::unique_ptr<disk::Directory>> open_state(Bus& bus, Stream& stream) {
  if (stream.settings().storage == StreamStorage::kMemory) {
    return std::unique_ptr<disk::Directory>();
  }
  const auto state = client::stream_membership(client::Member::of(bus)).shared->state(false);
  if (!state) return Unexpected(state.error());
  return (*state)->stream(stream.name());
}

}  // namespace ringpost::stream
