// Runs the ringpost command as a child process, in a shared-memory directory of the test's own.
#pragma once

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>
#include <boost/json.hpp>

namespace ringpost::cli_test {

using Words = std::vector<std::string>;

struct Outcome {
  int status = 0;  ///< exit code, or 128 + the signal that killed it
  std::string out;
  std::string err;
};

/// One running command. Its standard input stays open until finish_input().
class Child {
 public:
  enum class Output { kRead, kClosedBefore };

  explicit Child(const Words& words, Output output = Output::kRead,
                 const char* program = RINGPOST_CLI_PROGRAM);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  void write(const std::string& bytes);
  void finish_input();
  /// Waits for the next whole line of its standard output; without the newline.
  std::string read_line();
  /// The same of its standard error.
  std::string read_error_line();
  void send_signal(int number) const;
  /// Closes its input and reads what it prints until it ends.
  Outcome wait();

 private:
  void read_some();
  std::string take_line(std::string& text, const int& descriptor);

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  int errors_ = -1;
  std::string out_;
  std::string err_;
};

/// A directory for buses that is removed, with all that is in it, at the end of the test.
class CliTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  static Outcome run(const Words& words, const std::string& input = {});
  /// Runs a command that must work, and gives its standard output.
  static std::string succeed(const Words& words, const std::string& input = {});
  /// The same with --json, parsed: one value a line.
  static std::vector<boost::json::value> json(Words words, const std::string& input = {});
  /// The "error" object on the standard error of a command that must fail with this status.
  static boost::json::object error_of(Words words, int status, const std::string& input = {});
  /// Buses that are there.
  [[nodiscard]] std::vector<std::string> buses() const;
  /// Writes a file and gives its path.
  [[nodiscard]] std::string file(const std::string& name, const std::string& bytes) const;

  std::filesystem::path directory_;
};

/// "1\n2\n3\n"
std::string numbers(int count);
std::string text_of(const boost::json::value& value);

}  // namespace ringpost::cli_test
