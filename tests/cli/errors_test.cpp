// Errors say what is wrong and what to do next; exit codes tell scripts the same.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

using CliErrors = CliTest;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(CliErrors, MissingBusIsNamedAndNotMade) {
  const Outcome outcome = run({"receive", "orders"});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_TRUE(has(outcome.err, "error: there is no bus \"default\"")) << outcome.err;
  EXPECT_TRUE(has(outcome.err, " hint: ")) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(buses().empty());
}

TEST_F(CliErrors, EveryVerbKnowsAMissingQueue) {
  succeed({"queue", "create", "orders"});
  const std::vector<Words> lines = {
      {"send", "none", "hello"},  {"receive", "none"},
      {"peek", "none"},           {"acknowledge", "none", "r"},
      {"release", "none", "r"},   {"extend", "none", "r", "--for", "1s"},
      {"stat", "none"},           {"top", "none"},
      {"queue", "show", "none"},  {"queue", "set", "none", "--delay", "1s"},
      {"queue", "purge", "none"}, {"queue", "delete", "none"}};
  for (const Words& words : lines) {
    const auto error = error_of(words, 5);
    EXPECT_EQ(text_of(error.at("code")), "NotFound") << words.front();
    EXPECT_TRUE(has(text_of(error.at("message")), "none")) << words.front();
  }
}

TEST_F(CliErrors, NamesOutsideTheRulesAreUsageErrors) {
  EXPECT_EQ(run({"queue", "create", "a b"}).status, 2);
  EXPECT_EQ(run({"queue", "create", std::string(81, 'a')}).status, 2);
  EXPECT_EQ(run({"--bus", "../x", "queue", "create", "orders"}).status, 2);
}

TEST_F(CliErrors, ValuesOutsideTheirLimitsAreUsageErrors) {
  EXPECT_EQ(run({"queue", "create", "orders", "--visibility-timeout", "13h"}).status, 2);
  EXPECT_EQ(run({"queue", "create", "orders", "--slots", "100"}).status, 2);
  succeed({"queue", "create", "orders"});
  EXPECT_EQ(run({"send", "orders", "hello", "--delay", "16m"}).status, 2);
  EXPECT_EQ(run({"send", "orders", "hello", "-a", "weight:Number=heavy"}).status, 2);
}

TEST_F(CliErrors, TimeWithoutUnitIsRefusedWithExamples) {
  const auto error = error_of({"receive", "orders", "--wait", "5"}, 2);
  EXPECT_TRUE(has(text_of(error.at("message")), "30s"));
}

TEST_F(CliErrors, MistypedVerbsAndOptionsGetASuggestion) {
  EXPECT_TRUE(has(run({"recieve", "orders"}).err, "did you mean receive?"));
  EXPECT_TRUE(has(run({"queue", "lsit"}).err, "did you mean list?"));
  EXPECT_TRUE(has(run({"send", "orders", "hello", "--dely", "1s"}).err, "did you mean --delay?"));
  EXPECT_EQ(run({"recieve", "orders"}).status, 2);
}

TEST_F(CliErrors, UnquotedTextIsExplained) {
  const Outcome outcome = run({"send", "orders", "hello", "world"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(has(outcome.err, "\"world\" is one argument too many")) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "quotes")) << outcome.err;
}

TEST_F(CliErrors, ContradictionsAreRefused) {
  EXPECT_EQ(run({"receive", "orders", "--leave", "--release"}).status, 2);
  EXPECT_EQ(run({"receive", "orders", "--all", "-n", "3"}).status, 2);
  EXPECT_EQ(run({"receive", "orders", "--follow", "--release"}).status, 2);
  EXPECT_EQ(run({"receive", "orders", "--json", "--format", "{body}"}).status, 2);
  EXPECT_EQ(run({"send", "orders", "hello", "--whole"}).status, 2);
}

TEST_F(CliErrors, WithoutAVerbTheHelpIsShownAndTheStatusIsTwo) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(has(outcome.err, "Usage: ringpost"));
}

TEST_F(CliErrors, HelpOfEveryVerbHasExamples) {
  const std::vector<Words> verbs = {{"send"},
                                    {"receive"},
                                    {"acknowledge"},
                                    {"release"},
                                    {"extend"},
                                    {"peek"},
                                    {"stat"},
                                    {"top"},
                                    {"bench"},
                                    {"doctor"},
                                    {"version"},
                                    {"queue", "create"},
                                    {"queue", "list"},
                                    {"queue", "show"},
                                    {"queue", "set"},
                                    {"queue", "purge"},
                                    {"queue", "delete"},
                                    {"bus", "list"},
                                    {"bus", "show"},
                                    {"bus", "remove"}};
  for (Words words : verbs) {
    words.push_back("--help");
    EXPECT_TRUE(has(succeed(words), "Examples:\n  ringpost")) << words.front();
  }
  EXPECT_TRUE(has(succeed({"--help"}), "Exit codes:"));
}

TEST_F(CliErrors, ForeignFileInPlaceOfTheBusIsNotFollowed) {
  std::filesystem::create_directories(directory_ / "buses");
  std::filesystem::permissions(directory_ / "buses", std::filesystem::perms::owner_all);
  std::filesystem::create_symlink("/tmp", directory_ / "buses" / "default");
  const auto error = error_of({"queue", "create", "orders"}, 1);
  EXPECT_EQ(text_of(error.at("code")), "UnsafeFile");
}

TEST_F(CliErrors, VersionIsPrinted) {
  EXPECT_TRUE(has(succeed({"version"}), "ringpost "));
  EXPECT_EQ(text_of(json({"version"}).at(0).at("version")),
            text_of(json({"version"}).at(0).at("library")));
}

}  // namespace
}  // namespace ringpost::cli_test
