#include "support/corruption.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace ringpost::test {

RawFile::RawFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) throw std::runtime_error("cannot open " + path);
  bytes_ = static_cast<std::size_t>(status.st_size);
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  data_ = static_cast<std::byte*>(memory);
}

RawFile::~RawFile() { ::munmap(data_, bytes_); }

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failure)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string only_file_in(const std::string& directory) {
  const auto names = files_in(directory);
  if (names.size() != 1) {
    throw std::runtime_error(directory + " has " + std::to_string(names.size()) + " files");
  }
  return directory + "/" + names.front();
}

}  // namespace ringpost::test
