// Each program in docs/examples ends with 0 and prints, to the letter, what its head comment says.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "process/rig/scratch.hpp"

namespace ringpost {
namespace {

std::vector<std::string> example_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(RINGPOST_EXAMPLES_SOURCES)) {
    if (entry.path().extension() == ".cpp") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The indented lines behind "Prints:" in the head comment.
std::string promised_output(const std::string& name) {
  std::ifstream source(std::string(RINGPOST_EXAMPLES_SOURCES) + "/" + name + ".cpp");
  const std::string indent = "//   ";
  std::string promised;
  bool prints = false;
  for (std::string line; std::getline(source, line) && line.starts_with("//");) {
    if (prints && line.starts_with(indent)) promised += line.substr(indent.size()) + "\n";
    prints = prints || line.ends_with("Prints:");
  }
  return promised;
}

struct Outcome {
  int status = -1;
  std::string output;  ///< standard output and standard error
};

Outcome run(const std::string& name) {
  const std::string program = std::string(RINGPOST_EXAMPLES_PROGRAMS) + "/example_" + name;
  Outcome outcome;
  std::FILE* pipe = ::popen((program + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char bytes[4096];
  while (const std::size_t got = std::fread(bytes, 1, sizeof bytes, pipe)) {
    outcome.output.append(bytes, got);
  }
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

class Example : public testing::TestWithParam<std::string> {};

TEST_P(Example, PrintsWhatItPromises) {
  const rig::Scratch scratch;
  ::setenv("RINGPOST_SHM_DIR", scratch.path("shm").c_str(), 1);
  ::setenv("RINGPOST_STATE_DIR", scratch.path("state").c_str(), 1);
  const std::string promised = promised_output(GetParam());
  ASSERT_NE(promised, "") << "its head comment does not say what it prints";
  const Outcome outcome = run(GetParam());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, promised);
}

INSTANTIATE_TEST_SUITE_P(Docs, Example, testing::ValuesIn(example_names()),
                         [](const auto& example) { return example.param; });

}  // namespace
}  // namespace ringpost
