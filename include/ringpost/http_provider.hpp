// A provider that POSTs to an HTTP server: for gateways of platforms, and for your own receivers.
// In a library of its own, ringpost_http.
#pragma once

#include <memory>
#include <string>

#include "ringpost/push.hpp"

namespace ringpost {

struct HttpProviderOptions {
  /// http or https; "{token}" in it becomes the token, percent-encoded.
  std::string url;
  Duration timeout = std::chrono::seconds(15);  ///< of all of one attempt
  std::string content_type = "text/plain; charset=UTF-8";
  std::string trusted_certificates{};  ///< PEM file, besides the system's; empty: none
};

/// The token is in the header `x-ringpost-token` too, the subject in `x-ringpost-subject`. 2xx:
/// delivered. 404, 410: the token is refused. All else: failed.
class RINGPOST_API HttpProvider final : public PushProvider {
 public:
  /// kInvalidArgument: the URL, the certificates.
  static Result<std::unique_ptr<HttpProvider>> make(const HttpProviderOptions& options);
  ~HttpProvider() override;
  PushOutcome deliver(std::string_view token, const PushMessage& message) override;

 private:
  struct Impl;
  explicit HttpProvider(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost
