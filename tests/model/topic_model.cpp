#include "model/topic_model.hpp"

#include <algorithm>
#include <cstdio>

#include "dedup/key.hpp"

namespace ringpost::model {
namespace {

constexpr FilterText kFilterTexts[kFilters] = {
    {"", FilterScope::kAttributes},
    {R"({"k": ["1"]})", FilterScope::kAttributes},
    {R"({"k": [{"anything-but": "1"}]})", FilterScope::kAttributes},
    {R"({"k": [{"exists": false}]})", FilterScope::kAttributes},
    {R"({"k": [1]})", FilterScope::kBody},
    {R"({"k": [{"numeric": [">=", 2]}]})", FilterScope::kBody},
    {R"({"x": ["y"]})", FilterScope::kBody}};

constexpr Attribute kAttributes[][1] = {{{"k", "1"}}, {{"k", "2"}}};

std::string digits(std::uint64_t value) { return std::to_string(value); }

std::string differs(const char* what, std::uint64_t got, std::uint64_t right) {
  return std::string(what) + " " + digits(got) + ", expected " + digits(right);
}

/// As in a document, whose texts have no other characters to escape.
std::string escaped(std::string_view text) {
  std::string all;
  for (const char c : text) {
    if (c == '"') all += '\\';
    all += c;
  }
  return all;
}

}  // namespace

FilterText filter_text(std::uint8_t filter) { return kFilterTexts[filter]; }

AttributeList attributes_of(std::uint8_t attribute) {
  return attribute == 0 ? AttributeList{} : AttributeList{kAttributes[attribute - 1]};
}

bool accepts(std::uint8_t filter, const Outgoing& message) {
  switch (filter) {
    case 0:
      return true;
    case 1:
      return message.attribute == 1;
    case 2:
      return message.attribute == 2;
    case 3:
      return message.attribute == 0;
    case 4:
      return !message.plain && message.key == 1;
    case 5:
      return !message.plain && message.key >= 2;
    default:
      return false;
  }
}

bool ModelledQueue::may_give(const Copy& copy, const std::set<std::uint64_t>& taken) const {
  if (copy.holder != Holder::kNobody || taken.contains(copy.serial)) return false;
  if (!fifo) return true;
  for (const Copy& before : copies) {
    if (before.serial == copy.serial) return true;
    const bool came_with_it = before.publish != 0 && before.publish == copy.publish;
    if (came_with_it && before.holder == Holder::kNobody) continue;
    if (before.group == copy.group && !taken.contains(before.serial)) return false;
  }
  return false;
}

void ModelledQueue::put_in_order(std::uint64_t serial, const std::set<std::uint64_t>& taken) {
  const auto at = std::find_if(copies.begin(), copies.end(),
                               [&](const Copy& each) { return each.serial == serial; });
  const auto first = std::find_if(copies.begin(), at, [&](const Copy& each) {
    return each.publish != 0 && each.publish == at->publish && !taken.contains(each.serial);
  });
  std::rotate(first, at, at + 1);
}

std::size_t ModelledQueue::available() const {
  std::set<std::string_view> locked;
  std::size_t count = 0;
  for (const Copy& each : copies) {
    if (fifo && locked.contains(each.group)) continue;
    if (each.holder == Holder::kNobody) {
      ++count;
    } else if (fifo) {
      locked.insert(each.group);
    }
  }
  return count;
}

void ModelledQueue::remove(std::uint64_t serial, std::size_t views) {
  std::erase_if(copies, [&](const Copy& each) { return each.serial == serial; });
  if (copies.empty()) lost = views;
}

void TopicModel::make_queue(int at, bool fifo) {
  queue(at) = {.exists = true, .life = ++lives_, .fifo = fifo};
}

void TopicModel::delete_queue(int at) { queue(at) = {}; }

void TopicModel::add(int at, Copy copy, std::uint64_t publish) {
  copy.serial = ++serials_;
  copy.publish = publish;
  if (!queue(at).fifo) copy.group = copy.dedup_id = "";
  queue(at).copies.push_back(std::move(copy));
}

bool TopicModel::end_leases_of_the_dead() {
  bool any = false;
  for (ModelledQueue& queue : queues_) {
    for (Copy& each : queue.copies) {
      if (each.holder != Holder::kDead) continue;
      each.holder = Holder::kNobody;
      any = true;
    }
  }
  return any;
}

/// The rules of dead-letter queues [D01, D03].
Errc TopicModel::may_have(bool queue_counts, const ModelledSubscription& wanted) const {
  if (wanted.dead_letters == kNoQueue) return Errc::kOk;
  if (wanted.dead_letters == wanted.queue) return Errc::kInvalidArgument;
  const ModelledQueue& dead = queue(wanted.dead_letters);
  if (!dead.exists) return Errc::kNotFound;
  const bool fits = !queue_counts || dead.fifo == queue(wanted.queue).fifo;
  return fits ? Errc::kOk : Errc::kInvalidArgument;
}

Errc TopicModel::may_subscribe(int at, const ModelledSubscription& wanted) const {
  const ModelledTopic& topic = topics_[static_cast<std::size_t>(at)];
  const ModelledQueue& to = queue(wanted.queue);
  if (!to.exists) return Errc::kNotFound;
  if (to.fifo && !topic.fifo) return Errc::kInvalidArgument;
  if (const Errc code = may_have(true, wanted); code != Errc::kOk) return code;
  for (const ModelledSubscription& each : topic.subscriptions) {
    if (each.life != to.life) continue;
    const bool same = each.dead_letters == wanted.dead_letters && each.filter == wanted.filter &&
                      each.when_full == wanted.when_full && each.json == wanted.json;
    return same ? Errc::kOk : Errc::kExists;
  }
  return Errc::kOk;
}

std::string TopicModel::published(int at, const Outgoing& message, Errc code, const Published& got,
                                  std::uint64_t now_ns, Look& look) {
  ModelledTopic& topic = this->topic(at);
  Outgoing sent = message;
  const bool keeps_ids = topic.dedup != Dedup::kOff;
  const bool breaks_rules = topic.fifo ? message.group.empty() || (topic.dedup == Dedup::kById &&
                                                                   message.dedup_id.empty())
                                       : !message.group.empty() || !message.dedup_id.empty();
  const bool too_large = message.large && topic.bytes_max < 2'000;
  if (breaks_rules || too_large) {  // [M02, M13, M14]
    const bool right =
        (breaks_rules && code == Errc::kInvalidArgument) || (too_large && code == Errc::kTooLarge);
    return right ? "" : std::string("it answered ") + name(code) + " to what is against a rule";
  }
  if (topic.dedup == Dedup::kByContent && sent.dedup_id.empty()) {  // [F05]
    const dedup::ContentId id = dedup::content_id(as_bytes(message.text));
    sent.dedup_id = {id.data(), id.size()};
  }
  const std::string key =
      (topic.scope == DedupScope::kGroup ? sent.group : "") + " " + sent.dedup_id;
  const auto first = topic.ids.find(key);
  if (keeps_ids && first != topic.ids.end() && now_ns < first->second.until_ns) {  // [F04]
    if (code != Errc::kOk || !got.duplicate) return "it is no duplicate";
    const auto& [id, sequence, until_ns] = first->second;
    if (got.id != id) return "it has not the id of the first one";
    if (got.sequence != sequence) return differs("the first one's number", got.sequence, sequence);
    if (got.delivered + got.dead_letters + got.dropped != 0) return "a duplicate is delivered";
    ++topic.stats.duplicates;
    return "";
  }
  if (code == Errc::kOk && got.duplicate) return "it is a duplicate of nothing";
  std::size_t lost = 0;
  std::vector<Way> to = ways(topic, sent, lost);
  std::string difference = judge(topic, to, lost, sent, code, got, look);
  if (!difference.empty() || code != Errc::kOk) return difference;
  if (topic.fifo) {
    if (got.sequence <= topic.sequence) {  // [F06]
      return differs("the number after ", topic.sequence, got.sequence);
    }
    if (got.id.position != got.sequence) return "its id has not its number";
    topic.sequence = got.sequence;
    if (keeps_ids) {
      topic.ids[key] = {got.id, got.sequence,
                        now_ns + static_cast<std::uint64_t>(topic.window.count())};
    }
  }
  return "";
}

std::vector<TopicModel::Way> TopicModel::ways(const ModelledTopic& topic, const Outgoing& message,
                                              std::size_t& lost) const {
  std::vector<Way> all;
  for (const ModelledSubscription& each : topic.subscriptions) {
    if (!accepts(each.filter, message)) continue;
    Way way{.queue = each.queue, .when_full = each.when_full, .json = each.json};
    const bool is_there = queue(each.queue).exists && queue(each.queue).life == each.life;
    if (each.dead_letters != kNoQueue && queue(each.dead_letters).exists) {
      const bool fifo = queue(each.dead_letters).fifo;
      const bool fits = is_there ? fifo == queue(each.queue).fifo : topic.fifo || !fifo;
      if (fits) way.dead_letters = each.dead_letters;
    }
    if (!is_there) {  // [S13]
      way.queue = std::exchange(way.dead_letters, kNoQueue);
      way.when_full = WhenFull::kDeadLetter;
      way.diverted = true;
    }
    if (way.queue == kNoQueue) {
      ++lost;
      continue;
    }
    way.refused = message.large && way.queue == 1;  // see TopicTrial::make_queue()
    all.push_back(way);
  }
  return all;
}

/// How many deliveries may want to go to each queue.
TopicModel::Demand TopicModel::demand(std::vector<Way>& ways) const {
  Demand wanted{};
  for (const Way& each : ways) {
    if (!each.refused) ++wanted[static_cast<std::size_t>(each.queue)];
  }
  for (bool again = true; std::exchange(again, false);) {
    for (Way& each : ways) {
      if (each.refused || each.spills) continue;
      if (queue(each.queue).surely_takes(wanted[static_cast<std::size_t>(each.queue)])) continue;
      each.spills = again = true;
      if (each.dead_letters != kNoQueue) ++wanted[static_cast<std::size_t>(each.dead_letters)];
    }
  }
  return wanted;
}

std::string TopicModel::judge(ModelledTopic& topic, std::vector<Way>& ways, std::size_t lost,
                              const Outgoing& message, Errc code, const Published& got,
                              Look& look) {
  const auto any = [&](auto&& is) { return std::any_of(ways.begin(), ways.end(), is); };
  const auto must_fit = [](const Way& way) { return way.when_full == WhenFull::kFail; };
  const auto answers = [&](Errc right) {
    if (code == right) return std::string();
    return std::string("it answered ") + name(code) + ", expected " + name(right);
  };
  if (any([&](const Way& each) { return must_fit(each) && each.refused; })) {
    return answers(Errc::kTooLarge);
  }
  const Demand wanted = demand(ways);
  bool open = false;  // whether something is left open
  for (int at = 0; at < static_cast<int>(kQueues); ++at) {
    const std::size_t more = wanted[static_cast<std::size_t>(at)];
    open |= more != 0 && !queue(at).is_full() && !queue(at).surely_takes(more);
  }
  const auto is_full = [&](const Way& way) { return queue(way.queue).is_full(); };
  const bool fails =
      any([&](const Way& each) { return must_fit(each) && !each.refused && is_full(each); });
  const bool may_fail =
      any([&](const Way& each) { return must_fit(each) && !each.refused && each.spills; });
  if (fails || (may_fail && open && code == Errc::kFull)) {
    for (std::size_t at = 0; at < kQueues; ++at) queues_[at].lost += wanted[at];  // claims given up
    ++topic.stats.refused;
    return answers(Errc::kFull);
  }
  if (code != Errc::kOk) return answers(Errc::kOk);

  Copy plain{.text = message.text,
             .attribute = message.attribute,
             .group = message.group,
             .dedup_id = message.dedup_id};
  Copy document = plain;
  document.json = true;
  document.attribute = 0;
  document.text = R"({"Type":"Notification","MessageId":")" + got.id.to_string() + "\",";
  char number[48];
  std::snprintf(number, sizeof number, "\"SequenceNumber\":\"%020llu\",",
                static_cast<unsigned long long>(got.sequence));
  if (topic.fifo) document.text += number;
  document.within = "\"Message\":\"" + escaped(message.text) + "\"";
  const Copy likes[2] = {plain, document};
  Counts arrived;
  std::string difference = open ? learned(ways, lost, wanted, got, likes, arrived, look)
                                : decided(ways, lost, got, arrived);
  ++publishes_;
  for (const auto& [where, count] : arrived) {
    for (std::size_t i = 0; i < count; ++i)
      add(where.first, likes[where.second ? 1 : 0], publishes_);
  }
  topic.stats.published += 1;
  topic.stats.published_bytes += message.text.size();
  topic.stats.delivered += got.delivered;
  topic.stats.dead_lettered += got.dead_letters;
  topic.stats.dropped += got.dropped;
  topic.stats.filtered_out += topic.subscriptions.size() - ways.size() - lost;
  return difference;
}

