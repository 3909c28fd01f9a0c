// A directory in memory for the files of one run, removed at the end unless it is to be kept.
#pragma once

#include <string>

namespace ringpost::rig {

class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  /// Leaves the files where they are, for people.
  void keep() noexcept { kept_ = true; }

 private:
  std::string directory_;
  bool kept_ = false;
};

}  // namespace ringpost::rig
