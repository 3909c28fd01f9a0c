#include "child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringpost::cli_test {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
};

void close_now(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

/// Appends what is there; closes the descriptor at its end.
void drain(int& descriptor, std::string& into) {
  char bytes[4096];
  const ssize_t got = read(descriptor, bytes, sizeof bytes);
  if (got > 0) {
    into.append(bytes, static_cast<std::size_t>(got));
  } else if (got == 0 || errno != EINTR) {
    close_now(descriptor);
  }
}

}  // namespace

Child::Child(const Words& words, Output output, const char* program) {
  std::signal(SIGPIPE, SIG_IGN);  // of this process, for a child that ends before it has read all
  Pipe in;
  Pipe out;
  Pipe err;
  std::vector<char*> arguments = {const_cast<char*>(program)};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  if (output == Output::kClosedBefore) close_now(out.read_end);
  pid_ = fork();
  if (pid_ == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    dup2(in.read_end, STDIN_FILENO);
    dup2(out.write_end, STDOUT_FILENO);
    dup2(err.write_end, STDERR_FILENO);
    for (const int each : {SIGINT, SIGTERM, SIGHUP}) signal(each, SIG_DFL);
    execv(program, arguments.data());
    _exit(127);
  }
  close_now(in.read_end);
  close_now(out.write_end);
  close_now(err.write_end);
  input_ = in.write_end;
  output_ = out.read_end;
  errors_ = err.read_end;
}

Child::~Child() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    wait();
  }
}

void Child::write(const std::string& bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t written = ::write(input_, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) return;  // it has ended; its status says why
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Child::finish_input() { close_now(input_); }

void Child::read_some() {
  pollfd sources[2] = {{output_, POLLIN, 0}, {errors_, POLLIN, 0}};
  if (poll(sources, 2, -1) < 0) return;
  if (sources[0].revents != 0) drain(output_, out_);
  if (sources[1].revents != 0) drain(errors_, err_);
}

std::string Child::take_line(std::string& text, const int& descriptor) {
  while (text.find('\n') == std::string::npos && descriptor >= 0) read_some();
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

std::string Child::read_line() { return take_line(out_, output_); }
std::string Child::read_error_line() { return take_line(err_, errors_); }

void Child::send_signal(int number) const { kill(pid_, number); }

Outcome Child::wait() {
  finish_input();
  while (output_ >= 0 || errors_ >= 0) read_some();
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, std::move(out_), std::move(err_)};
}

void CliTest::SetUp() {
  std::string name = "/dev/shm/ringpost-cli-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) FAIL() << "no directory in /dev/shm";
  directory_ = name;
  setenv("RINGPOST_SHM_DIR", (directory_ / "buses").c_str(), 1);
  setenv("RINGPOST_STATE_DIR", (directory_ / "state").c_str(), 1);
  unsetenv("RINGPOST_BUS");
}

void CliTest::TearDown() { std::filesystem::remove_all(directory_); }

Outcome CliTest::run(const Words& words, const std::string& input) {
  Child child(words);
  child.write(input);
  return child.wait();
}

std::string CliTest::succeed(const Words& words, const std::string& input) {
  const Outcome outcome = run(words, input);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return outcome.out;
}

std::vector<boost::json::value> CliTest::json(Words words, const std::string& input) {
  words.insert(words.begin(), "--json");
  std::istringstream lines(succeed(words, input));
  std::vector<boost::json::value> values;
  for (std::string line; std::getline(lines, line);) values.push_back(boost::json::parse(line));
  return values;
}

boost::json::object CliTest::error_of(Words words, int status, const std::string& input) {
  words.insert(words.begin(), "--json");
  const Outcome outcome = run(words, input);
  EXPECT_EQ(outcome.status, status) << outcome.err;
  boost::json::object error = boost::json::parse(outcome.err).at("error").as_object();
  EXPECT_NE(text_of(error["code"]), "");
  EXPECT_NE(text_of(error["message"]), "");
  EXPECT_NE(text_of(error["hint"]), "");
  return error;
}

std::vector<std::string> CliTest::buses() const {
  std::vector<std::string> names;
  const std::filesystem::path place = directory_ / "buses";
  if (!std::filesystem::exists(place)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(place)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

std::string CliTest::file(const std::string& name, const std::string& bytes) const {
  const std::filesystem::path path = directory_ / name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string numbers(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += std::to_string(i) + "\n";
  return text;
}

std::string text_of(const boost::json::value& value) {
  return std::string(value.as_string().data(), value.as_string().size());
}

}  // namespace ringpost::cli_test
