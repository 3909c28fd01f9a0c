// Records with numbers, that stay where they are; chains of those whose hashes fall together.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ringpost::filter {

inline constexpr std::uint32_t kNone = 0xffffffff;

template <class T>
class Pool {
 public:
  /// The number of a record as T() makes it. May throw std::bad_alloc.
  [[nodiscard]] std::uint32_t take() {
    if (!free_.empty()) {
      const std::uint32_t number = free_.back();
      free_.pop_back();
      return number;
    }
    if (size_ == room_) {
      chunks_.push_back(std::make_unique<T[]>(std::max<std::size_t>(room_, kFirst)));
      room_ += std::max<std::size_t>(room_, kFirst);
    }
    return static_cast<std::uint32_t>(size_++);
  }
  void give_back(std::uint32_t number) {
    (*this)[number] = T();
    free_.push_back(number);
  }
  [[nodiscard]] T& operator[](std::uint32_t number) noexcept {
    const std::uint32_t chunk = chunk_of(number);
    return chunks_[chunk][number - begin_of(chunk)];
  }
  [[nodiscard]] const T& operator[](std::uint32_t number) const noexcept {
    const std::uint32_t chunk = chunk_of(number);
    return chunks_[chunk][number - begin_of(chunk)];
  }
  /// All numbers are below.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t used() const noexcept { return size_ - free_.size(); }

 private:
  // Chunks of kFirst, kFirst, 2 · kFirst, 4 · kFirst …: a bus may have many topics with few
  // filters.
  static constexpr std::uint32_t kFirst = 4;
  [[nodiscard]] static constexpr std::uint32_t chunk_of(std::uint32_t number) noexcept {
    return static_cast<std::uint32_t>(std::bit_width(number / kFirst));
  }
  [[nodiscard]] static constexpr std::uint32_t begin_of(std::uint32_t chunk) noexcept {
    return (kFirst << chunk >> 1) & ~(kFirst - 1);
  }
  static_assert(begin_of(chunk_of(3)) == 0 && begin_of(chunk_of(4)) == 4 &&
                begin_of(chunk_of(8)) == 8 && begin_of(chunk_of(31)) == 16);

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

/// Finds records of a pool, which have the members `hash` and `next`, by their hash.
template <class T>
class Chains {
 public:
  template <class Equal>
  [[nodiscard]] std::uint32_t find(const Pool<T>& pool, std::uint32_t hash,
                                   Equal equal) const noexcept {
    std::uint32_t at = heads_[hash & (heads_.size() - 1)];
    while (at != kNone && !(pool[at].hash == hash && equal(pool[at]))) at = pool[at].next;
    return at;
  }
  void insert(Pool<T>& pool, std::uint32_t number) {
    if (2 * pool.used() > heads_.size()) grow(pool);  // most heads lead to what is wanted
    std::uint32_t& head = heads_[pool[number].hash & (heads_.size() - 1)];
    pool[number].next = head;
    head = number;
  }
  void erase(Pool<T>& pool, std::uint32_t number) noexcept {
    std::uint32_t* at = &heads_[pool[number].hash & (heads_.size() - 1)];
    while (*at != number) at = &pool[*at].next;
    *at = pool[number].next;
  }

 private:
  void grow(Pool<T>& pool) {
    std::vector<std::uint32_t> old(2 * heads_.size(), kNone);
    old.swap(heads_);
    for (std::uint32_t at : old) {
      while (at != kNone) {
        const std::uint32_t next = pool[at].next;
        std::uint32_t& head = heads_[pool[at].hash & (heads_.size() - 1)];
        pool[at].next = head;
        head = at;
        at = next;
      }
    }
  }

  std::vector<std::uint32_t> heads_ = std::vector<std::uint32_t>(8, kNone);
};

}  // namespace ringpost::filter
