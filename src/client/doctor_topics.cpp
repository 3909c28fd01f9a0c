#include <unordered_set>

#include "client/doctor.hpp"
#include "topic/filters.hpp"
#include "topic/topic_look.hpp"
#include "topic/turn.hpp"

namespace ringpost::client {

using topic::TopicLook;
using topic::TopicState;

namespace {

constexpr char kDeleteTopic[] =
    "a process wrote outside the protocol: delete the topic (ringpost topic delete) and subscribe "
    "its queues again";

std::string id_text(std::uint64_t id) {
  char text[17] = {};
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
  return text;
}

}  // namespace

void Doctor::examine_topics() {
  const auto names = sys::names_in(member_.files().topics());
  if (!names) add("topics", names.error().what, "give this process more descriptors or memory");
  for (const std::string& name : names ? *names : std::vector<std::string>()) examine_topic(name);
  for (const std::uint64_t id : topic::turns_without_topic(member_.files())) {
    add("file topics/." + std::to_string(id), "its topic is gone");
  }
}

void Doctor::examine_topic(const std::string& name) {
  const std::string object = "topic " + name;
  if (!shm::is_valid_name(name)) {
    add("file topics/" + name, "no topic has this name", "remove it");
    return;
  }
  const auto look = topic::look_at(member_.files(), name);
  if (!look) {
    if (look.error() == Errc::kNotFound) return;  // deleted meanwhile
    add(object, look.error().what,
        look.error() == Errc::kNewerFormat ? "use the newer version of Ringpost" : kDeleteTopic);
    return;
  }
  ++report_.topics_checked;
  report_.subscriptions_checked += look->subscriptions.count();
  if (name != look->header_name) {
    add(object, "its header says that it is another topic", kDeleteTopic);
  }
  examine_topic_state(name, *look);
  if (look->is_fifo) {
    const auto turn = topic::Turn::open(member_.files(), look->topic_id);
    if (!turn && !(turn.error() == Errc::kNotFound)) add(object, turn.error().what, kDeleteTopic);
  }
  if (look->is_damaged) {
    add(object,
        "its list of subscriptions is damaged behind the first " +
            std::to_string(look->subscriptions.count()) + ": nobody can publish",
        kDeleteTopic);
  }
  examine_subscriptions(name, *look);
}

/// What a change that is under way leaves for an instant is no fault.
void Doctor::examine_topic_state(const std::string& name, const TopicLook& first) {
  const std::string object = "topic " + name;
  const auto judge = [](const TopicLook& look) -> Verdict {
    if (look.is_locked) {
      const std::string who = std::to_string(look.writer);
      return Complaint{"process " + who +
                           " is changing it and stands still: its subscriptions "
                           "cannot be changed",
                       "let it go on (kill -CONT " + who + "), or end it"};
    }
    switch (static_cast<TopicState>(look.state)) {
      case TopicState::kOpen:
        return {};
      case TopicState::kDeleted:
        return Complaint{"deleted, but only by half", {}};
      case TopicState::kReplaced:
        return Complaint{"whoever was to write its list anew has died", {}};
    }
    return Complaint{"its state, " + std::to_string(look.state) + ", does not exist", kDeleteTopic};
  };
  Verdict wrong = judge(first);
  for (int looks = 1; looks < kLooks && wrong; ++looks) {
    wait_between_looks();
    const auto again = topic::look_at(member_.files(), name);
    wrong = again ? judge(*again) : Verdict{};
  }
  if (wrong) add(object, std::move(*wrong));
}

void Doctor::examine_subscriptions(const std::string& name, const TopicLook& look) {
  std::unordered_set<std::uint64_t> queues;
  for (topic::Subscriptions::Place place = 0; place < look.subscriptions.places(); ++place) {
    const SubscriptionInfo& each = look.subscriptions.at(place);
    if (each.id == 0) continue;
    const std::string object = "topic " + name + ", subscription " + id_text(each.id);
    if (!queues.insert(each.queue_id).second) {
      add(object, "its queue \"" + each.queue + "\" is subscribed twice",
          "ringpost unsubscribe " + name + " " + id_text(each.id));
    }
    examine_subscription(name, object, each);
  }
}

void Doctor::examine_subscription(const std::string& topic, const std::string& object,
                                  const SubscriptionInfo& of) {
  const auto is_there = [this](const std::string& queue, std::uint64_t id) {
    const auto found = member_.context().queues.open(queue);
    if (!found) return !(found.error() == Errc::kNotFound);  // what else is wrong is said of it
    return (*found)->header().state.load() == 0 && (id == 0 || (*found)->queue_id() == id);
  };
  const std::string dead_letters = of.settings.dead_letter_queue.value_or("");
  const std::string change = "ringpost subscribe " + topic + " " + id_text(of.id) + " --change ";
  if (!is_there(of.queue, of.queue_id)) {
    add(object,
        "its queue \"" + of.queue + "\" was deleted: messages " +
            (dead_letters.empty() ? "are dropped" : "go to queue \"" + dead_letters + "\""),
        "ringpost unsubscribe " + topic + " " + id_text(of.id) +
            "; a new queue of that name is to be subscribed anew");
  }
  if (!dead_letters.empty() && !is_there(dead_letters, 0)) {
    add(object,
        "its dead-letter queue \"" + dead_letters +
            "\" does not exist: what its queue has no room for is dropped",
        "create it (ringpost queue create " + dead_letters + "), or " + change +
            "--dead-letter-queue \"\"");
  }
  const std::string& filter = *of.settings.filter;
  if (const auto checked = topic::check_filter(filter, *of.settings.filter_scope); !checked) {
    add(object, std::string("its filter cannot be read: ") + checked.error().what,
        change + "--filter JSON");
  }
}

/// What the dead had published and has no room yet. That is no fault: it is counted.
void Doctor::count_waiting_deliveries() {
  std::unordered_map<std::uint64_t, std::uint64_t> waiting;
  shm::Arena& arena = member_.arena();
  arena.for_each_share([&](const shm::ShareLook& share) {
    if (share.fate != shm::ShareLook::Fate::kCommitted || share.owner != 0) return;
    for (std::uint64_t rest = share.pending; rest != 0; rest &= rest - 1) {
      const auto number = static_cast<std::uint32_t>(__builtin_ctzll(rest));
      const shm::ShareEntry entry{share.share->entries[number].load()};
      const auto queue = share.share->targets[number].load(std::memory_order_relaxed);
      if (!entry.is_set(share.ref.generation) && arena.is_same_use(share)) ++waiting[queue];
    }
  });
  for (const auto& [queue, count] : waiting) {
    const auto found = queue_names_.find(queue);
    if (found == queue_names_.end()) {
      add("deliveries", std::to_string(count) + " to a queue that was deleted", {});
    } else {
      report_.waiting.push_back({found->second, count});
    }
  }
}

}  // namespace ringpost::client
