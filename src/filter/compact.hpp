// Strings and lists that are mostly short, in as few bytes as a cache line can spare.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ringpost::filter {

/// A string that is set once: 31 bytes, and the text elsewhere only if it has more than 30. Stands
/// at any address.
class Text {
 public:
  Text() noexcept = default;
  explicit Text(std::string_view text) {
    if (text.size() <= kHere) {
      size_ = static_cast<std::uint8_t>(text.size());
      std::copy_n(text.data(), text.size(), bytes_);
      return;
    }
    const Elsewhere there{new char[text.size()], text.size()};
    std::copy_n(text.data(), text.size(), there.text);
    std::memcpy(bytes_, &there, sizeof there);
    size_ = kElsewhere;
  }
  Text(Text&& other) noexcept { swap(other); }
  Text& operator=(Text&& other) noexcept {
    Text(std::move(other)).swap(*this);
    return *this;
  }
  ~Text() {
    if (size_ == kElsewhere) delete[] elsewhere().text;
  }

  /// Of a short one: valid until it is moved from.
  [[nodiscard]] std::string_view view() const noexcept {
    if (size_ != kElsewhere) return {bytes_, size_};
    return {elsewhere().text, elsewhere().size};
  }

 private:
  static constexpr std::size_t kHere = 30;
  static constexpr std::uint8_t kElsewhere = 0xff;
  struct Elsewhere {
    char* text;
    std::size_t size;
  };
  static_assert(sizeof(Elsewhere) <= kHere);

  [[nodiscard]] Elsewhere elsewhere() const noexcept {
    Elsewhere there;
    std::memcpy(&there, bytes_, sizeof there);
    return there;
  }
  void swap(Text& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
  }

  std::uint8_t size_ = 0;
  char bytes_[kHere] = {};
};
static_assert(sizeof(Text) == 31 && alignof(Text) == 1);

/// A list of small records of which the first few have their place in it.
template <class T, std::uint32_t kHere>
class Few {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(sizeof(T) * kHere >= sizeof(T*));

 public:
  Few() noexcept = default;
  Few(Few&& other) noexcept { swap(other); }
  Few& operator=(Few&& other) noexcept {
    Few(std::move(other)).swap(*this);
    return *this;
  }
  ~Few() {
    if (room_ != kHere) delete[] there();
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T* data() noexcept { return room_ == kHere ? here() : there(); }
  [[nodiscard]] const T* data() const noexcept {
    return const_cast<Few*>(this)->data();  // changes nothing
  }
  [[nodiscard]] T* begin() noexcept { return data(); }
  [[nodiscard]] T* end() noexcept { return data() + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data(); }
  [[nodiscard]] const T* end() const noexcept { return data() + size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data()[i]; }
  [[nodiscard]] const T& back() const noexcept { return data()[size_ - 1]; }

  /// May throw std::bad_alloc; then nothing has changed.
  void push_back(const T& added) {
    if (size_ == room_) move_to(new T[std::size_t{2} * room_], 2 * room_);
    data()[size_++] = added;
  }
  /// Of none at all the memory is given back.
  void pop_back() noexcept {
    if (--size_ == 0) *this = Few();
  }

 private:
  [[nodiscard]] T* here() noexcept { return std::launder(reinterpret_cast<T*>(bytes_)); }
  [[nodiscard]] T* there() const noexcept {
    T* pointer = nullptr;
    std::memcpy(&pointer, bytes_, sizeof pointer);
    return pointer;
  }
  void move_to(T* to, std::uint32_t room) noexcept {
    std::copy_n(data(), size_, to);
    if (room_ != kHere) delete[] there();
    std::memcpy(bytes_, &to, sizeof to);
    room_ = room;
  }
  void swap(Few& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(room_, other.room_);
    std::swap(bytes_, other.bytes_);
  }

  std::uint32_t size_ = 0;
  std::uint32_t room_ = kHere;
  alignas(T) std::byte bytes_[sizeof(T) * kHere] = {};
};

}  // namespace ringpost::filter
