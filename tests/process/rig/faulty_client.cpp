#include "process/rig/faulty_client.hpp"

#include <deque>
#include <optional>
#include <utility>

#include "process/history/body.hpp"

namespace ringpost::rig {

namespace {

using history::Rule;

struct Trait {
  const char* name;
  Rule rule;
};

Trait trait_of(Bug bug) noexcept {
  switch (bug) {
    case Bug::kDropsASend:
      return {"drops a send", Rule::kLost};
    case Bug::kDropsOneOfABatch:
      return {"drops one of a batch", Rule::kLost};
    case Bug::kDeliversTwice:
      return {"delivers twice", Rule::kCountRepeated};
    case Bug::kHoldsBackAMessage:
      return {"holds back a message", Rule::kOutOfOrder};
    case Bug::kStaleReceiptSaysOk:
      return {"a stale receipt says ok", Rule::kStaleReceiptActed};
    case Bug::kStaleReceiptActs:
      return {"a stale receipt acts", Rule::kStaleReceiptActed};
    case Bug::kForgetsAnAcknowledge:
      return {"forgets an acknowledge", Rule::kDeliveredAfterAcknowledge};
    case Bug::kResurrects:
      return {"resurrects an acknowledged message", Rule::kReceiptChanged};
    case Bug::kIgnoresTheDelay:
      return {"ignores the delay", Rule::kDeliveredEarly};
    case Bug::kIgnoresTheTimeout:
      return {"ignores the timeout", Rule::kTwoLiveLeases};
    case Bug::kDamagesABody:
      return {"damages a body", Rule::kInvented};
    case Bug::kFalseEmpty:
      return {"says empty without looking", Rule::kFalseEmpty};
    case Bug::kPurgesNothing:
      return {"purges nothing", Rule::kSurvivedPurge};
    case Bug::kRefusesAGoodReceipt:
      return {"refuses a good receipt", Rule::kStaleWithoutReason};
    case Bug::kUsesASecondLock:
      return {"uses a second lock for a group", Rule::kGroupNotLocked};
    case Bug::kReversesABatch:
      return {"sends a batch from behind", Rule::kSequenceOrder};
    case Bug::kSwapsInABatch:
      return {"swaps messages of a group", Rule::kGroupOvertaken};
    case Bug::kNamesAnotherGroup:
      return {"names another group", Rule::kWrongGroup};
    case Bug::kReceiptOutlivesItsLease:
      return {"a receipt outlives its lease", Rule::kSettledAfterLease};
  }
  return {"unknown", Rule::kMalformedLog};
}

class FaultyClient final : public Client {
 public:
  FaultyClient(std::unique_ptr<Client> inner, Bug bug, std::uint32_t period)
      : inner_(std::move(inner)), bug_(bug), period_(period) {}

  Sent send(std::span<const OutMessage> messages, SendWay way,
            const SendOptions& options) override {
    if (way != SendWay::kBatch && strikes(Bug::kDropsASend)) return {Errc::kOk, 1, {}};
    if (messages.size() > 1 && strikes(Bug::kDropsOneOfABatch)) {
      Sent sent = inner_->send(messages.first(messages.size() - 1), way, options);
      if (sent.accepted == messages.size() - 1) ++sent.accepted;
      return sent;
    }
    const bool delayed = options.delay.value_or(Duration::zero()) > Duration::zero();
    if (delayed && strikes(Bug::kIgnoresTheDelay)) {
      SendOptions prompt = options;
      prompt.delay = Duration::zero();
      return inner_->send(messages, way, prompt);
    }
    if (messages.size() > 1 && strikes(Bug::kReversesABatch)) {
      const std::vector<OutMessage> reversed(messages.rbegin(), messages.rend());
      const Sent sent = inner_->send(reversed, way, options);
      return sent.accepted == reversed.size() ? sent : Sent{Errc::kOk, sent.accepted, {}};
    }
    if (way != SendWay::kBatch && strikes(Bug::kUsesASecondLock)) {
      const std::string second = group_name(group_number(options.group) + kSecondLock);
      SendOptions apart = options;
      apart.group = second;
      return inner_->send(messages, way, apart);
    }
    return inner_->send(messages, way, options);
  }

  Errc receive(const ReceiveOptions& options, std::vector<Hand>& into) override {
    if (strikes(Bug::kFalseEmpty)) return Errc::kEmpty;
    ReceiveOptions inner_options = options;
    if (strikes(Bug::kIgnoresTheTimeout)) inner_options.visibility_timeout = Duration::zero();
    const std::size_t had = into.size();
    const Errc result = inner_->receive(inner_options, into);
    for (std::size_t i = had; i < into.size(); ++i) into[i].group %= kSecondLock;
    if (into.size() == had) return result;
    if (bug_ == Bug::kNamesAnotherGroup && strikes(bug_)) ++into.back().group;
    if (bug_ == Bug::kSwapsInABatch) swap_neighbours(into, had);
    if (bug_ == Bug::kDamagesABody && strikes(bug_)) into.back().damaged = true;
    if (bug_ == Bug::kDeliversTwice) repeat(into);
    if (bug_ == Bug::kHoldsBackAMessage) return hold_back(into, had, options.max_messages);
    return result;
  }

