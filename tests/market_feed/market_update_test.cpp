#include "market_update.hpp"

#include <gtest/gtest.h>

namespace ringpost::market_feed {
namespace {

std::string_view text_of(const auto& padded) { return padded.data(); }

TEST(UpdateReader, ReadsAQuote) {
  UpdateReader sut;
  const auto update = sut.read(R"({"stream":"ethusdt@bookTicker","data":{"u":51,"s":"ETHUSDT"}})");
  ASSERT_TRUE(update);
  EXPECT_EQ(text_of(update->stream), "ethusdt@bookTicker");
  EXPECT_EQ(text_of(update->symbol).substr(0, 7), "ETHUSDT");
  EXPECT_EQ(update->update_id, 51u);
}

TEST(UpdateReader, TakesTheIdOfATradeFromT) {
  UpdateReader sut;
  const auto update =
      sut.read(R"({"stream":"btcusdt@trade","data":{"s":"BTCUSDT","t":37,"u":99}})");
  ASSERT_TRUE(update);
  EXPECT_EQ(update->update_id, 37u);
}

TEST(UpdateReader, RefusesWhatIsMalformedOrIncomplete) {
  UpdateReader sut;
  for (const char* json : {
           "",
           "{",
           R"({"stream":"a@b"})",
           R"({"data":{"s":"B","u":1}})",
           R"({"stream":"a@b","data":{"s":"B"}})",
           R"({"stream":"a@b","data":{"u":1}})",
           R"({"stream":"a@b","data":{"s":"B","u":"1"}})",
           R"({"stream":"a@trade","data":{"s":"B","u":1}})",
           R"({"stream":"a@b","data":{"s":"LONGSYMBOL","u":1}})",
           R"({"stream":"a@b","data":{"s":"B","u":1}} trailing)",
       }) {
    EXPECT_FALSE(sut.read(json)) << json;
  }
}

TEST(UpdateReader, GoesOnAfterAMalformedMessage) {
  UpdateReader sut;
  EXPECT_FALSE(sut.read("{"));
  EXPECT_TRUE(sut.read(R"({"stream":"a@b","data":{"s":"B","u":1}})"));
}

}  // namespace
}  // namespace ringpost::market_feed
