#include "failure.hpp"

#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace ringpost::cli {
namespace {

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::kEmpty:
    case Errc::kTimedOut:
    case Errc::kOverLimit:
      return ExitCode::kEmpty;
    case Errc::kFull:
    case Errc::kTooManyIds:
    case Errc::kNoSpace:
      return ExitCode::kFull;
    case Errc::kNotFound:
    case Errc::kDeleted:
    case Errc::kNoTask:
      return ExitCode::kNotFound;
    case Errc::kInvalidArgument:
    case Errc::kNotDeadLetterQueue:
      return ExitCode::kUsage;
    case Errc::kStaleReceipt:
      return ExitCode::kStale;
    default:
      return ExitCode::kError;
  }
}

/// The command line up to the bus, for hints that can be pasted.
std::string command(const Subject& subject) {
  return subject.bus.empty() || subject.bus == "default"
             ? "ringpost"
             : fmt::format("ringpost --bus {}", subject.bus);
}

std::string hint_about_state(Errc code, const Subject& subject) {
  const std::string run = command(subject);
  const std::string& queue = subject.queue;
  switch (code) {
    case Errc::kFull:
      return fmt::format(
          "receive from it, wait for room with --wait 30s, or make room: {} queue purge {}   (its "
          "limit, --bytes-max, is chosen at queue create)",
          run, queue);
    case Errc::kTooManyIds:
      return fmt::format(
          "try again when older ids have left the window, or shorten it: {} queue set {} "
          "--dedup-window 1m   (how many it holds, --dedup-entries, is chosen at queue create)",
          run, queue);
    case Errc::kStaleReceipt:
      return "the lease had ended or the message is gone: receive again, and give the work more "
             "time with --visibility-timeout or `ringpost extend`";
    case Errc::kOverLimit:
      return fmt::format(
          "acknowledge what is in flight, or raise the limit: {} queue set {} --in-flight-max N",
          run, queue);
    case Errc::kNotFound:
      if (queue.empty()) {
        return "see those there are with `ringpost bus list`; `ringpost queue create NAME` makes "
               "the bus with a first queue";
      }
      return fmt::format("create it: {} queue create {}   (those there are: {} queue list)", run,
                         queue, run);
    case Errc::kExists:
      return fmt::format(
          "look at its settings: {} queue show {}   (those not fixed at creation can be changed: "
          "{} "
          "queue set {})",
          run, queue, run, queue);
    case Errc::kDeleted:
      return fmt::format("create it again if it is still needed: {} queue create {}", run, queue);
    case Errc::kTooLarge:
      return fmt::format("send less, or raise the limit: {} queue set {} --message-bytes-max 1MiB",
                         run, queue);
    case Errc::kNotDeadLetterQueue:
      return fmt::format("name it: {} queue set NAME --dead-letter-queue {}", run, queue);
    case Errc::kTaskRunning:
      return fmt::format("see how far it is: {} redrive list {}   (end it: {} redrive cancel {})",
                         run, queue, run, queue);
    case Errc::kNoTask:
      return fmt::format("see those there are: {} redrive list", run);
    case Errc::kBusy:
      return "stop the process that is named, then try again";
    default:
      return {};
  }
}

std::string hint_about_surroundings(Errc code, const Subject& subject) {
  switch (code) {
    case Errc::kInvalidArgument:
      return "see the limits in the --help of this verb";
    case Errc::kNoSpace:
      return "look at `df -h /dev/shm` and remove what is not needed: `ringpost bus list`, "
             "`ringpost queue purge NAME`";
    case Errc::kTooManyAttached:
      return fmt::format(
          "see who is attached: ringpost bus show {}   (a new bus may allow more: "
          "participants_max)",
          subject.bus);
    case Errc::kForeignOwner:
    case Errc::kPermission:
      return "run as the user who owns the bus, or choose a directory of your own with --shm-dir";
    case Errc::kUnsafeFile:
      return "something stands where the bus should be: look at the path, or choose another "
             "--shm-dir";
    case Errc::kWrongFormat:
    case Errc::kOlderFormat:
    case Errc::kNewerFormat:
      return fmt::format(
          "use the Ringpost that made it, or give it up: ringpost bus remove {}   (`ringpost "
          "version` shows what this one reads)",
          subject.bus);
    case Errc::kOtherTimeNamespace:
      return "run in the time namespace of the bus, or use another --bus";
    case Errc::kUnsupported:
      return "`ringpost version` shows what is needed";
    case Errc::kCorrupt:
      return fmt::format("see what is wrong: ringpost doctor --bus {}", subject.bus);
    default:
      return fmt::format("check the bus: ringpost doctor --bus {}", subject.bus);
  }
}

}  // namespace

Failure usage_failure(std::string text, std::string hint) {
  return {ExitCode::kUsage, "Usage", std::move(text), std::move(hint)};
}

Failure failure_of(Errc code, const Subject& subject, std::string details) {
  std::string text = std::move(details);
  if (text.empty()) text = message(code);
  while (!text.empty() && text.back() == '.') text.pop_back();
  if (!subject.doing.empty()) text = fmt::format("cannot {}: {}", subject.doing, text);
  std::string hint = hint_about_state(code, subject);
  if (hint.empty()) hint = hint_about_surroundings(code, subject);
  return {exit_code_of(code), name(code), std::move(text), std::move(hint)};
}

Failure failure_of(const Error& error, const Subject& subject) {
  return failure_of(error.code, subject, error.what);
}

}  // namespace ringpost::cli
