// A program of somebody who has Ringpost installed.
#include <cstdio>

#include "ringpost/version.hpp"

int main() {
  std::puts(ringpost::library_version_text());
  return ringpost::library_version().major == ringpost::kHeaderVersion.major ? 0 : 1;
}
