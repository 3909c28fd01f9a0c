// The HTTP provider of direct publishing, against a server on this machine.
#include "ringpost/http_provider.hpp"

#include <gtest/gtest.h>

#include "http_server.hpp"

namespace ringpost::cli_test {
namespace {

TEST(AnHttpProvider, PostsTheBodyWithTheToken) {
  HttpServer server({"200 OK", "410 Gone", "404 Not Found", "500 Oops"});
  const auto provider = HttpProvider::make({.url = server.url("/send/{token}?a=b")});
  ASSERT_TRUE(provider) << provider.error().what;
  const auto deliver = [&] {
    return (*provider)->deliver("to/ken 1", {.body = "hello", .subject = "hi\r\nx: y"});
  };
  EXPECT_EQ(deliver(), PushOutcome::kDelivered);
  EXPECT_EQ(deliver(), PushOutcome::kTokenRefused);
  EXPECT_EQ(deliver(), PushOutcome::kTokenRefused);
  EXPECT_EQ(deliver(), PushOutcome::kFailed);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[0].line, "POST /send/to%2Fken%201?a=b HTTP/1.1");
  EXPECT_EQ(requests[0].body, "hello");
  EXPECT_EQ(requests[0].headers.at("x-ringpost-token"), "to/ken 1");
  EXPECT_EQ(requests[0].headers.at("x-ringpost-subject"), "hi  x: y");
  EXPECT_EQ(requests[0].headers.count("x"), 0u);
  EXPECT_EQ((*provider)->deliver("t", {.body = "x"}), PushOutcome::kFailed);  // nobody is there
}

TEST(AnHttpProvider, NeedsAUrl) {
  for (const char* url : {"", "ftp://host/", "http://", "host/{token}"}) {
    const auto provider = HttpProvider::make({.url = url});
    ASSERT_FALSE(provider) << url;
    EXPECT_EQ(provider.error().code, Errc::kInvalidArgument);
  }
}

}  // namespace
}  // namespace ringpost::cli_test
