// One POST at a time over a connection of its own, with TLS where the URL says https.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost::push {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// Of http or https, with a host.
[[nodiscard]] bool is_url(const std::string& text);

struct HttpOptions {
  /// Of all: looking up the name, connecting, sending, the answer.
  Duration timeout = std::chrono::seconds(15);
  /// PEM file of certificates that are trusted besides those of the system; empty: none.
  std::string trusted_certificates{};
};

struct HttpAnswer {
  unsigned status = 0;  ///< 0: none came in time
  std::string text;     ///< the reason that came with it, or why none came
};

/// Certificates and host names are verified. Redirects are not followed.
///
/// Threads     one at a time.
/// Blocking    post(): up to the timeout, and as long as the system's resolver takes to give up.
class HttpClient {
 public:
  /// kNotFound, kInvalidArgument: the file of certificates.
  static Result<HttpClient> make(const HttpOptions& options);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// User and password of the URL, if any, become an Authorization header.
  [[nodiscard]] HttpAnswer post(const std::string& url, const HttpHeaders& headers,
                                std::string_view body);

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::push