  Errc settle(Hand& hand, Action action, Duration duration) override {
    return settled(hand.receipt, action, hand.key,
                   [&](Client& inner) { return inner.settle(hand, action, duration); });
  }
  Errc settle(const Receipt& receipt, Action action, Duration duration) override {
    return settled(receipt, action, {},
                   [&](Client& inner) { return inner.settle(receipt, action, duration); });
  }

  Errc purge(std::uint64_t& removed) override {
    if (bug_ == Bug::kPurgesNothing) return Errc::kOk;
    return inner_->purge(removed);
  }
  Errc set(const QueueSettings& changes) override { return inner_->set(changes); }
  std::vector<std::string> peek(std::size_t count) override { return inner_->peek(count); }
  Content content() override {
    Content content = inner_->content();
    content.visible += held_.size();
    return content;
  }
  Swept sweep() override { return inner_->sweep(); }
  std::vector<std::string> examine() override { return inner_->examine(); }
  std::vector<std::string> leaks() override { return inner_->leaks(); }

 private:
  static constexpr std::uint32_t kSecondLock = 10'000;  // beyond all numbers of groups

  bool strikes(Bug bug) { return bug == bug_ && ++opportunities_ % period_ == 0; }

  static Hand copy_of(const Hand& hand) {
    Hand copy;
    copy.key = hand.key;
    copy.receipt = hand.receipt;
    copy.id = hand.id;
    return copy;
  }

  /// The message that came first this time is given out once more next time.
  void repeat(std::vector<Hand>& into) {
    if (again_ && strikes(bug_)) into.back() = *std::exchange(again_, std::nullopt);
    if (!again_) again_ = copy_of(into.back());
  }

  static void swap_neighbours(std::vector<Hand>& into, std::size_t had) {
    for (std::size_t i = had + 1; i < into.size(); ++i) {
      if (into[i - 1].group == into[i].group) return std::swap(into[i - 1], into[i]);
    }
  }

  Errc hold_back(std::vector<Hand>& into, std::size_t had, std::size_t max_messages) {
    if (held_.empty() && strikes(bug_)) {
      held_.push_back(std::move(into.back()));
      into.pop_back();
    } else if (!held_.empty() && into.size() - had < max_messages) {
      into.push_back(std::move(held_.front()));
      held_.pop_front();
    }
    return into.size() == had ? Errc::kEmpty : Errc::kOk;
  }

  template <class Settle>
  Errc settled(const Receipt& receipt, Action action, MessageKey key, const Settle& settle) {
    const bool acknowledges = action == Action::kAcknowledge;
    if (acknowledges && strikes(Bug::kForgetsAnAcknowledge)) return Errc::kOk;
    if (acknowledges && strikes(Bug::kRefusesAGoodReceipt)) return Errc::kStaleReceipt;
    const Errc result = settle(*inner_);
    if (result == Errc::kStaleReceipt) {
      if (strikes(Bug::kStaleReceiptSaysOk)) return Errc::kOk;
      if (strikes(Bug::kReceiptOutlivesItsLease)) return Errc::kOk;
      if (acknowledges && bug_ == Bug::kStaleReceiptActs) return act_on_a_newer_one(receipt);
    }
    if (result == Errc::kOk && acknowledges && key.producer != 0 && strikes(Bug::kResurrects)) {
      send_again(key);
    }
    return result;
  }

  Errc act_on_a_newer_one(Receipt receipt) {
    for (int i = 0; i < 10; ++i) {
      ++receipt.receive_count;
      if (inner_->settle(receipt, Action::kAcknowledge, {}) == Errc::kOk) return Errc::kOk;
    }
    return Errc::kStaleReceipt;
  }

  void send_again(MessageKey key) {
    std::vector<std::byte> body(history::kBodyBytesMin);
    history::write_body(body, key, false);
    const OutMessage message{body, {}};
    inner_->send({&message, 1}, SendWay::kSingle, {});
  }

  std::unique_ptr<Client> inner_;
  const Bug bug_;
  const std::uint32_t period_;
  std::uint64_t opportunities_ = 0;
  std::optional<Hand> again_;
  std::deque<Hand> held_;
};

}  // namespace

const char* name(Bug bug) noexcept { return trait_of(bug).name; }
history::Rule rule_broken_by(Bug bug) noexcept { return trait_of(bug).rule; }

std::unique_ptr<Client> make_faulty(std::unique_ptr<Client> inner, Bug bug) {
  // Delays are rare, and most swaps of messages are excused by what goes on at the same time.
  const bool is_subtle = bug == Bug::kIgnoresTheDelay || bug == Bug::kHoldsBackAMessage ||
                         bug == Bug::kUsesASecondLock || bug == Bug::kReversesABatch;
  return std::make_unique<FaultyClient>(std::move(inner), bug, is_subtle ? 5u : 50u);
}

}  // namespace ringpost::rig
