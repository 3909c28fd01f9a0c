#include "shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace ringpost::market_feed {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

SharedMemory SharedMemory::create(const char* label, std::size_t bytes) {
  SharedMemory memory(memfd_create(label, 0));
  if (memory.descriptor_ < 0) fail("memfd_create");
  // Reserved now, so that too little memory is an error here and no SIGBUS later.
  if (posix_fallocate(memory.descriptor_, 0, static_cast<off_t>(bytes)) != 0) {
    throw std::system_error(ENOMEM, std::generic_category(), "memory for the demo");
  }
  memory.map(bytes);
  return memory;
}

SharedMemory SharedMemory::attach(int descriptor) {
  SharedMemory memory(descriptor);
  struct stat status {};
  if (fstat(descriptor, &status) != 0) fail("shared memory of the demo");
  memory.map(static_cast<std::size_t>(status.st_size));
  return memory;
}

void SharedMemory::map(std::size_t bytes) {
  void* const address =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor_, 0);
  if (address == MAP_FAILED) fail("mmap");
  bytes_ = {static_cast<std::byte*>(address), bytes};
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), bytes_(std::exchange(other.bytes_, {})) {}

SharedMemory::~SharedMemory() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace ringpost::market_feed
