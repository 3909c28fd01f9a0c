// Delivering to commands and HTTP endpoints: what they get, what is tried again, what is given up.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "child.hpp"
#include "http_server.hpp"

namespace ringpost::cli_test {
namespace {

constexpr char kAtOnce[] = R"({"healthyRetryPolicy": {"numRetries": 3, "numNoDelayRetries": 3}})";
constexpr char kNever[] = R"({"healthyRetryPolicy": {"numRetries": 0}})";

class CliDeliver : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"topic", "create", "prices"});
    succeed({"queue", "create", "dead"});
  }
  static void subscribe(const std::string& endpoint, const Words& options = {}) {
    Words words = {"subscribe", "prices", endpoint};
    words.insert(words.end(), options.begin(), options.end());
    succeed(words);
  }
  /// What it says as JSON, until no message is visible.
  static std::vector<boost::json::value> deliver(int status, const Words& options = {}) {
    Words words = {"deliver", "--until-empty", "--json"};
    words.insert(words.end(), options.begin(), options.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.status, status) << outcome.out << outcome.err;
    std::vector<boost::json::value> lines;
    std::size_t at = 0;
    for (std::size_t end = 0; (end = outcome.out.find('\n', at)) != std::string::npos; at = end + 1)
      lines.push_back(boost::json::parse(outcome.out.substr(at, end - at)));
    return lines;
  }
  /// The line that has this member.
  static boost::json::object with(const std::vector<boost::json::value>& lines,
                                  const std::string& member) {
    for (const auto& line : lines) {
      if (line.as_object().contains(member)) return line.as_object();
    }
    ADD_FAILURE() << "no line has " << member;
    return {};
  }
  static boost::json::object event(const std::vector<boost::json::value>& lines,
                                   const std::string& name) {
    for (const auto& line : lines) {
      const auto* const found = line.as_object().if_contains("event");
      if (found != nullptr && text_of(*found) == name) return line.as_object();
    }
    ADD_FAILURE() << "there is no event " << name;
    return {};
  }
  static int number(const boost::json::value& value) { return value.to_number<int>(); }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(CliDeliver, GivesACommandBodyAttributesAndIds) {
  subscribe("exec:env | grep ^RINGPOST_ | sort >" + path("env") + "; cat >" + path("body"));
  const auto published = json({"publish", "prices", "hello", "-a", "user-id=7"}).at(0);
  const auto lines = deliver(0);
  EXPECT_EQ(content("body"), "hello");
  const std::string env = content("env");
  for (const char* expected :
       {"RINGPOST_ATTEMPT=1\n", "RINGPOST_ATTR_USER_ID=7\n", "RINGPOST_BUS=default\n",
        "RINGPOST_TOPIC=prices\n", "RINGPOST_MESSAGE_ID=", "RINGPOST_SUBSCRIPTION=",
        "RINGPOST_TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:prices\n"}) {
    EXPECT_NE(env.find(expected), std::string::npos) << expected << env;
  }
  EXPECT_EQ(number(with(lines, "summary").at("summary").at("delivered")), 1);
}

