#include "verify.hpp"

#include <stdexcept>

#include "content_hash.hpp"
#include "feed_file.hpp"

namespace ringpost::market_feed {

std::vector<Expected> expect(std::span<const std::string_view> lines, bool ordered) {
  UpdateReader reader;
  std::vector<Expected> expected;
  expected.reserve(lines.size());
  for (const std::string_view text : lines) {
    const auto line = FeedLine::parse(text);
    const auto update = line ? reader.read(line->json) : std::nullopt;
    if (!update) {
      throw std::runtime_error("line " + std::to_string(expected.size() + 1) +
                               " of the feed is malformed");
    }
    expected.push_back({content_hash(ordered ? line->json : text), *update});
  }
  return expected;
}

Proof prove(std::span<const Expected> expected, std::span<const LineRecord> records) {
  if (expected.size() != records.size()) throw std::invalid_argument("prove: sizes differ");
  constexpr std::size_t kExamplesMax = 5;
  Proof proof;
  proof.lines = static_cast<std::uint32_t>(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const LineRecord& record = records[i];
    const auto wrong = [&](std::uint32_t& count, const char* what) {
      ++count;
      if (proof.examples.size() < kExamplesMax) {
        proof.examples.push_back("line " + std::to_string(i + 1) + " " + what);
      }
    };
    // Acquire: pairs with the release that raises the count in LineRecord::add().
    const std::uint32_t times = record.times.load(std::memory_order_acquire);
    proof.processings += times;
    if (times == 0) {
      wrong(proof.lost, "was never processed");
      continue;
    }
    if (record.content_hash.load() != expected[i].content_hash || record.differing.load() != 0) {
      wrong(proof.changed, "was processed with another content");
    } else if (record.update() != expected[i].update) {
      wrong(proof.misread, "was read wrongly");
    }
    if (record.came_back.load() != 0) {
      wrong(proof.came_back, "came again after it was acknowledged");
    }
    if (times > 1) ++proof.processed_again;
    if (record.resent.load() != 0) ++proof.sent_again;
  }
  return proof;
}

bool forge(std::string_view how, std::span<LineRecord> records) {
  LineRecord& victim = records[records.size() / 2];
  Delivery delivery{victim.content_hash.load(), victim.message_id.load(), 9};
  if (how == "lost") {
    victim.times.store(0);
  } else if (how == "changed") {
    victim.content_hash.fetch_xor(1);
  } else if (how == "differing") {
    delivery.content_hash ^= 1;
    victim.acknowledged.store(0);
    victim.add(delivery, victim.update());
  } else if (how == "misread") {
    victim.update_id.fetch_add(1);
  } else if (how == "came-back") {
    victim.acknowledged.store(1);
    victim.add(delivery, victim.update());
  } else {
    return false;
  }
  return true;
}

}  // namespace ringpost::market_feed
