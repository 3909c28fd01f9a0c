#include "process/rig/steady_worker.hpp"

#include "process/history/body.hpp"

namespace ringpost::rig {

SteadyWorker::SteadyWorker(Session& session, Control& control, Place& place, const Plan& plan,
                           std::uint64_t seed, bool examines)
    : session_(session),
      control_(control),
      place_(place),
      random_(seed),
      groups_(plan.groups),
      examines_(examines) {}

std::string SteadyWorker::run() {
  while (control_.phase() == Phase::kRun && findings_.empty()) {
    if (!session_.has_room()) return "its log is full";
    send();
    receive();
    if (random_.one_in(50)) session_.sweep();
    tell_progress();
  }
  return findings_;
}

void SteadyWorker::send() {
  SendPlan plan;
  if (groups_ != 0) plan.group = 1 + static_cast<std::uint32_t>(random_.below(groups_));
  plan.way = random_.one_of({SendWay::kSingle, SendWay::kBatch, SendWay::kLoan});
  const std::uint64_t count = plan.way == SendWay::kBatch ? 1 + random_.below(4) : 1;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t more = random_.percent(70) ? random_.below(70) : random_.below(6'000);
    plan.body_bytes.push_back(history::kBodyBytesMin + more);
  }
  has_sent_ |= session_.send(plan) == Errc::kOk;
  ++attempts_;
  control_.count_operation(place_);
}

void SteadyWorker::receive() {
  ReceiveOptions options;
  options.max_messages = 4;
  options.wait = Duration::zero();
  options.visibility_timeout = std::chrono::seconds(30);
  session_.receive(options, hands_);
  ++attempts_;
  control_.count_operation(place_);
  for (Hand& hand : hands_) {
    session_.check_view(hand);
    has_acknowledged_ |= session_.settle(hand, Action::kAcknowledge) == Errc::kOk;
    ++attempts_;
    control_.count_operation(place_);
  }
  hands_.clear();
}

void SteadyWorker::tell_progress() {
  const auto round = control_.round.load();
  if (round != round_) {
    round_ = round;
    attempts_ = 0;
    has_sent_ = has_acknowledged_ = false;
    return;
  }
  if (!has_sent_ || !has_acknowledged_ || place_.round_done.load() == round) return;
  // Whoever died before this sweep began was swept by it; if another was elected, or was stopped
  // while it swept, the next round will do.
  if (examines_ && session_.sweep().elected) {
    ++examinations_;
    for (const std::string& finding : session_.client().examine()) findings_ += finding + "\n";
  }
  place_.round_attempts.store(attempts_);
  place_.round_done.store(round);
  control_.wake_parent();
}

}  // namespace ringpost::rig
