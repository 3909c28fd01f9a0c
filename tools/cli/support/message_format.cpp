// MessageFormat of message_text.hpp: templates for `receive --format`.
#include <fmt/format.h>

#include "failure.hpp"
#include "message_text.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

constexpr const char* kFieldsHint =
    "fields: {id} {body} {bytes} {count} {age} {sent_at} {first_received_at} {receipt} {queue} "
    "{group} {sequence} {dedup_id} {attr.NAME}; {{ and }} are braces; \\n \\t \\0 \\\\ are escapes";

/// The character that a backslash and `c` stand for; anything else keeps its backslash.
std::string unescaped(char c) {
  switch (c) {
    case 'n':
      return "\n";
    case 't':
      return "\t";
    case 'r':
      return "\r";
    case '0':
      return std::string(1, '\0');
    case '\\':
      return "\\";
    default:
      return std::string("\\") + c;
  }
}

}  // namespace

MessageFormat::MessageFormat(std::string_view text) {
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) pieces_.push_back({Field::kText, std::exchange(literal, {})});
  };
  while (!text.empty()) {
    const char c = text.front();
    const char next = text.size() > 1 ? text[1] : '\0';
    if (c == '\\' && text.size() > 1) {
      literal += unescaped(next);
      text.remove_prefix(2);
    } else if ((c == '{' || c == '}') && next == c) {
      literal += c;
      text.remove_prefix(2);
    } else if (c == '{') {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) {
        throw usage_failure("the format has a { without its }", kFieldsHint);
      }
      end_literal();
      add_field(text.substr(1, end - 1));
      text.remove_prefix(end + 1);
    } else {
      literal += c;
      text.remove_prefix(1);
    }
  }
  end_literal();
}

void MessageFormat::add_field(std::string_view name) {
  struct Known {
    std::string_view name;
    Field field;
  };
  static constexpr Known kKnown[] = {{"id", Field::kId},
                                     {"body", Field::kBody},
                                     {"bytes", Field::kBytes},
                                     {"count", Field::kCount},
                                     {"age", Field::kAge},
                                     {"sent_at", Field::kSentAt},
                                     {"first_received_at", Field::kFirstReceivedAt},
                                     {"receipt", Field::kReceipt},
                                     {"queue", Field::kQueue},
                                     {"group", Field::kGroup},
                                     {"sequence", Field::kSequence},
                                     {"dedup_id", Field::kDedupId}};
  constexpr std::string_view kAttributePrefix = "attr.";
  for (const Known& known : kKnown) {
    if (known.name == name) {
      pieces_.push_back({known.field, {}});
      return;
    }
  }
  if (name.substr(0, kAttributePrefix.size()) == kAttributePrefix) {
    pieces_.push_back({Field::kAttribute, std::string(name.substr(kAttributePrefix.size()))});
    return;
  }
  throw usage_failure(fmt::format("the format names an unknown field {{{}}}", name), kFieldsHint);
}

void MessageFormat::append(std::string& out, const Lease& lease, const std::string& queue) const {
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::kText:
        out += piece.text;
        break;
      case Field::kId:
        out += lease.id().to_string();
        break;
      case Field::kBody:
        out += lease.text();
        break;
      case Field::kBytes:
        out += std::to_string(lease.body().size());
        break;
      case Field::kCount:
        out += std::to_string(lease.receive_count());
        break;
      case Field::kAge: {
        const auto age = std::chrono::system_clock::now() - lease.sent_at();
        out += format_age(std::chrono::duration_cast<Duration>(age));
        break;
      }
      case Field::kSentAt:
        out += iso_time(lease.sent_at());
        break;
      case Field::kFirstReceivedAt:
        out += iso_time(lease.first_received_at());
        break;
      case Field::kReceipt:
        out += lease.receipt().to_string();
        break;
      case Field::kQueue:
        out += queue;
        break;
      case Field::kGroup:
        out += lease.group();
        break;
      case Field::kSequence:
        out += std::to_string(lease.sequence());
        break;
      case Field::kDedupId:
        out += lease.dedup_id();
        break;
      case Field::kAttribute:
        if (const auto found = lease.attributes().find(piece.text)) out += found->value;
        break;
    }
  }
}

}  // namespace ringpost::cli
