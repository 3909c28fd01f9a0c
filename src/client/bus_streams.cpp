// The streams of a bus: making, opening, deleting, listing.
#include "client/queue_logs.hpp"
#include "client/streams.hpp"
#include "queue/tags.hpp"
#include "stream/life.hpp"
#include "stream/settings.hpp"
#include "stream/stream_core.hpp"
#include "stream/stream_logs.hpp"
#include "sys/error.hpp"

namespace ringpost {

namespace client {

stream::Membership stream_membership(Member& member) {
  Context& context = member.context();
  std::shared_ptr<stream::Shared> shared;
  {
    const std::lock_guard guard(context.streams_mutex);
    if (context.streams == nullptr) {
      context.streams = std::make_shared<stream::Shared>(context.files);
    }
    shared = std::static_pointer_cast<stream::Shared>(context.streams);
  }
  return {.me = member.me(),
          .shared = std::move(shared),
          .clear_up = [&member] { member.clear_up(); },
          .keep_alive = member.shared_from_this(),
          .another = [context = member.context_pointer()]() -> Result<stream::Membership> {
            auto another = Member::attach(context);
            if (!another) return Unexpected(another.error());
            return stream_membership(**another);
          }};
}

}  // namespace client

namespace {

Result<void> check(client::Member& member, std::string_view name) {
  if (member.me().is_forked()) return sys::error(Errc::kForked, "bus", message(Errc::kForked));
  if (stream::is_valid_name(name)) return {};
  return sys::error(Errc::kInvalidArgument, "stream name \"" + std::string(name) + "\"",
                    "use 1 to 128 of A-Z a-z 0-9 _ . -");
}

bool has_tags(const Tags& all, const Tags& given) {
  return std::all_of(given.begin(), given.end(), [&all](const auto& tag) {
    const auto found = all.find(tag.first);
    return found != all.end() && found->second == tag.second;
  });
}

/// Semantics S06.
Result<void> check_new(const StreamSettings& given) {
  const StreamMode mode =
      given.mode.value_or(given.shards ? StreamMode::kProvisioned : StreamMode::kOnDemand);
  if (mode == StreamMode::kOnDemand && given.shards) {
    return sys::error(Errc::kInvalidArgument, "shards",
                      "an on-demand stream has as many as it needs");
  }
  if (mode == StreamMode::kProvisioned && !given.shards) {
    return sys::error(Errc::kInvalidArgument, "shards", "say how many a provisioned stream has");
  }
  return {};
}

/// Whether an existing stream is the one that is wanted.
Result<void> compare(Stream& existing, const StreamSettings& given, const Tags& tags) {
  const std::string object = "stream \"" + existing.name() + "\"";
  if (const char* difference = stream::first_difference(given, existing.settings())) {
    return sys::error(Errc::kExists, object,
                      std::string("exists with another value of ") + difference);
  }
  if (tags.empty()) return {};
  const auto all = existing.tags();
  if (!all) return Unexpected(all.error());
  if (has_tags(*all, tags)) return {};
  return sys::error(Errc::kExists, object, "exists with other tags");
}

}  // namespace

Result<Stream> Bus::stream(std::string_view name, const StreamSettings& settings,
                           const Tags& tags) {
  constexpr int kTriesMax = 100;  // against another process that keeps deleting it
  client::Member& member = *impl_->member;
  if (auto usable = check(member, name); !usable) return Unexpected(usable.error());
  if (auto checked = stream::check_given(settings); !checked) return Unexpected(checked.error());
  if (auto checked = queue::check_tags(tags); !checked) return Unexpected(checked.error());
  const std::string wanted(name);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto opened = open_stream(name);
    if (opened) {
      if (auto same = compare(*opened, settings, tags); !same) return Unexpected(same.error());
      return opened;
    }
    // That the state directory is another bus's is no matter to a stream that has nothing there.
    const bool needs_state = settings.storage.value_or(StreamStorage::kLog) == StreamStorage::kLog;
    const bool absent =
        opened.error() == Errc::kNotFound || (opened.error() == Errc::kBusy && !needs_state);
    if (!absent) return opened;
    const StreamSettings all = stream::with_defaults(settings);
    if (auto checked = check_new(settings); !checked) return Unexpected(checked.error());
    if (auto checked = stream::check_complete(all); !checked) return Unexpected(checked.error());
    auto created = stream::create_stream(client::stream_membership(member), wanted, all, tags);
    if (!created && !(created.error() == Errc::kExists)) return Unexpected(created.error());
  }
  return sys::error(Errc::kBusy, "stream \"" + wanted + "\"", "others keep deleting it");
}

Result<Stream> Bus::open_stream(std::string_view name) {
  client::Member& member = *impl_->member;
  if (auto usable = check(member, name); !usable) return Unexpected(usable.error());
  const stream::Membership membership = client::stream_membership(member);
  auto control = stream::open_stream(membership, std::string(name));
  if (!control) return Unexpected(control.error());
  auto core = detail::StreamCore::open(membership, std::move(*control));
  if (!core) return Unexpected(core.error());
  return Stream(std::move(*core));
}

Result<void> Bus::delete_stream(std::string_view name) {
  client::Member& member = *impl_->member;
  if (auto usable = check(member, name); !usable) return usable;
  return stream::delete_stream(client::stream_membership(member), std::string(name));
}

Result<std::vector<std::string>> Bus::stream_names(std::string_view prefix) const {
  auto names = stream::stream_names(client::stream_membership(*impl_->member));
  if (!names) return names;
  std::erase_if(*names, [&](const std::string& name) { return !name.starts_with(prefix); });
  return names;
}

Result<LogWriter> Bus::log_writer(const LogWriterOptions& options) {
  client::Member& member = *impl_->member;
  if (member.me().is_forked()) return sys::error(Errc::kForked, "bus", message(Errc::kForked));
  auto own = client::stream_membership(member).another();
  if (!own) return Unexpected(own.error());
  auto queues_own = client::Member::attach(member.context_pointer());
  if (!queues_own) return Unexpected(queues_own.error());
  const base::TimeSource time = member.files().time();
  const auto flush_after_ns = static_cast<std::uint64_t>(options.flush_after.count());
  return LogWriter(
      detail::LogWriterCore::start({stream::find_streams(std::move(*own), flush_after_ns),
                                    client::find_queues(std::move(*queues_own), flush_after_ns)},
                                   time));
}

}  // namespace ringpost
