#include "process/rig/scratch.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace ringpost::rig {

namespace {

std::string parent_directory() {
  const std::string memory = "/dev/shm";
  return access(memory.c_str(), W_OK) == 0 ? memory
                                           : std::filesystem::temp_directory_path().string();
}

}  // namespace

Scratch::Scratch() : directory_(parent_directory() + "/ringpost-test-XXXXXX") {
  if (mkdtemp(directory_.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), directory_);
  }
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (!kept_) std::filesystem::remove_all(directory_, ignored);
}

}  // namespace ringpost::rig