TEST_F(CliDeliver, TriesAnEndpointAgainUntilItTakesTheMessage) {  // H01, H02, H03, E11, R21, X11
  HttpServer server({"500 Internal Server Error", "429 Too Many Requests", "200 OK"});
  subscribe(server.url("/hook?a=b"), {"--delivery-policy", kAtOnce});
  succeed({"publish", "prices", "hello", "-a", "venue=spot"});
  const auto lines = deliver(0);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  auto headers = requests[2].headers;
  EXPECT_EQ(requests[2].line, "POST /hook?a=b HTTP/1.1");
  EXPECT_EQ(requests[2].body, "hello");
  EXPECT_EQ(headers["content-type"], "text/plain; charset=UTF-8");
  EXPECT_EQ(headers["user-agent"], "Amazon Simple Notification Service Agent");
  EXPECT_EQ(headers["accept-encoding"], "gzip,deflate");
  EXPECT_EQ(headers["x-amz-sns-message-type"], "Notification");
  EXPECT_EQ(headers["x-amz-sns-topic-arn"], "arn:aws:sns:us-east-1:000000000000:prices");
  EXPECT_TRUE(headers["x-amz-sns-subscription-arn"].starts_with(
      "arn:aws:sns:us-east-1:000000000000:prices:"));
  EXPECT_EQ(headers["x-amz-sns-rawdelivery"], "true");
  for (const auto& request : requests) {
    EXPECT_EQ(request.headers.at("x-amz-sns-message-id"), headers["x-amz-sns-message-id"]);
  }
  const auto line = with(lines, "notification");
  EXPECT_EQ(text_of(line.at("status")), "SUCCESS");
  EXPECT_EQ(text_of(line.at("notification").at("messageId")), headers["x-amz-sns-message-id"]);
  EXPECT_EQ(text_of(line.at("notification").at("messageMD5Sum")),
            "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(text_of(line.at("delivery").at("destination")), server.url("/hook?a=b"));
  EXPECT_EQ(number(line.at("delivery").at("statusCode")), 200);
  EXPECT_EQ(number(line.at("delivery").at("attempts")), 3);
}

TEST_F(CliDeliver, SendsADocumentIfAskedTo) {  // E01, H02, R16
  HttpServer server({"204 No Content"});
  subscribe(server.url(), {"--json-body", "--delivery-policy",
                           R"({"requestPolicy": {"headerContentType": "application/json"}})"});
  const auto published = json({"publish", "prices", "hello", "-a", "venue=spot"}).at(0);
  deliver(0);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  const auto document = boost::json::parse(requests[0].body);
  EXPECT_EQ(text_of(document.at("Message")), "hello");
  EXPECT_EQ(text_of(document.at("MessageAttributes").at("venue").at("Value")), "spot");
  EXPECT_EQ(text_of(document.at("MessageId")), text_of(published.at("last_id")));
  EXPECT_EQ(requests[0].headers.at("x-amz-sns-message-id"), text_of(published.at("last_id")));
  EXPECT_EQ(requests[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(requests[0].headers.count("x-amz-sns-rawdelivery"), 0u);
}

TEST_F(CliDeliver,
       GoesByThePolicyOfTheTopicUnlessTheSubscriptionMaySayOtherwise) {  // P03, R21, K04
  const std::string again = R"({"http": {"defaultHealthyRetryPolicy":)"
                            R"( {"numRetries": 1, "numNoDelayRetries": 1}, "defaultRequestPolicy":)"
                            R"( {"headerContentType": "application/json"})";
  const std::string never = R"({"healthyRetryPolicy": {"numRetries": 0}, "requestPolicy":)"
                            R"( {"headerContentType": "text/xml"}})";
  HttpServer silent({"500 Oops", "200 OK", "500 Oops", "200 OK"});
  HttpServer outspoken({"500 Oops", "500 Oops", "200 OK"});
  subscribe(silent.url());
  subscribe(outspoken.url(), {"--delivery-policy", never});
  succeed({"topic", "set", "prices", "--delivery-policy", again + "}}"});
  succeed({"publish", "prices", "one"});
  const auto summary = with(deliver(0), "summary").at("summary").as_object();
  EXPECT_EQ(number(summary.at("delivered")), 1);
  EXPECT_EQ(number(summary.at("discarded")), 1);
  const auto changed = json({"topic", "set", "prices", "--delivery-policy",
                             again + R"(, "disableSubscriptionOverrides": true}})"})
                           .at(0)
                           .at("settings")
                           .at("delivery_policy");
  EXPECT_TRUE(changed.at("http").at("disableSubscriptionOverrides").as_bool());
  succeed({"publish", "prices", "two"});
  EXPECT_EQ(number(with(deliver(0), "summary").at("summary").at("delivered")), 2);
  for (const auto& request : silent.requests()) {
    EXPECT_EQ(request.headers.at("content-type"), "application/json");
  }
  const auto requests = outspoken.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[2].body, "two");
  for (const auto& request : requests) EXPECT_EQ(request.headers.at("content-type"), "text/xml");
  const auto error = error_of({"topic", "create", "x", "--delivery-policy", never}, 2);
  EXPECT_NE(text_of(error.at("message")).find("http: must be given"), std::string::npos);
  EXPECT_NE(text_of(error.at("hint")).find("docs/push.md"), std::string::npos);
}

TEST_F(CliDeliver, MovesWhatIsRefusedToTheDeadLetterQueueAtOnce) {  // H03, H04, D01, D02
  HttpServer server({"404 Not Found", "302 Found\r\nLocation: /elsewhere", "200 OK"});
  subscribe(server.url(), {"--dead-letter-queue", "dead", "--delivery-policy", kAtOnce});
  succeed({"publish", "prices"}, "one\ntwo\nthree\n");
  const auto lines = deliver(0);
  EXPECT_EQ(server.requests().size(), 3u);
  const auto line = with(lines, "notification");
  EXPECT_EQ(text_of(line.at("status")), "FAILURE");
  EXPECT_EQ(text_of(line.at("delivery").at("providerResponse")), "Not Found");
  EXPECT_EQ(number(with(lines, "summary").at("summary").at("dead_lettered")), 2);
  EXPECT_EQ(succeed({"receive", "dead", "--all"}), "one\ntwo\n");
}

TEST_F(CliDeliver, CountsARefusalAsDeliveredIfItIsToBeLenient) {  // H03
  HttpServer server({"404 Not Found"});
  subscribe(server.url(), {"--dead-letter-queue", "dead"});
  succeed({"publish", "prices", "one"});
  const auto lines = deliver(0, {"--lenient"});
  EXPECT_EQ(text_of(with(lines, "notification").at("status")), "SUCCESS");
}

TEST_F(CliDeliver, GivesUpAfterTheLastRetry) {  // R12, D01, D02
  HttpServer server({"500 Oops", "503 Busy", "500 Oops", "500 Oops"});
  subscribe(server.url(), {"--dead-letter-queue", "dead", "--delivery-policy", kAtOnce});
  succeed({"publish", "prices", "one", "-a", "venue=spot"});
  const auto lines = deliver(0);
  EXPECT_EQ(server.requests().size(), 4u);
  EXPECT_EQ(number(with(lines, "notification").at("delivery").at("attempts")), 4);
  const auto dead = json({"receive", "dead"}).at(0);
  EXPECT_EQ(text_of(dead.at("body")), "one");
  EXPECT_EQ(text_of(dead.at("attributes").at("venue").at("value")), "spot");
}

TEST_F(CliDeliver, DiscardsWhatIsGivenUpWithoutADeadLetterQueue) {  // D04
  subscribe("exec:exit 3", {"--delivery-policy", kNever});
  succeed({"publish", "prices", "one"});
  const auto lines = deliver(0);
  const auto line = with(lines, "notification");
  EXPECT_EQ(text_of(line.at("delivery").at("providerResponse")), "exit code 3");
  EXPECT_EQ(number(with(lines, "summary").at("summary").at("discarded")), 1);
}

TEST_F(CliDeliver, GivesAnEndpointThatNeverAnswersUpInTime) {  // H03
  HttpServer server({""});
  subscribe(server.url(), {"--delivery-policy", kNever});
  subscribe("exec:sleep 1000", {"--delivery-policy", kNever});
  succeed({"publish", "prices", "one"});
  const auto lines = deliver(0, {"--timeout", "50ms"});
  EXPECT_EQ(number(with(lines, "summary").at("summary").at("discarded")), 2);
  const auto line = with(lines, "notification");
  EXPECT_EQ(text_of(line.at("delivery").at("providerResponse")), "timed out");
  EXPECT_EQ(number(line.at("delivery").at("statusCode")), 0);
}

TEST_F(CliDeliver, TrustsOnlyCertificatesThatItKnows) {
  const TlsIdentity identity;
  HttpServer server({"200 OK", "200 OK"}, &identity);
  subscribe(server.url("/hook"), {"--delivery-policy", kNever});
  succeed({"publish", "prices", "one"});
  const auto refused = with(deliver(0), "notification");
  EXPECT_EQ(text_of(refused.at("status")), "FAILURE");
  EXPECT_NE(
      text_of(refused.at("delivery").at("providerResponse")).find("certificate verify failed"),
      std::string::npos)
      << refused;
  succeed({"publish", "prices", "two"});
  const std::string trusted = file("ca.pem", identity.certificate_pem());
  EXPECT_EQ(text_of(with(deliver(0, {"--ca", trusted}), "notification").at("status")), "SUCCESS");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].line, "");
  EXPECT_EQ(requests[1].body, "two");
}

