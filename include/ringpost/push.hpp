// Publishing to one device or one receiver directly, without a topic: the model of SNS mobile push.
//
//   application   a platform with its credentials: {platform, name}
//   endpoint      one receiver within an application: a token that the platform gave it
//   provider      the way to the platform: what you plug in
//
// Applications and endpoints are kept on the bus, a file for each application. All of this is for
// hundreds of changes a second and not for millions: each rewrites its application.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/bus.hpp"

namespace ringpost {

using PushAttributes = std::map<std::string, std::string>;

struct PushMessage {
  std::string_view body;
  AttributeList attributes{};
  std::string_view subject{};
};

/// What became of a message for one endpoint.
enum class PushOutcome : std::uint8_t {
  kDelivered,
  kFailed,               ///< the platform cannot be reached, or does not want it now
  kTokenRefused,         ///< the platform knows no such receiver: the endpoint is disabled with it
  kEndpointDisabled,     ///< its attribute Enabled is false: nothing was sent
  kApplicationDisabled,  ///< likewise
};

/// The way to a platform.
class RINGPOST_API PushProvider {
 public:
  PushProvider() = default;
  PushProvider(const PushProvider&) = delete;
  PushProvider& operator=(const PushProvider&) = delete;
  virtual ~PushProvider();
  /// One attempt; may block. Gives one of the first three outcomes.
  virtual PushOutcome deliver(std::string_view token, const PushMessage& message) = 0;
};

/// Remembers what it was given: for tests.
class RINGPOST_API RecordingProvider final : public PushProvider {
 public:
  struct Delivery {
    std::string token;
    std::string body;
    std::string subject;
    std::map<std::string, std::string> attributes;
  };
  PushOutcome deliver(std::string_view token, const PushMessage& message) override;
  /// What the next deliveries come to.
  void answer(PushOutcome outcome) noexcept { answer_ = outcome; }
  [[nodiscard]] const std::vector<Delivery>& deliveries() const noexcept { return deliveries_; }

 private:
  PushOutcome answer_ = PushOutcome::kDelivered;
  std::vector<Delivery> deliveries_;
};

struct PushApplication {
  std::string platform;       ///< ADM, APNS, APNS_SANDBOX, FCM, GCM, WNS, …
  std::string name;           ///< 1 to 256 letters, digits, and _ . -
  PushAttributes attributes;  ///< without PlatformCredential and PlatformPrincipal
};

struct PushEndpoint {
  std::string id;  ///< "<platform>/<application>/<UUID>", unique for ever: the end of its ARN
  std::string platform;
  std::string application;
  PushAttributes attributes;  ///< Token, Enabled ("true"), CustomUserData
};

/// The applications and endpoints of a bus.
///
/// Threads   one at a time.
/// Blocking  changes may wait up to two seconds for another process that is changing them and
///           stands still: kBusy. publish(): as long as its provider.
/// Crash     a change is made or is not. An attempt is made at most once.
/// Errors    kInvalidArgument names what is wrong; kNotFound: the application or endpoint; kExists;
///           kBusy, kNoSpace, kCorrupt.
class RINGPOST_API PushDirectory {
 public:
  static Result<PushDirectory> open(const Bus& bus);
  PushDirectory(PushDirectory&&) noexcept;
  PushDirectory& operator=(PushDirectory&&) noexcept;
  ~PushDirectory();

  /// One that exists with the same attributes is left as it is; with others: kExists.
  /// PlatformPrincipal is given with PlatformCredential or not at all.
  Result<PushApplication> create_application(const std::string& platform, const std::string& name,
                                             const PushAttributes& attributes = {});
  Result<PushApplication> application(const std::string& platform, const std::string& name);
  /// Changes those that are given.
  Result<PushApplication> set_application(const std::string& platform, const std::string& name,
                                          const PushAttributes& attributes);
  /// With its endpoints. Of one that is not there: done.
  Result<void> delete_application(const std::string& platform, const std::string& name);
  /// In the order of platform and name.
  Result<std::vector<PushApplication>> applications();

  /// An endpoint that has the token with the same attributes is the result; with others: kExists.
  /// `custom_user_data`, up to 2,048 bytes, counts unless it is among the attributes.
  Result<PushEndpoint> create_endpoint(const std::string& platform, const std::string& application,
                                       const std::string& token,
                                       const std::string& custom_user_data = {},
                                       const PushAttributes& attributes = {});
  Result<PushEndpoint> endpoint(const std::string& id);
  Result<PushEndpoint> set_endpoint(const std::string& id, const PushAttributes& attributes);
  /// Of one that is not there: done.
  Result<void> delete_endpoint(const std::string& id);
  /// In the order of their creation.
  Result<std::vector<PushEndpoint>> endpoints(const std::string& platform,
                                              const std::string& application);

  /// One attempt, by that provider. Error kNotFound: no such endpoint.
  Result<PushOutcome> publish(const std::string& endpoint_id, const PushMessage& message,
                              PushProvider& provider);

 private:
  struct Impl;
  explicit PushDirectory(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost
