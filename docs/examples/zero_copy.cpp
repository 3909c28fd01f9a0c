// A payload of 1 MiB that is never copied: the producer writes it where the consumer reads it.
// Prints:
//   1048576 bytes, brightest 250
#include <algorithm>
#include <cstddef>
#include <iostream>
#include <span>
#include <utility>

#include "ringpost/ringpost.hpp"

/// Stands for a camera driver: it writes into the memory that it is given.
void take_picture(std::span<std::byte> pixels) {
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::byte>(i % 251);
}

int main() {
  constexpr std::size_t kPictureBytes = 1 << 20;
  auto bus = ringpost::Bus::open("camera").value();
  auto pictures = bus.queue("pictures", {.message_bytes_max = kPictureBytes}).value();

  // Producer: borrow memory of the bus, write it, send it. A loan that is not sent is given back.
  auto loan = pictures.loan(kPictureBytes).value();
  take_picture(loan.bytes());
  pictures.send(std::move(loan)).value();

  // Consumer: body() points into shared memory, and stays valid as long as the lease object lives
  // and is not settled.
  auto received = pictures.receive().value();
  const ringpost::ByteSpan pixels = received.front().body();
  const std::byte brightest = *std::max_element(pixels.begin(), pixels.end());
  std::cout << pixels.size() << " bytes, brightest " << std::to_integer<int>(brightest) << '\n';

  const bool done = received.front().acknowledge() == ringpost::Errc::kOk;  // ends the view
  return done ? 0 : 1;
}
