// Direct publishing: applications, endpoints, and messages through a provider.
#include <gtest/gtest.h>

#include "ringpost/push.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

class APushDirectory : public testing::Test {
 protected:
  PushDirectory open() {
    auto opened = PushDirectory::open(test_.bus());
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(opened.value());
  }
  template <class T>
  static std::string fault(const Result<T>& result) {
    return result ? "none" : result.error().what;
  }
  PushEndpoint phone(const PushAttributes& attributes = {}) {
    directory_.create_application("FCM", "shop").value();
    return directory_.create_endpoint("FCM", "shop", "token", "", attributes).value();
  }

  TestBus test_;
  PushDirectory directory_ = open();
  RecordingProvider provider_;
};

TEST_F(APushDirectory, KeepsApplicationsWithoutTellingTheirSecrets) {  // X05, X06
  const PushAttributes attributes = {
      {"PlatformCredential", "secret"}, {"PlatformPrincipal", "who"}, {"Enabled", "true"}};
  const auto made = directory_.create_application("APNS", "shop.app", attributes);
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(made->attributes, (PushAttributes{{"Enabled", "true"}}));
  EXPECT_TRUE(directory_.create_application("APNS", "shop.app", attributes));
  EXPECT_EQ(code_of(directory_.create_application("APNS", "shop.app")), Errc::kExists);
  directory_.create_application("ADM", "other").value();
  PushDirectory seen = open();
  const auto all = seen.applications().value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].platform, "ADM");
  EXPECT_EQ(all[1].name, "shop.app");
  ASSERT_TRUE(directory_.delete_application("APNS", "shop.app"));
  ASSERT_TRUE(directory_.delete_application("APNS", "shop.app"));
  EXPECT_EQ(code_of(seen.application("APNS", "shop.app")), Errc::kNotFound);
}

TEST_F(APushDirectory, RefusesWhatIsNoApplication) {  // X05, X06
  EXPECT_EQ(fault(directory_.create_application("FAX", "a")), "platform \"FAX\": is not known");
  EXPECT_EQ(code_of(directory_.create_application("FCM", "a b")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(directory_.create_application("FCM", std::string(257, 'a'))),
            Errc::kInvalidArgument);
  EXPECT_EQ(code_of(directory_.create_application("FCM", std::string(256, 'a'))), Errc::kOk);
  EXPECT_EQ(fault(directory_.create_application("FCM", "a", {{"Colour", "red"}})),
            "attribute Colour: no application has it");
  EXPECT_EQ(fault(directory_.create_application("FCM", "a", {{"PlatformCredential", "x"}})),
            "attribute PlatformPrincipal: is given with PlatformCredential or not at all");
}

TEST_F(APushDirectory, ChangesAttributesAllOrNone) {
  directory_.create_application("FCM", "shop").value();
  EXPECT_EQ(code_of(directory_.set_application("FCM", "shop", {{"Enabled", "no"}})),
            Errc::kInvalidArgument);
  EXPECT_TRUE(directory_.application("FCM", "shop").value().attributes.empty());
  directory_.set_application("FCM", "shop", {{"SuccessFeedbackSampleRate", "10"}}).value();
  EXPECT_EQ(directory_.application("FCM", "shop").value().attributes.size(), 1u);
  EXPECT_EQ(code_of(directory_.set_application("FCM", "none", {})), Errc::kNotFound);
}

TEST_F(APushDirectory, GivesATokenOneEndpoint) {  // X07
  const PushEndpoint made = phone();
  EXPECT_EQ(made.id.substr(0, 9), "FCM/shop/");
  EXPECT_EQ(made.attributes, (PushAttributes{{"Token", "token"}, {"Enabled", "true"}}));
  EXPECT_EQ(directory_.create_endpoint("FCM", "shop", "token").value().id, made.id);
  EXPECT_EQ(
      fault(directory_.create_endpoint("FCM", "shop", "token", "data")),
      "endpoint " + made.id + ": already exists with the same Token, but different attributes");
  const PushEndpoint other =
      directory_.create_endpoint("FCM", "shop", "t2", "lost", {{"CustomUserData", "wins"}}).value();
  EXPECT_EQ(other.attributes.at("CustomUserData"), "wins");
  EXPECT_EQ(code_of(directory_.create_endpoint("FCM", "shop", "t3", std::string(2049, 'x'))),
            Errc::kInvalidArgument);
  EXPECT_EQ(code_of(directory_.create_endpoint("FCM", "shop", "")), Errc::kInvalidArgument);
  EXPECT_EQ(directory_.endpoints("FCM", "shop").value().size(), 2u);
  ASSERT_TRUE(directory_.delete_endpoint(made.id));
  ASSERT_TRUE(directory_.delete_endpoint(made.id));
  EXPECT_EQ(code_of(directory_.endpoint(made.id)), Errc::kNotFound);
  EXPECT_EQ(code_of(directory_.endpoint("nothing")), Errc::kNotFound);
  EXPECT_EQ(directory_.endpoint(other.id).value().attributes, other.attributes);
}

TEST_F(APushDirectory, PublishesThroughAProvider) {  // M15
  const PushEndpoint made = phone();
  EXPECT_EQ(
      directory_
          .publish(made.id, {.body = "hello", .attributes = {{"urgent", "yes"}}, .subject = "hi"},
                   provider_)
          .value(),
      PushOutcome::kDelivered);
  ASSERT_EQ(provider_.deliveries().size(), 1u);
  EXPECT_EQ(provider_.deliveries()[0].token, "token");
  EXPECT_EQ(provider_.deliveries()[0].body, "hello");
  EXPECT_EQ(provider_.deliveries()[0].attributes.at("urgent"), "yes");
  EXPECT_EQ(code_of(directory_.publish("FCM/shop/none", {.body = "x"}, provider_)),
            Errc::kNotFound);
  EXPECT_EQ(code_of(directory_.publish(made.id, {}, provider_)), Errc::kInvalidArgument);
}

TEST_F(APushDirectory, SendsNothingToWhatIsDisabled) {  // M15
  const PushEndpoint made = phone();
  const auto publish = [&] {
    return directory_.publish(made.id, {.body = "x"}, provider_).value();
  };
  provider_.answer(PushOutcome::kTokenRefused);
  EXPECT_EQ(publish(), PushOutcome::kTokenRefused);
  EXPECT_EQ(publish(), PushOutcome::kEndpointDisabled);
  provider_.answer(PushOutcome::kFailed);
  directory_.set_endpoint(made.id, {{"Enabled", "true"}, {"Token", "new"}}).value();
  EXPECT_EQ(publish(), PushOutcome::kFailed);
  EXPECT_EQ(provider_.deliveries().back().token, "new");
  directory_.set_application("FCM", "shop", {{"Enabled", "false"}}).value();
  EXPECT_EQ(publish(), PushOutcome::kApplicationDisabled);
  EXPECT_EQ(provider_.deliveries().size(), 2u);
}

TEST_F(APushDirectory, LivesOnABusThatCanStillBeListedAndRemoved) {
  phone();
  const auto buses = Bus::list(test_.options()).value();
  EXPECT_EQ(buses, std::vector<std::string>{TestBus::kName});
  EXPECT_EQ(test_.findings(), "");
}

}  // namespace
}  // namespace ringpost::test
