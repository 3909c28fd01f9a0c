// Result<T, E>: a value or an error, with the names and meaning of std::expected.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "ringpost/errc.hpp"

namespace ringpost {

/// Thrown by Result::value() only: for programs that prefer exceptions at their edge.
class RINGPOST_API Exception : public std::exception {
 public:
  explicit Exception(const Error& error) noexcept : error_(error) {}
  explicit Exception(Errc code) noexcept { error_.code = code; }
  [[nodiscard]] const char* what() const noexcept override {
    return error_.what[0] != '\0' ? error_.what : message(error_.code);
  }
  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

template <class E>
class Unexpected {
 public:
  constexpr explicit Unexpected(E error) : error_(std::move(error)) {}
  [[nodiscard]] constexpr const E& error() const& noexcept { return error_; }
  [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error_); }

 private:
  E error_;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  constexpr Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <class G>
  constexpr Result(Unexpected<G> failure)
      : state_(std::in_place_index<1>, std::move(failure).error()) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return state_.index() == 0; }
  constexpr explicit operator bool() const noexcept { return has_value(); }

  constexpr T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  constexpr const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  constexpr T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  constexpr T* operator->() noexcept { return std::get_if<0>(&state_); }
  constexpr const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  [[nodiscard]] constexpr const E& error() const noexcept { return *std::get_if<1>(&state_); }

  /// Throws Exception when there is no value. Of an rvalue: by value, so that
  /// `for (auto& m : queue.receive().value())` does not dangle.
  T& value() & { return check(), **this; }
  const T& value() const& { return check(), **this; }
  T value() && { return check(), std::move(**this); }

  template <class U>
  [[nodiscard]] constexpr T value_or(U&& other) && {
    return has_value() ? std::move(**this) : static_cast<T>(std::forward<U>(other));
  }

 private:
  void check() const {
    if (!has_value()) throw Exception(error());
  }
  std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  constexpr Result() noexcept = default;
  template <class G>
  constexpr Result(Unexpected<G> failure) : error_(std::move(failure).error()) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return !error_.has_value(); }
  constexpr explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] constexpr const E& error() const noexcept { return *error_; }
  void value() const {
    if (error_) throw Exception(*error_);
  }

 private:
  std::optional<E> error_;
};

}  // namespace ringpost