/// Each queue takes all that wants to go there, or nothing.
std::string TopicModel::decided(const std::vector<Way>& ways, std::size_t lost,
                                const Published& got, Counts& arrived) const {
  Published right;
  right.dropped = lost;
  for (const Way& each : ways) {
    if (!each.refused && !queue(each.queue).is_full()) {
      ++arrived[{each.queue, each.json}];
      ++(each.diverted ? right.dead_letters : right.delivered);
    } else if (!each.refused && each.dead_letters != kNoQueue &&
               !queue(each.dead_letters).is_full()) {
      ++arrived[{each.dead_letters, each.json}];
      ++right.dead_letters;
    } else {
      ++right.dropped;
    }
  }
  if (got.delivered != right.delivered) {
    return differs("delivered", got.delivered, right.delivered);
  }
  if (got.dead_letters != right.dead_letters) {
    return differs("dead letters", got.dead_letters, right.dead_letters);
  }
  return got.dropped == right.dropped ? "" : differs("dropped", got.dropped, right.dropped);
}

/// What came where is seen there, and must be what the publisher was told.
std::string TopicModel::learned(const std::vector<Way>& ways, std::size_t lost,
                                const Demand& wanted, const Published& got, const Copy (&likes)[2],
                                Counts& arrived, Look& look) const {
  std::size_t all = 0;
  for (int at = 0; at < static_cast<int>(kQueues); ++at) {
    if (wanted[static_cast<std::size_t>(at)] == 0) continue;
    std::size_t here = 0;
    for (const Copy& like : likes) {
      const auto is_like = [&](const Copy& each) {
        return each.json == like.json &&
               (each.json ? each.text == like.text && each.within == like.within
                          : each.is(like.text));
      };
      const auto& copies = queue(at).copies;
      const auto before =
          static_cast<std::size_t>(std::count_if(copies.begin(), copies.end(), is_like));
      const std::size_t after = look.count(at, like);
      if (after < before) return "a message is gone";
      std::size_t least = 0;
      std::size_t most = 0;
      for (const Way& each : ways) {
        if (each.refused || each.json != like.json) continue;
        if (each.queue == at) ++most;
        if (each.queue == at && !each.spills) ++least;
        if (each.dead_letters == at && each.spills) ++most;
      }
      if (after - before < least) return differs("messages came", after - before, least);
      if (after - before > most) return differs("messages came", after - before, most);
      if (after != before) arrived[{at, like.json}] = after - before;
      here += after - before;
    }
    if (here != 0 && queue(at).is_full()) return "a full queue takes one more";
    all += here;
  }
  if (got.delivered + got.dead_letters != all) {
    return differs("delivered, and dead letters,", got.delivered + got.dead_letters, all);
  }
  const std::size_t matched = ways.size() + lost;
  return all + got.dropped == matched ? "" : differs("dropped", got.dropped, matched - all);
}

}  // namespace ringpost::model