TEST_F(CliDeliver, KeepsAMessageForTheDelayOfItsPolicy) {  // R03, R10
  HttpServer gone({});
  const std::string url = gone.url();
  gone.requests();
  subscribe(url);
  succeed({"publish", "prices", "one"});
  const auto lines = deliver(9, {"--verbose"});
  const auto retry = event(lines, "retry");
  EXPECT_GE(retry.at("delay_seconds").to_number<double>(), 18);
  EXPECT_LE(retry.at("delay_seconds").to_number<double>(), 20);
  EXPECT_EQ(number(with(lines, "summary").at("summary").at("retried")), 1);
}

TEST_F(CliDeliver, LosesNothingWhenItIsKilled) {
  const std::string handler =
      file("handler", "[ $RINGPOST_ATTEMPT = 1 ] && echo begun && exec sleep 1000\ncat >>" +
                          path("got") + "\n");
  subscribe("exec:. " + handler);
  succeed({"publish", "prices", "hello"});
  Child deliverer({"deliver"});
  ASSERT_EQ(deliverer.read_line(), "begun");
  deliverer.send_signal(SIGKILL);
  EXPECT_EQ(deliverer.wait().status, 137);
  const auto lines = deliver(0);
  EXPECT_EQ(content("got"), "hello");
  EXPECT_EQ(number(with(lines, "notification").at("delivery").at("attempts")), 2);
  EXPECT_EQ(number(with(deliver(0), "summary").at("summary").at("attempts")), 0);
}

