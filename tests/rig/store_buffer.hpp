// What one processor has stored and the others do not see yet (total store order).
//
// Plain stores are not under our control: the hook comes before the store and the store then goes
// straight to memory. So while a fiber runs, memory shows its own view, with its buffered stores
// in place; when it is suspended they are taken out again. Loads thus need no look-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringpost::rig {

class StoreBuffer {
 public:
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] const std::byte* oldest() const noexcept { return entries_.front().address; }
  [[nodiscard]] std::uint32_t oldest_bytes() const noexcept { return entries_.front().bytes; }

  /// Shown: the store that is about to happen is to be buffered.
  void open(std::byte* address, std::uint32_t bytes);
  /// Shown: the store announced by open() has happened.
  void seal();
  /// Shown to hidden: takes the stores out of memory. The fiber is being suspended.
  void hide();
  /// Hidden to shown: puts them back. The fiber goes on.
  void show();
  /// Shown: all are visible from now on, in order (a locked operation or a full fence).
  void commit_all_shown();
  /// Hidden: the oldest becomes visible. There is one.
  void commit_oldest();
  /// Hidden: all become visible, in order.
  void commit_all();
  void clear() noexcept;

 private:
  struct Entry {
    std::byte* address;
    std::uint32_t bytes;
    std::uint32_t under;  ///< offset in pool_: what memory holds without this store
    std::uint32_t value;  ///< offset in pool_: what is stored
  };
  std::vector<Entry> entries_;
  std::vector<std::byte> pool_;
  bool unsealed_ = false;  ///< the last entry's value is not known yet
};

}  // namespace ringpost::rig
