// Deaths at changes of streams as scenarios for mutants: the names of changes, and for each all of
// its system calls.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  ::setenv("RINGPOST_DEPTH", "nightly", 1);
  std::string filter;
  for (int i = 1; i < argc; ++i) {
    filter += std::string(i == 1 ? "" : ":") + "*BeforeAndAfterEachSystemCall/" + argv[i];
  }
  int none = 1;
  testing::InitGoogleTest(&none, argv);
  GTEST_FLAG_SET(filter, filter);
  GTEST_FLAG_SET(brief, true);
  return RUN_ALL_TESTS();
}
