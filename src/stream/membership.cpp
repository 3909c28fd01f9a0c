#include "stream/membership.hpp"

namespace ringpost::stream {

Result<std::shared_ptr<StateDirectory>> Shared::state(bool create) {
  const std::lock_guard guard(mutex_);
  if (state_ == nullptr) {
    auto opened = StateDirectory::open(*bus_, create);
    if (!opened) return opened;
    state_ = std::move(*opened);
  }
  return state_;
}

Result<std::shared_ptr<journal::JournalFile>> Shared::journal(std::uint64_t id) {
  const std::lock_guard guard(mutex_);
  std::weak_ptr<journal::JournalFile>& known = journals_[id];
  if (auto file = known.lock()) return file;
  auto file = journal::JournalFile::open(*bus_, id);
  if (file) known = *file;
  std::erase_if(journals_, [](const auto& each) { return each.second.expired(); });
  return file;
}

}  // namespace ringpost::stream