TEST_F(CliDeliver, TakesUpNewSubscriptionsUntilItIsInterrupted) {
  Child deliverer({"deliver", "--json"});
  EXPECT_EQ(text_of(boost::json::parse(deliverer.read_line()).at("event")), "started");
  subscribe("exec:cat >" + path("got"));
  EXPECT_EQ(text_of(boost::json::parse(deliverer.read_line()).at("event")), "subscribed");
  succeed({"publish", "prices", "hello"});
  EXPECT_EQ(text_of(boost::json::parse(deliverer.read_line()).at("status")), "SUCCESS");
  EXPECT_EQ(content("got"), "hello");
  deliverer.send_signal(SIGINT);
  const Outcome outcome = deliverer.wait();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_NE(outcome.out.find(R"({"summary":{"attempts":1,"delivered":1,)"), std::string::npos)
      << outcome.out;
}

TEST_F(CliDeliver, RunsNoCommandsIfToldSo) {
  subscribe("exec:cat >" + path("got"));
  succeed({"publish", "prices", "hello"});
  EXPECT_EQ(number(with(deliver(0, {"--no-exec"}), "summary").at("summary").at("attempts")), 0);
  deliver(0);
  EXPECT_EQ(content("got"), "hello");
}

TEST_F(CliDeliver, EndsASubscriptionByItsEndpoint) {
  subscribe("exec:cat");
  const auto shown = json({"topic", "show", "prices"}).at(0).at("subscriptions").at(0);
  EXPECT_EQ(text_of(shown.at("endpoint")), "exec:cat");
  EXPECT_EQ(succeed({"unsubscribe", "prices", "exec:cat"}),
            "exec:cat gets nothing more of topic prices\n");
  EXPECT_EQ(succeed({"queue", "list"}).find("prices--"), std::string::npos);
  EXPECT_EQ(run({"subscribe", "prices", "ftp://host/"}).status, 2);
  EXPECT_EQ(run({"deliver", "nothing", "--until-empty"}).status, 5);
  EXPECT_EQ(run({"deliver", "--ca", path("none")}).status, 2);
}

}  // namespace
}  // namespace ringpost::cli_test
