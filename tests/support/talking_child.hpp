// Children that are killed: at their end, or while they tell their parent what they do.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace ringpost::test {

/// Closes nothing.
[[noreturn]] inline void die() {
  for (;;) ::kill(::getpid(), SIGKILL);
}

/// In a child, at the end of which it must die().
template <class Act>
void in_a_child_that_dies(Act&& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/// `work(say)` goes on in a child, which is killed once it has said so many words, wherever it is
/// then. `hear` gets each word that it has said.
template <class Word>
void let_a_child_work(int words, const std::function<void(const std::function<void(Word)>&)>& work,
                      const std::function<void(const Word&)>& hear) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work([out = ends[1]](const Word& word) {
      if (::write(out, &word, sizeof word) != static_cast<ssize_t>(sizeof word)) ::_exit(1);
    });
    ::_exit(1);
  }
  ::close(ends[1]);
  Word word{};
  for (int seen = 0; ::read(ends[0], &word, sizeof word) == sizeof word; ++seen) {
    if (seen == words) ::kill(child, SIGKILL);
    hear(word);
  }
  ::close(ends[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "it failed";
}

}  // namespace ringpost::test
