// Applications and endpoints on a bus: a file for each application under push/, replaced by rename
// by whoever holds the kernel's lock.
//
// Crash  a writer that dies before the rename leaves a file that the next one removes; the lock
//        goes with it.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "push/application.hpp"
#include "ringpost/push.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/file_lock.hpp"

namespace ringpost {
namespace {

constexpr char kLockFile[] = ".lock";
constexpr char kTemporary[] = ".new";
constexpr mode_t kMode = 0700;
constexpr std::uint64_t kBytesMax = 64u << 20;

/// Names of applications are longer than those of files may be.
std::string file_of(const std::string& platform, const std::string& name) {
  const std::string key = platform + "/" + name;
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

std::string object_of(const std::string& platform, const std::string& name) {
  return "application \"" + platform + "/" + name.substr(0, 80) + "\"";
}

Result<void> write_all(const sys::Fd& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return sys::system_error("cannot write", "an application", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// A version 4 UUID of the kernel's random numbers.
std::string new_uuid() {
  const std::uint64_t high = (sys::unique_id() & ~0xf000ull) | 0x4000;
  const std::uint64_t low = (sys::unique_id() & ~(3ull << 62)) | 2ull << 62;
  return MessageId{high, low}.to_string();
}

struct Place {
  std::string platform;
  std::string application;
};

/// Of an endpoint's id; of one that is none an empty place.
Place place_of(const std::string& id) {
  const std::size_t first = id.find('/');
  const std::size_t second = first == std::string::npos ? first : id.find('/', first + 1);
  if (second == std::string::npos) return {};
  return {id.substr(0, first), id.substr(first + 1, second - first - 1)};
}

PushApplication shown(const push::Application& of) {
  return {of.platform, of.name, push::shown(of.attributes)};
}

PushEndpoint shown(const push::Application& of, const push::Endpoint& endpoint) {
  return {endpoint.id, of.platform, of.name, endpoint.attributes};
}

push::Endpoint* find(push::Application& in, const std::string& id) {
  const auto found = std::find_if(in.endpoints.begin(), in.endpoints.end(),
                                  [&](const push::Endpoint& each) { return each.id == id; });
  return found == in.endpoints.end() ? nullptr : &*found;
}

push::Endpoint* of_token(push::Application& in, const std::string& token) {
  const auto found = std::find_if(
      in.endpoints.begin(), in.endpoints.end(),
      [&](const push::Endpoint& each) { return each.attributes.at("Token") == token; });
  return found == in.endpoints.end() ? nullptr : &*found;
}

void merge(push::Attributes& into, const PushAttributes& given) {
  for (const auto& [name, value] : given) into[name] = value;
}

Unexpected<Error> no_endpoint(const std::string& id) {
  return sys::error(Errc::kNotFound, "endpoint \"" + id.substr(0, 80) + "\"",
                    "no endpoint found of this id");
}

/// While it lives nobody else writes.
class Lock {
 public:
  static Result<Lock> take(const sys::Fd& directory) {
    constexpr int kTriesMax = 2'000;
    constexpr timespec kBetween{0, 1'000'000};
    auto file = sys::open_file(directory, kLockFile);
    if (!file) {
      auto made = sys::create_file(directory, kLockFile);
      file = made ? std::move(made) : sys::open_file(directory, kLockFile);
    }
    if (!file) return Unexpected(file.error());
    for (int tries = 0; tries < kTriesMax; ++tries) {
      if (sys::try_lock_byte(*file, 0)) return Lock(std::move(*file));
      ::nanosleep(&kBetween, nullptr);
    }
    return sys::error(Errc::kBusy, "applications", "another process is changing them");
  }

 private:
  explicit Lock(sys::Fd file) : file_(std::move(file)) {}
  sys::Fd file_;  // closing it unlocks
};

}  // namespace

struct PushDirectory::Impl {
  sys::Fd directory;

  /// Nothing: it is not there.
  Result<std::optional<push::Application>> read(const std::string& file) const {
    const auto opened = sys::open_file(directory, file);
    if (!opened) {
      if (opened.error() == Errc::kNotFound) return std::optional<push::Application>{};
      return Unexpected(opened.error());
    }
    const auto bytes = sys::size_of(*opened, file);
    if (!bytes) return Unexpected(bytes.error());
    if (*bytes > kBytesMax) return sys::error(Errc::kCorrupt, "push/" + file, "is too large");
    std::string text(*bytes, '\0');
    const bool whole = sys::read_front(*opened, text.data(), text.size());
    auto application = whole ? push::from_text(text) : std::nullopt;
    if (!application) return sys::error(Errc::kCorrupt, "push/" + file, "is no application");
    return application;
  }

  Result<push::Application> require(const std::string& platform, const std::string& name) const {
    auto found = read(file_of(platform, name));
    if (!found) return Unexpected(found.error());
    if (*found) return std::move(**found);
    return sys::error(Errc::kNotFound, object_of(platform, name), "does not exist");
  }

  /// By the holder of the lock.
  Result<void> write(const push::Application& application) const {
    const std::string text = push::to_text(application);
    if (text.size() > kBytesMax) {
      return sys::error(Errc::kNoSpace, object_of(application.platform, application.name),
                        "has too many endpoints: 64 MiB of them");
    }
    sys::remove_name(directory, kTemporary);
    const auto file = sys::create_file(directory, kTemporary);
    if (!file) return Unexpected(file.error());
    if (auto written = write_all(*file, text); !written) return written;
    return sys::replace_name(directory, kTemporary, directory,
                             file_of(application.platform, application.name));
  }

  /// Calls `decide`, as the only writer, on an application that there is; what it makes of it is
  /// kept. An error of it changes nothing.
  template <class Decide>
  Result<void> change(const std::string& platform, const std::string& name,
                      const Decide& decide) const {
    const auto lock = Lock::take(directory);
    if (!lock) return Unexpected(lock.error());
    auto application = require(platform, name);
    if (!application) return Unexpected(application.error());
    if (Result<void> decided = decide(*application); !decided) return decided;
    return write(*application);
  }
};

PushProvider::~PushProvider() = default;

PushOutcome RecordingProvider::deliver(std::string_view token, const PushMessage& message) {
  Delivery delivery{
      std::string(token), std::string(message.body), std::string(message.subject), {}};
  for (const Attribute& each : message.attributes) {
    delivery.attributes.emplace(each.name, each.value);
  }
  deliveries_.push_back(std::move(delivery));
  return answer_;
}

PushDirectory::PushDirectory(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
PushDirectory::PushDirectory(PushDirectory&&) noexcept = default;
PushDirectory& PushDirectory::operator=(PushDirectory&&) noexcept = default;
PushDirectory::~PushDirectory() = default;

Result<PushDirectory> PushDirectory::open(const Bus& bus) {
  auto directory = sys::open_directory(bus.directory() + "/push", true, kMode);
  if (!directory) return Unexpected(directory.error());
  return PushDirectory(std::make_unique<Impl>(Impl{std::move(*directory)}));
}

Result<PushApplication> PushDirectory::create_application(const std::string& platform,
                                                          const std::string& name,
                                                          const PushAttributes& attributes) {
  if (auto checked = push::check_application(platform, name); !checked) {
    return Unexpected(checked.error());
  }
  if (auto checked = push::check_application_attributes(attributes); !checked) {
    return Unexpected(checked.error());
  }
  const auto lock = Lock::take(impl_->directory);
  if (!lock) return Unexpected(lock.error());
  const auto existing = impl_->read(file_of(platform, name));
  if (!existing) return Unexpected(existing.error());
  if (*existing) {
    if ((*existing)->attributes == attributes) return shown(**existing);
    return sys::error(Errc::kExists, object_of(platform, name), "exists with other attributes");
  }
  const push::Application made{platform, name, attributes, {}};
  if (auto written = impl_->write(made); !written) return Unexpected(written.error());
  return shown(made);
}

Result<PushApplication> PushDirectory::application(const std::string& platform,
                                                   const std::string& name) {
  const auto found = impl_->require(platform, name);
  if (!found) return Unexpected(found.error());
  return shown(*found);
}

Result<PushApplication> PushDirectory::set_application(const std::string& platform,
                                                       const std::string& name,
                                                       const PushAttributes& attributes) {
  PushApplication after;
  auto done = impl_->change(platform, name, [&](push::Application& application) {
    merge(application.attributes, attributes);
    after = shown(application);
    return push::check_application_attributes(application.attributes);
  });
  if (!done) return Unexpected(done.error());
  return after;
}

Result<void> PushDirectory::delete_application(const std::string& platform,
                                               const std::string& name) {
  const auto lock = Lock::take(impl_->directory);
  if (!lock) return Unexpected(lock.error());
  sys::remove_name(impl_->directory, file_of(platform, name));
  return {};
}

Result<std::vector<PushApplication>> PushDirectory::applications() {
  const auto files = sys::names_in(impl_->directory);
  if (!files) return Unexpected(files.error());
  std::vector<PushApplication> all;
  for (const std::string& file : *files) {
    const auto found = impl_->read(file);
    if (!found) return Unexpected(found.error());
    if (*found) all.push_back(shown(**found));
  }
  std::sort(all.begin(), all.end(), [](const PushApplication& a, const PushApplication& b) {
    return a.platform != b.platform ? a.platform < b.platform : a.name < b.name;
  });
  return all;
}

Result<PushEndpoint> PushDirectory::create_endpoint(const std::string& platform,
                                                    const std::string& application,
                                                    const std::string& token,
                                                    const std::string& custom_user_data,
                                                    const PushAttributes& attributes) {
  push::Attributes wanted{{"Token", token}, {"Enabled", "true"}};
  if (!custom_user_data.empty()) wanted["CustomUserData"] = custom_user_data;
  merge(wanted, attributes);
  if (auto checked = push::check_endpoint_attributes(wanted); !checked) {
    return Unexpected(checked.error());
  }
  PushEndpoint made;
  auto done = impl_->change(platform, application, [&](push::Application& in) -> Result<void> {
    const push::Endpoint* existing = of_token(in, wanted.at("Token"));
    if (existing == nullptr) {
      in.endpoints.push_back({platform + "/" + application + "/" + new_uuid(), wanted});
      existing = &in.endpoints.back();
    } else if (existing->attributes != wanted) {
      return sys::error(Errc::kExists, "endpoint " + existing->id,
                        "already exists with the same Token, but different attributes");
    }
    made = shown(in, *existing);
    return {};
  });
  if (!done) return Unexpected(done.error());
  return made;
}

Result<PushEndpoint> PushDirectory::endpoint(const std::string& id) {
  const Place place = place_of(id);
  auto application = impl_->read(file_of(place.platform, place.application));
  if (!application) return Unexpected(application.error());
  const push::Endpoint* const found = *application ? find(**application, id) : nullptr;
  if (found == nullptr) return no_endpoint(id);
  return shown(**application, *found);
}

Result<PushEndpoint> PushDirectory::set_endpoint(const std::string& id,
                                                 const PushAttributes& attributes) {
  const Place place = place_of(id);
  PushEndpoint after;
  auto done =
      impl_->change(place.platform, place.application, [&](push::Application& in) -> Result<void> {
        push::Endpoint* const found = find(in, id);
        if (found == nullptr) return no_endpoint(id);
        merge(found->attributes, attributes);
        after = shown(in, *found);
        return push::check_endpoint_attributes(found->attributes);
      });
  if (!done) return Unexpected(done.error());
  return after;
}

Result<void> PushDirectory::delete_endpoint(const std::string& id) {
  const Place place = place_of(id);
  auto done = impl_->change(place.platform, place.application, [&](push::Application& in) {
    std::erase_if(in.endpoints, [&](const push::Endpoint& each) { return each.id == id; });
    return Result<void>();
  });
  if (!done && !(done.error() == Errc::kNotFound)) return done;
  return {};
}

Result<std::vector<PushEndpoint>> PushDirectory::endpoints(const std::string& platform,
                                                           const std::string& application) {
  const auto found = impl_->require(platform, application);
  if (!found) return Unexpected(found.error());
  std::vector<PushEndpoint> all;
  for (const push::Endpoint& each : found->endpoints) all.push_back(shown(*found, each));
  return all;
}

Result<PushOutcome> PushDirectory::publish(const std::string& endpoint_id,
                                           const PushMessage& message, PushProvider& provider) {
  const Place place = place_of(endpoint_id);
  auto application = impl_->read(file_of(place.platform, place.application));
  if (!application) return Unexpected(application.error());
  const push::Endpoint* const to = *application ? find(**application, endpoint_id) : nullptr;
  if (to == nullptr) return no_endpoint(endpoint_id);
  if (message.body.empty()) {
    return sys::error(Errc::kInvalidArgument, "message", "must not be empty");
  }
  if (!push::is_enabled((*application)->attributes)) return PushOutcome::kApplicationDisabled;
  if (!push::is_enabled(to->attributes)) return PushOutcome::kEndpointDisabled;
  const PushOutcome outcome = provider.deliver(to->attributes.at("Token"), message);
  if (outcome == PushOutcome::kTokenRefused) {
    // Should this fail, the next message comes to the same.
    static_cast<void>(set_endpoint(endpoint_id, {{"Enabled", "false"}}));
  }
  return outcome;
}

}  // namespace ringpost
