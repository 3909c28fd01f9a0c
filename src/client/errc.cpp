#include "ringpost/errc.hpp"

#include <string>

namespace ringpost {
namespace {

struct Text {
  Errc code;
  const char* name;
  const char* message;
};

constexpr Text kTexts[] = {
    {Errc::kOk, "Ok", "done"},
    {Errc::kEmpty, "Empty", "no message is visible now"},
    {Errc::kFull, "Full", "the queue is full"},
    {Errc::kTimedOut, "TimedOut", "the wait is over and nothing came"},
    {Errc::kStaleReceipt, "StaleReceipt",
     "the receipt is stale: the message is gone or was delivered again"},
    {Errc::kOverLimit, "OverLimit", "in_flight_max messages are in flight already"},
    {Errc::kHeld, "Held", "this participant holds as many messages in place as it may"},
    {Errc::kTooManyIds, "TooManyIds",
     "no room for another deduplication id within the window: raise dedup_entries at creation, or "
     "lower dedup_window"},
    {Errc::kInterrupted, "Interrupted", "the wait was interrupted"},
    {Errc::kLapped, "Lapped", "the reader was too slow: what it would read next is gone"},
    {Errc::kClosed, "Closed", "the shard was split or merged: read on in its children"},
    {Errc::kThrottled, "Throttled", "the shard's limit is reached: try again within a second"},
    {Errc::kLeaseLost, "LeaseLost", "another consumer has the shard by now: stop working at it"},
    {Errc::kNotFound, "NotFound", "no such bus, queue, topic, stream or shard"},
    {Errc::kExists, "Exists", "the name exists already with other settings"},
    {Errc::kDeleted, "Deleted", "the queue was deleted"},
    {Errc::kInvalidArgument, "InvalidArgument", "a value lies outside its limits"},
    {Errc::kTooLarge, "TooLarge", "the message is larger than message_bytes_max"},
    {Errc::kNoSpace, "NoSpace", "no shared memory is left"},
    {Errc::kTooManyAttached, "TooManyAttached", "every participant entry is in use"},
    {Errc::kForeignOwner, "ForeignOwner", "it belongs to another user"},
    {Errc::kUnsafeFile, "UnsafeFile", "a link, a special file or an unsafe mode"},
    {Errc::kPermission, "Permission", "access was refused"},
    {Errc::kWrongFormat, "WrongFormat", "not a complete file of Ringpost"},
    {Errc::kOlderFormat, "OlderFormat", "written by an older, incompatible version"},
    {Errc::kNewerFormat, "NewerFormat", "written by a newer version"},
    {Errc::kOtherTimeNamespace, "OtherTimeNamespace", "created in another time namespace"},
    {Errc::kForked, "Forked", "opened before a fork: open it anew in the child"},
    {Errc::kBusy, "Busy", "somebody is using it"},
    {Errc::kUnsupported, "Unsupported", "this processor or kernel lacks what is needed"},
    {Errc::kSystem, "System", "a system call failed"},
    {Errc::kNotDeadLetterQueue, "NotDeadLetterQueue",
     "it is no queue's dead-letter queue: name it in the redrive of a queue first"},
    {Errc::kTaskRunning, "TaskRunning",
     "a task is moving its messages already: wait for its end or cancel it"},
    {Errc::kNoTask, "NoTask", "no such message move task is running: list them"},
    {Errc::kExpired, "Expired", "the iterator is older than five minutes: get a new one"},
    {Errc::kLogFailed, "LogFailed",
     "writing the log failed: nothing more is acknowledged; look after the disk, then recover"},
    {Errc::kDamaged, "Damaged",
     "the log has lost records that were acknowledged: see ringpost log salvage"},
    {Errc::kCorrupt, "Corrupt",
     "bytes that no correct process writes"},  // the last: what an unknown code is taken for
};

const Text& text_of(Errc code) noexcept {
  for (const Text& each : kTexts) {
    if (each.code == code) return each;
  }
  return kTexts[std::size(kTexts) - 1];
}

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "ringpost"; }
  [[nodiscard]] std::string message(int code) const override {
    return text_of(static_cast<Errc>(code)).message;
  }
};

}  // namespace

const char* name(Errc code) noexcept { return text_of(code).name; }
const char* message(Errc code) noexcept { return text_of(code).message; }

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

}  // namespace ringpost
