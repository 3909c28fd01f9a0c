// For what must succeed where a test cannot go on without it, in a child among others.
#pragma once

#include <stdexcept>
#include <utility>

#include "ringpost/result.hpp"

namespace ringpost::rig {

inline void require(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().what);
}
template <class T>
T require(Result<T> done) {
  if (!done) throw std::runtime_error(done.error().what);
  return std::move(*done);
}
/// Somebody else may have done it already.
template <class T>
void require_or(const Result<T>& done, Errc code) {
  if (!done && !(done.error() == code)) throw std::runtime_error(done.error().what);
}

}  // namespace ringpost::rig
