// What verbs that change a topic or a stream have in common: the report, and its tags.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "json.hpp"
#include "options.hpp"
#include "tag_text.hpp"

namespace ringpost::cli {

/// A topic or a stream, by its noun.
template <class Thing>
struct Changeable {
  const char* noun;
  Thing (*open)(const Context& context, Bus& bus, const std::string& name);
  CLI::Option* (*add_name)(CLI::App& app, std::string& target);
};

template <class Thing>
ExitCode report_settings(Context& context, const Bus& bus, const Thing& thing, const char* noun,
                         JsonObject settings) {
  if (!context.globals.json) {
    context.report(fmt::format("changed {} {}", noun, thing.name()));
    return ExitCode::kOk;
  }
  JsonObject object{{"bus", bus.name()}, {noun, thing.name()}};
  object["settings"] = std::move(settings);
  context.out.line(json_line(object));
  return ExitCode::kOk;
}

template <class Thing>
ExitCode report_tags(Context& context, const Bus& bus, const Thing& thing, const char* noun,
                     std::string_view done) {
  if (!context.globals.json) {
    context.report(fmt::format("{} {} {}", done, noun, thing.name()));
    return ExitCode::kOk;
  }
  const auto tags = thing.tags();
  require(tags, context.subject(fmt::format("read the tags of {} {}", noun, thing.name())));
  JsonObject object{{"bus", bus.name()}, {noun, thing.name()}};
  object["tags"] = json_tags(*tags);
  context.out.line(json_line(object));
  return ExitCode::kOk;
}

struct TagOptions {
  std::string name;
  std::vector<std::string> words;  ///< tags, or their keys
};

/// The verb "tag" of `parent`.
template <class Thing>
void add_tag_verb(CLI::App& parent, Context& context, const Changeable<Thing>& kind,
                  const char* example) {
  auto& verb = add_verb(
      parent, "tag", fmt::format("Set tags of a {}; those of the same key are replaced", kind.noun),
      example);
  auto options = std::make_shared<TagOptions>();
  kind.add_name(verb, options->name);
  verb.add_option("TAG", options->words, "KEY=VALUE, up to 50 in all")->required()->type_name("");
  on_run(verb, context, [&context, options, kind] {
    const Tags tags = tags_of(options->words);
    Bus bus = open_bus(context);
    Thing thing = kind.open(context, bus, options->name);
    require(thing.set_tags(tags),
            context.subject(fmt::format("tag {} {}", kind.noun, options->name)));
    return report_tags(context, bus, thing, kind.noun, "tagged");
  });
}

/// The verb "untag" of `parent`.
template <class Thing>
void add_untag_verb(CLI::App& parent, Context& context, const Changeable<Thing>& kind,
                    const char* example) {
  auto& verb = add_verb(parent, "untag",
                        fmt::format("Remove tags of a {}; no error if one is not there", kind.noun),
                        example);
  auto options = std::make_shared<TagOptions>();
  kind.add_name(verb, options->name);
  verb.add_option("KEY", options->words, "Keys of tags")->required()->type_name("");
  on_run(verb, context, [&context, options, kind] {
    Bus bus = open_bus(context);
    Thing thing = kind.open(context, bus, options->name);
    require(thing.remove_tags(options->words),
            context.subject(fmt::format("untag {} {}", kind.noun, options->name)));
    return report_tags(context, bus, thing, kind.noun, "untagged");
  });
}

}  // namespace ringpost::cli
