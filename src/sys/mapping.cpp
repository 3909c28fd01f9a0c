#include "sys/mapping.hpp"

#include <sys/mman.h>

#include <boost/interprocess/exceptions.hpp>

#include "sys/error.hpp"

namespace ringpost::sys {
namespace {

/// What mapped_region wants to know of a file that we opened ourselves.
struct Mappable {
  int fd;
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const {
    return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd);
  }
  [[nodiscard]] boost::interprocess::mode_t get_mode() const {
    return boost::interprocess::read_write;
  }
};

}  // namespace

Result<Mapping> Mapping::map(const Fd& file, std::size_t bytes, const std::string& name) {
  namespace bip = boost::interprocess;
  try {
    bip::mapped_region region(Mappable{file.get()}, bip::read_write, 0, bytes, nullptr,
                              MAP_SHARED | MAP_POPULATE);
    return Mapping(std::move(region));
  } catch (const bip::interprocess_exception& failure) {
    return system_error("cannot map", name, failure.get_native_error());
  }
}

}  // namespace ringpost::sys
