#include "ringpost/version.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ringpost {
namespace {

TEST(Version, LibraryAgreesWithItsHeaders) {
  const Version version = library_version();
  EXPECT_EQ(version.major, kHeaderVersion.major);
  EXPECT_EQ(version.minor, kHeaderVersion.minor);
  EXPECT_EQ(version.patch, kHeaderVersion.patch);
}

TEST(Version, TextHasTheThreeNumbers) {
  const Version version = library_version();
  const std::string expected = std::to_string(version.major) + "." + std::to_string(version.minor) +
                               "." + std::to_string(version.patch);
  EXPECT_EQ(library_version_text(), expected);
}

}  // namespace
}  // namespace ringpost
