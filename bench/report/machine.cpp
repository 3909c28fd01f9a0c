#include "report/machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace ringpost::bench {
namespace {

std::string value_in_cpuinfo(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "?";
}

}  // namespace

Machine describe_machine(const std::string& commit) {
  Machine machine;
  machine.cpu = value_in_cpuinfo("model name") + " (family " + value_in_cpuinfo("cpu family") +
                " model " + value_in_cpuinfo("model\t") + ")";
  machine.cores = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
  utsname name{};
  if (uname(&name) == 0) machine.kernel = std::string(name.sysname) + " " + name.release;
#if defined(__clang__)
  machine.compiler = "clang " __clang_version__;
#else
  machine.compiler = "g++ " __VERSION__;
#endif
  machine.commit = commit.empty() ? "unknown" : commit;
  return machine;
}

}  // namespace ringpost::bench
