#include "rig/store_buffer.hpp"

#include <cstring>

namespace ringpost::rig {

void StoreBuffer::open(std::byte* address, std::uint32_t bytes) {
  seal();
  const auto at = static_cast<std::uint32_t>(pool_.size());
  pool_.resize(pool_.size() + 2 * std::size_t{bytes});
  std::memcpy(pool_.data() + at, address, bytes);
  entries_.push_back({address, bytes, at, at + bytes});
  unsealed_ = true;
}

void StoreBuffer::seal() {
  if (!unsealed_) return;
  const Entry& last = entries_.back();
  std::memcpy(pool_.data() + last.value, last.address, last.bytes);
  unsealed_ = false;
}

void StoreBuffer::hide() {
  seal();
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    std::memcpy(entry->address, pool_.data() + entry->under, entry->bytes);
  }
}

void StoreBuffer::show() {
  for (const Entry& entry : entries_) {
    std::memcpy(pool_.data() + entry.under, entry.address, entry.bytes);
    std::memcpy(entry.address, pool_.data() + entry.value, entry.bytes);
  }
}

void StoreBuffer::commit_all_shown() { clear(); }  // memory holds them already

void StoreBuffer::commit_oldest() {
  const Entry entry = entries_.front();
  std::memcpy(entry.address, pool_.data() + entry.value, entry.bytes);
  entries_.erase(entries_.begin());
  if (entries_.empty()) clear();
}

void StoreBuffer::commit_all() {
  while (!empty()) commit_oldest();
}

void StoreBuffer::clear() noexcept {
  entries_.clear();
  pool_.clear();
  unsealed_ = false;
}

}  // namespace ringpost::rig
