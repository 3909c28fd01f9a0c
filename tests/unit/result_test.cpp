// Result: names and meaning of std::expected.
#include "ringpost/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ringpost/errc.hpp"
#include "support/test_bus.hpp"

namespace ringpost {
namespace {

TEST(Result, HoldsItsValue) {
  const Result<int> result(7);
  EXPECT_TRUE(result.has_value());
  EXPECT_TRUE(result);
  EXPECT_EQ(*result, 7);
  EXPECT_EQ(result.value(), 7);
}

TEST(Result, HoldsItsError) {
  const Result<int, Errc> result = Unexpected(Errc::kFull);
  EXPECT_FALSE(result.has_value());
  EXPECT_FALSE(result);
  EXPECT_EQ(result.error(), Errc::kFull);
}

TEST(Result, IsFalseOfAnErrorEvenWhenTheErrorIsOk) {
  const Result<int, Errc> result = Unexpected(Errc::kOk);
  EXPECT_FALSE(result);
}

TEST(Result, TellsAValueFromAnErrorOfTheSameType) {
  const Result<int, int> value(1);
  const Result<int, int> error = Unexpected(1);
  EXPECT_TRUE(value);
  EXPECT_FALSE(error);
}

TEST(Result, GivesAccessToMembersOfItsValue) {
  Result<std::string> result(std::string("text"));
  EXPECT_EQ(result->size(), 4u);
  result->append("s");
  EXPECT_EQ(*result, "texts");
}

TEST(Result, MovesAValueThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
  EXPECT_EQ(*Result<std::unique_ptr<int>>(std::make_unique<int>(6)).value(), 6);
}

TEST(Result, OfAnRvalueGivesItsValueByValueSoThatALoopDoesNotDangle) {
  static_assert(std::is_same_v<decltype(std::declval<Result<std::string>>().value()), std::string>);
  std::string all;
  for (const char c : Result<std::string>(std::string("abc")).value()) all += c;
  EXPECT_EQ(all, "abc");
}

TEST(Result, ThrowsTheErrorWhenAskedForAValueThatIsNotThere) {
  Error error{Errc::kNoSpace, 28, "cannot create it"};
  const Result<int> failed = Unexpected(error);
  try {
    static_cast<void>(failed.value());
    FAIL() << "value() of an error returned";
  } catch (const Exception& thrown) {
    EXPECT_EQ(thrown.error().code, Errc::kNoSpace);
    EXPECT_EQ(thrown.error().sys_errno, 28);
    EXPECT_STREQ(thrown.what(), "cannot create it");
  }
}

TEST(Result, ThrowsTheMessageOfABareCode) {
  const Result<int, Errc> failed = Unexpected(Errc::kFull);
  try {
    static_cast<void>(failed.value());
    FAIL() << "value() of an error returned";
  } catch (const std::exception& thrown) {
    EXPECT_STREQ(thrown.what(), message(Errc::kFull));
  }
}

TEST(Result, GivesAnotherValueInPlaceOfAnError) {
  using Number = Result<int, Errc>;
  EXPECT_EQ(Number(3).value_or(9), 3);
  EXPECT_EQ(Number(Unexpected(Errc::kEmpty)).value_or(9), 9);
}

TEST(Result, OfNothingIsOkUnlessItHoldsAnError) {
  const Result<void> ok;
  EXPECT_TRUE(ok);
  EXPECT_NO_THROW(ok.value());
  const Result<void> failed = Unexpected(Error{Errc::kBusy, 0, {}});
  EXPECT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kBusy);
  EXPECT_THROW(failed.value(), Exception);
}

TEST(Result, CanBeAssignedAnew) {
  Result<int, Errc> result = Unexpected(Errc::kEmpty);
  result = Result<int, Errc>(4);
  EXPECT_EQ(*result, 4);
  result = Unexpected(Errc::kFull);
  EXPECT_EQ(result.error(), Errc::kFull);
}

TEST(Result, OfASmallValueIsPassedInRegisters) {
  static_assert(std::is_trivially_copyable_v<Result<std::uint64_t, Errc>>);
  static_assert(sizeof(Result<std::uint64_t, Errc>) == 16);
}

TEST(Error, ComparesWithACode) {
  EXPECT_TRUE((Error{Errc::kNotFound, 0, {}} == Errc::kNotFound));
  EXPECT_FALSE((Error{Errc::kNotFound, 0, {}} == Errc::kExists));
}

TEST(Errc, HasANameAndASentenceForEachCode) {
  for (int code = 0; code <= static_cast<int>(Errc::kDamaged); ++code) {
    const auto errc = static_cast<Errc>(code);
    EXPECT_GT(std::string(name(errc)).size(), 1u) << code;
    EXPECT_GT(std::string(message(errc)).size(), 3u) << code;
    for (int other = 0; other < code; ++other) {
      EXPECT_STRNE(name(errc), name(static_cast<Errc>(other)));
    }
  }
}

TEST(Errc, IsAnErrorCodeOfTheStandardLibrary) {
  const std::error_code code = Errc::kFull;
  EXPECT_STREQ(code.category().name(), "ringpost");
  EXPECT_EQ(code.message(), message(Errc::kFull));
  EXPECT_EQ(code, make_error_code(Errc::kFull));
  EXPECT_NE(code, make_error_code(Errc::kEmpty));
  EXPECT_FALSE(std::error_code(Errc::kOk));
}

TEST(Errc, OfANumberThatNoCodeHasIsTakenForCorruption) {
  EXPECT_STREQ(name(static_cast<Errc>(9'999)), "Corrupt");
}

}  // namespace
}  // namespace ringpost
