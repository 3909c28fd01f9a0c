// What is sent to a FIFO queue besides a body, and whether it comes out.
#include "dedup/key.hpp"
#include "model/trial.hpp"

namespace ringpost::model {
namespace {

const std::string kTooLong(129, 'x');
constexpr std::string_view kGroupTexts[kGroups + 3] = {"a", "group/b",  "c", "d",
                                                       "",  "no space", {}};
constexpr const char* kIdTexts[kIds] = {"1", "2", "id-3", "4", "5", "6"};

std::string_view group_text(std::uint32_t group) {
  return group == kGroups + 2 ? std::string_view(kTooLong) : kGroupTexts[group];
}

std::string content_text(std::string_view body) {
  const dedup::ContentId id = dedup::content_id(as_bytes(body));
  return {id.data(), id.size()};
}

}  // namespace

void Trial::choose_ids(const Operation& operation, std::uint32_t i, ModelSend& message) {
  const bool is_group = operation.group < kGroups;
  message.group = group_text(is_group ? (operation.group + i / 2) % kGroups : operation.group);
  if (operation.twin != 0) message.body_number = (operation.twin + i) % kTwins;
  const std::size_t used = bodies_.size();  // by the bodies of a batch
  if (has_ids_) message.content_id = content_text(body_of(message.body_number, message.body_bytes));
  bodies_.resize(used);
  if (operation.dedup_id == 0) return;
  const std::uint32_t ids = kIds + kContentIds;
  const std::uint32_t id =
      operation.dedup_id > ids ? operation.dedup_id - 1 : (operation.dedup_id - 1 + i) % ids;
  if (id < kIds) {
    message.dedup_id = kIdTexts[id];
  } else if (id < ids) {
    message.dedup_id = content_text(body_of(id - kIds, message.body_bytes));  // that of a twin
    bodies_.resize(used);
  } else {
    message.dedup_id = id == ids ? "no space" : kTooLong;
  }
}

/// Of messages of a batch that are alike the first that is left: a group keeps its order.
bool Trial::may_be(Lease& lease, const ModelMessage& message) const {
  if (!model_.type().fifo || message.id != MessageId{}) return true;
  return lease.group() == message.group && !model_.is_over_age(message, now_ns());
}

void Trial::compare_ids(Lease& lease, const ModelMessage& expected) {
  if (lease.group() != expected.group) differ("the group \"" + std::string(lease.group()) + "\"");
  if (lease.dedup_id() != expected.dedup_id) {
    differ("the id \"" + std::string(lease.dedup_id()) + "\", expected " + expected.dedup_id);
  }
  const std::uint64_t sequence = model_.type().fifo ? lease.id().position : 0;
  if (lease.sequence() != sequence) differ("the sequence number in the lease");
}

}  // namespace ringpost::model
