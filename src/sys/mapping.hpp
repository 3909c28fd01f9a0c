// A file mapped into memory (Boost.Interprocess does the mapping).
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <string>

#include "sys/file.hpp"

namespace ringpost::sys {

class Mapping {
 public:
  Mapping() = default;
  /// Maps `bytes` of the file read-write and shared, all pages present, so that no use of it
  /// enters the kernel later.
  static Result<Mapping> map(const Fd& file, std::size_t bytes, const std::string& name);

  [[nodiscard]] std::byte* data() const noexcept {
    return static_cast<std::byte*>(region_.get_address());
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return region_.get_size(); }
  [[nodiscard]] bool is_mapped() const noexcept { return bytes() != 0; }

 private:
  explicit Mapping(boost::interprocess::mapped_region&& region) : region_(std::move(region)) {}
  boost::interprocess::mapped_region region_;
};

}  // namespace ringpost::sys
