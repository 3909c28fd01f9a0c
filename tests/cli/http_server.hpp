// An HTTP server on this machine that gives the answers that it was told, one a connection.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ringpost::cli_test {

struct HttpRequestSeen {
  std::string line;                            ///< "POST /hook HTTP/1.1"
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// A key and a certificate for 127.0.0.1 that nobody has signed but itself.
class TlsIdentity {
 public:
  TlsIdentity();
  ~TlsIdentity();
  [[nodiscard]] std::string certificate_pem() const;

 private:
  friend class HttpServer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HttpServer {
 public:
  /// "500 Internal Server Error": what follows HTTP/1.1, further headers behind "\r\n". Empty: no
  /// answer, until the client has gone. `identity`: over TLS.
  explicit HttpServer(std::vector<std::string> answers, const TlsIdentity* identity = nullptr);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  [[nodiscard]] std::string url(const std::string& path = "/") const;
  /// Ends it. What came until then.
  std::vector<HttpRequestSeen> requests();

 private:
  void serve();

  std::vector<std::string> answers_;
  const TlsIdentity* identity_;
  int listener_ = -1;
  int port_ = 0;
  std::vector<HttpRequestSeen> seen_;
  std::thread thread_;
};

}  // namespace ringpost::cli_test
