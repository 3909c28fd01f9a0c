#include "group_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "message_text.hpp"

namespace ringpost::cli {
namespace {

constexpr std::size_t kIdBytesMax = 128;
constexpr const char* kIdRule = "1 to 128 letters, digits and punctuation, without spaces";

bool is_id(std::string_view id) {
  const auto fits = [](char c) { return c > ' ' && c <= '~'; };
  return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), fits);
}

}  // namespace

void refuse_bad_id(const std::optional<std::string>& id, const char* option) {
  if (!id || is_id(*id)) return;
  throw usage_failure(fmt::format("{} \"{}\" is not one", option, printable(*id)),
                      fmt::format("use {}", kIdRule));
}

void GroupOptions::add_to(CLI::App& verb) {
  const char* group = "FIFO and fair queues";
  verb.add_option("--group", group_,
                  "The group of the messages: FIFO, those of one stay in order; fair, their tenant")
      ->type_name("ID")
      ->group(group);
  verb.add_option("--dedup-id", dedup_id_,
                  "The message is sent once, however often it is sent with this id")
      ->type_name("ID")
      ->group(group);
  add_count(verb, "--group-field", group_field_, "Field N of each line is its group")->group(group);
  add_count(verb, "--dedup-field", dedup_field_, "Field N of each line is its --dedup-id")
      ->group(group);
  verb.add_option("-d,--delimiter", delimiter_, "One character between fields (a tab)")
      ->type_name("C")
      ->group(group);
}

void GroupOptions::refuse_contradictions(bool have_fields, bool are_several) const {
  if (group_ && group_field_) {
    throw usage_failure("--group and --group-field exclude one another",
                        "give one group for all, or the field that names it");
  }
  if (dedup_id_ && (dedup_field_ || are_several)) {
    throw usage_failure("one --dedup-id for many messages would send only the first",
                        "name the field of each line that is its id, --dedup-field N, or send "
                        "them one by one");
  }
  if (!have_fields && (group_field_ || dedup_field_)) {
    throw usage_failure("only lines have fields", "give --group and --dedup-id instead");
  }
  if (group_field_ == 0u || dedup_field_ == 0u) {
    throw usage_failure("fields are counted from 1", "the first is --group-field 1");
  }
  if (delimiter_.size() != 1) {
    throw usage_failure("--delimiter takes one character", "such as --delimiter ,");
  }
  refuse_bad_id(group_, "--group");
  refuse_bad_id(dedup_id_, "--dedup-id");
}

void GroupOptions::refuse_unfit(const QueueSettings& settings, const std::string& queue) const {
  const bool fair = settings.fair.value_or(false);
  if (!settings.fifo.value_or(false)) {
    if (fair && has_dedup_id()) {
      throw usage_failure(fmt::format("queue {} is a fair queue, without deduplication", queue),
                          "drop --dedup…");
    }
    if (fair || (!has_group() && !has_dedup_id())) return;
    throw usage_failure(
        fmt::format("queue {} is a standard queue, without groups and deduplication", queue),
        "drop --group and --dedup…, or make another queue: ringpost queue create NAME --fifo, or "
        "--fair if groups name tenants");
  }
  if (!has_group()) {
    throw usage_failure("group missing: a FIFO queue needs --group",
                        fmt::format("ringpost send {} --group customer-7 …   (of lines also: "
                                    "--group-field N --delimiter ,)",
                                    queue));
  }
  if (settings.dedup == Dedup::kById && !has_dedup_id()) {
    throw usage_failure(
        fmt::format("deduplication id missing: queue {} deduplicates by id", queue),
        fmt::format("give --dedup-id ID, of lines --dedup-field N, or have ids made of the bodies: "
                    "ringpost queue set {} --dedup content",
                    queue));
  }
}

void GroupOptions::refuse_unfit(const TopicSettings& settings, const std::string& topic) const {
  if (!settings.fifo.value_or(false)) {
    if (!has_group() && !has_dedup_id()) return;
    throw usage_failure(
        fmt::format("topic {} is a standard topic, without groups and deduplication", topic),
        "drop --group and --dedup…, or make another topic: ringpost topic create NAME --fifo");
  }
  if (!has_group()) {
    throw usage_failure("group missing: a FIFO topic needs --group",
                        fmt::format("ringpost publish {} --group customer-7 …   (of lines also: "
                                    "--group-field N --delimiter ,)",
                                    topic));
  }
  if (settings.dedup == Dedup::kById && !has_dedup_id()) {
    throw usage_failure(
        fmt::format("deduplication id missing: topic {} deduplicates by id", topic),
        "give --dedup-id ID, of lines --dedup-field N; a topic that is made with --dedup content "
        "makes ids of the bodies");
  }
}

QueueSettings GroupOptions::settings() const {
  QueueSettings settings;
  if (has_group()) settings.fifo = true;
  if (has_group() && has_dedup_id()) settings.dedup = Dedup::kById;
  return settings;
}

MessageIds GroupOptions::ids_of(std::string_view record, std::uint64_t number) const {
  MessageIds ids;
  if (group_) ids.group = *group_;
  if (dedup_id_) ids.dedup_id = *dedup_id_;
  if (group_field_) ids.group = field_of(record, *group_field_, number, "group");
  if (dedup_field_) ids.dedup_id = field_of(record, *dedup_field_, number, "deduplication id");
  return ids;
}

std::string_view GroupOptions::field_of(std::string_view record, std::uint64_t field,
                                        std::uint64_t number, const char* what) const {
  std::string_view rest = record;
  for (std::uint64_t before = 1; before < field; ++before) {
    const std::size_t end = rest.find(delimiter_);
    // Behind the last field there is none: that is no id.
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  const std::string_view id = rest.substr(0, rest.find(delimiter_));
  if (is_id(id)) return id;
  throw usage_failure(
      fmt::format("message {} of the input has no {}: its field {} is \"{}\"", number, what, field,
                  printable(id.substr(0, kIdBytesMax))),
      fmt::format("{}: look at that line, --delimiter and the number of the field", kIdRule));
}

}  // namespace ringpost::cli
