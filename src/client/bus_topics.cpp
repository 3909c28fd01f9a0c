// The topics of a bus: making, opening, deleting, listing.
#include "client/member.hpp"
#include "sys/error.hpp"
#include "topic/settings.hpp"
#include "topic/topic_core.hpp"

namespace ringpost {
namespace {

Result<void> check(client::Member& member, std::string_view name) {
  if (member.me().is_forked()) return sys::error(Errc::kForked, "bus", message(Errc::kForked));
  if (shm::is_valid_name(name)) return {};
  return sys::error(Errc::kInvalidArgument, "topic name \"" + std::string(name) + "\"",
                    "use 1 to 80 of A-Z a-z 0-9 - _");
}

/// A file in place of a topic that is none, or not any more.
Result<void> delete_damaged_topic(client::Member& member, const std::string& name,
                                  const Error& error) {
  if (error == Errc::kWrongFormat || error == Errc::kCorrupt || error == Errc::kUnsafeFile) {
    sys::remove_name(member.files().topics(), name);
    return {};
  }
  return Unexpected(error);
}

}  // namespace

Result<Topic> Bus::topic(std::string_view name, const TopicSettings& settings, const Tags& tags) {
  constexpr int kTriesMax = 100;  // against another process that keeps deleting it
  const auto given = topic::normalised(settings);
  if (!given) return Unexpected(given.error());
  if (auto checked = topic::check_tags(tags); !checked) return Unexpected(checked.error());
  const std::string wanted(name);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto opened = open_topic(name);
    if (opened) {
      if (const char* difference = topic::first_difference(*given, opened->settings())) {
        return sys::error(Errc::kExists, "topic \"" + wanted + "\"",
                          std::string("exists with another value of ") + difference);
      }
      const auto existing = tags.empty() ? Result<Tags>(Tags{}) : opened->tags();
      if (!existing) return Unexpected(existing.error());
      if (!topic::has_tags(*existing, tags)) {
        return sys::error(Errc::kExists, "topic \"" + wanted + "\"", "exists with other tags");
      }
      return opened;
    }
    if (!(opened.error() == Errc::kNotFound)) return opened;
    const TopicSettings all = topic::with_defaults(*given);
    if (auto checked = topic::check_limits(all); !checked) return Unexpected(checked.error());
    auto created = topic::TopicFile::create(impl_->member->me(), wanted, all, tags);
    if (!created && !(created.error() == Errc::kExists)) return Unexpected(created.error());
  }
  return sys::error(Errc::kBusy, "topic \"" + wanted + "\"", "others keep deleting it");
}

Result<Topic> Bus::open_topic(std::string_view name) {
  client::Member& member = *impl_->member;
  if (auto usable = check(member, name); !usable) return Unexpected(usable.error());
  auto file = topic::TopicFile::open(member.me().bus_pointer(), std::string(name));
  if (!file) return Unexpected(file.error());
  auto core = detail::TopicCore::open(member.membership(), std::move(*file));
  if (!core) return Unexpected(core.error());
  return Topic(std::move(*core));
}

Result<void> Bus::delete_topic(std::string_view name) {
  client::Member& member = *impl_->member;
  if (auto usable = check(member, name); !usable) return usable;
  auto file = topic::TopicFile::open(member.me().bus_pointer(), std::string(name));
  if (!file) return delete_damaged_topic(member, std::string(name), file.error());
  std::unique_ptr<detail::TopicCore> core;
  if (!file->is_fifo()) {  // which has no endpoints
    auto again = topic::TopicFile::open(member.me().bus_pointer(), std::string(name));
    auto opened = again ? detail::TopicCore::open(member.membership(), std::move(*again))
                        : Result<std::unique_ptr<detail::TopicCore>>(Unexpected(again.error()));
    // What cannot be read is deleted all the same.
    if (opened) core = std::move(*opened);
  }
  // Before the topic: whoever dies in between leaves one that can be deleted again.
  return file->remove([&core] {
    if (core) core->delete_endpoint_queues();
  });
}

Result<std::vector<std::string>> Bus::topic_names(std::string_view prefix) const {
  auto names = topic::topic_names(impl_->member->files());
  if (!names) return names;
  std::erase_if(*names, [&](const std::string& name) { return !name.starts_with(prefix); });
  return names;
}

}  // namespace ringpost
