#include "filter/json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace ringpost::filter {
namespace {

constexpr std::size_t kChunkBytes = 4096;
constexpr std::size_t kTextBytesMax = std::size_t{1} << 30;

bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The digits at the front of `text`, which are taken off; false if there are none.
bool take_digits(std::string_view& text) noexcept {
  const std::size_t before = text.size();
  while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
  return text.size() != before;
}

bool take(std::string_view& text, std::string_view any_of) noexcept {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// The grammar of JSON: no sign in front but minus, no leading zeros, digits around the point.
bool is_number(std::string_view text) noexcept {
  take(text, "-");
  const bool zero = text.starts_with('0');
  const std::size_t before = text.size();
  if (!take_digits(text) || (zero && before - text.size() > 1)) return false;
  if (take(text, ".") && !take_digits(text)) return false;
  if (take(text, "eE")) {
    take(text, "+-");
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

/// Four hexadecimal digits at the front, which are taken off; 0x10000 if they are not there.
std::uint32_t take_hex(std::string_view& text) noexcept {
  constexpr std::uint32_t kNone = 0x10000;
  if (text.size() < 4) return kNone;
  std::uint32_t unit = 0;
  for (const char c : text.substr(0, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    const bool letter = lower >= 'a' && lower <= 'f';
    if (!is_digit(c) && !letter) return kNone;
    unit = unit << 4 | static_cast<std::uint32_t>(letter ? lower - 'a' + 10 : c - '0');
  }
  text.remove_prefix(4);
  return unit;
}

char* put_utf8(std::uint32_t c, char* to) noexcept {
  const auto put = [&to](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  }
  return to;
}

/// What follows `\u`; null if it is no character (half of a surrogate pair).
char* put_code_point(std::string_view& raw, char* to) noexcept {
  std::uint32_t c = take_hex(raw);
  if (c > 0xffff || (c >= 0xdc00 && c <= 0xdfff)) return nullptr;
  if (c >= 0xd800 && c <= 0xdbff) {
    if (!take(raw, "\\") || !take(raw, "u")) return nullptr;
    const std::uint32_t low = take_hex(raw);
    if (low < 0xdc00 || low > 0xdfff) return nullptr;
    c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
  }
  return put_utf8(c, to);
}

/// Writes at most raw.size() bytes; returns their end, null for an escape that is none.
char* unescape(std::string_view raw, char* to) noexcept {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  while (!raw.empty()) {
    const std::size_t plain = std::min(raw.find('\\'), raw.size());
    std::memcpy(to, raw.data(), plain);
    to += plain;
    raw.remove_prefix(plain);
    if (raw.size() < 2) return raw.empty() ? to : nullptr;
    const char escape = raw[1];
    raw.remove_prefix(2);
    if (escape == 'u') {
      to = put_code_point(raw, to);
      if (to == nullptr) return nullptr;
    } else {
      const std::size_t which = kEscapes.find(escape);
      if (which == std::string_view::npos) return nullptr;
      *to++ = kMeanings[which];
    }
  }
  return to;
}

}  // namespace

char* Bytes::take(std::size_t count) {
  while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < count) ++chunk_, used_ = 0;
  if (chunk_ == chunks_.size()) {
    const std::size_t size = std::max(count, kChunkBytes << std::min<std::size_t>(chunk_, 8));
    chunks_.push_back({std::make_unique<char[]>(size), size});
  }
  char* const bytes = chunks_[chunk_].bytes.get() + used_;
  used_ += count;
  return bytes;
}

/// The first of simdjson's two stages, chosen for the processor at run time. It reads nothing
/// beyond the text, so bodies are parsed where they lie.
struct Json::Stage1 {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;

  bool run(std::string_view text) {
    if (text.empty() || text.size() > kTextBytesMax) return false;
    if (parser == nullptr) {
      constexpr std::size_t kDepth = 1;  // of a stage that is not used
      if (simdjson::get_active_implementation()->create_dom_parser_implementation(
              std::max(text.size(), kChunkBytes), kDepth, parser) != simdjson::SUCCESS) {
        throw std::bad_alloc();
      }
    }
    if (text.size() > parser->capacity() &&
        parser->set_capacity(std::max(text.size(), 2 * parser->capacity())) != simdjson::SUCCESS) {
      throw std::bad_alloc();
    }
    return parser->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                          simdjson::stage1_mode::regular) == simdjson::SUCCESS;
  }
};

/// The second stage: from the places where tokens begin to nodes.
class Json::Builder {
 public:
  Builder(Json& json, std::string_view text) noexcept
      : json_(json),
        text_(text),
        begins_(json.stage1_->parser->structural_indexes.get(),
                json.stage1_->parser->n_structural_indexes) {}

  bool run() {
    State state = State::kValue;
    for (at_ = 0; at_ < begins_.size(); ++at_) {
      state = step(state, text_[begins_[at_]]);
      if (state == State::kBad) return false;
    }
    return state == State::kDone;
  }

 private:
  enum class State { kValue, kFirstElement, kKey, kFirstKey, kColon, kNext, kDone, kBad };

  State step(State state, char c) {
    switch (state) {
      case State::kFirstElement:
        return c == ']' ? close() : value(c);
      case State::kValue:
        return value(c);
      case State::kFirstKey:
        if (c == '}') return close();
        [[fallthrough]];
      case State::kKey:
        return c == '"' && add_string() ? State::kColon : State::kBad;
      case State::kColon:
        return c == ':' ? State::kValue : State::kBad;
      case State::kNext:
        if (c == ',') return in_object() ? State::kKey : State::kValue;
        return c == (in_object() ? '}' : ']') ? close() : State::kBad;
      case State::kDone:
      case State::kBad:
        return State::kBad;
    }
    return State::kBad;
  }

  State value(char c) {
    if (c == '{') return open(JsonType::kObject, State::kFirstKey);
    if (c == '[') return open(JsonType::kArray, State::kFirstElement);
    return (c == '"' ? add_string() : add_literal()) ? after_value() : State::kBad;
  }

  State open(JsonType type, State next) {
    if (json_.open_.size() == kDepthMax) return State::kBad;
    json_.open_.push_back(static_cast<std::uint32_t>(json_.nodes_.size()));
    add(type, {});
    return next;
  }
  State close() noexcept {
    json_.nodes_[json_.open_.back()].end = static_cast<std::uint32_t>(json_.nodes_.size());
    json_.open_.pop_back();
    return after_value();
  }
  [[nodiscard]] State after_value() const noexcept {
    return json_.open_.empty() ? State::kDone : State::kNext;
  }
  [[nodiscard]] bool in_object() const noexcept {
    return json_.nodes_[json_.open_.back()].type == JsonType::kObject;
  }

  /// Up to the next token, without the space before it.
  [[nodiscard]] std::string_view token() const noexcept {
    const std::size_t begin = begins_[at_];
    std::size_t end = at_ + 1 < begins_.size() ? begins_[at_ + 1] : text_.size();
    while (is_space(text_[end - 1])) --end;
    return text_.substr(begin, end - begin);
  }

  bool add_string() {
    std::string_view raw = token();
    if (raw.size() < 2 || raw.back() != '"') return false;
    raw = raw.substr(1, raw.size() - 2);
    if (raw.empty() || std::memchr(raw.data(), '\\', raw.size()) == nullptr) {
      return add(JsonType::kString, raw);
    }
    char* const begin = json_.unescaped_.take(raw.size());
    const char* const end = unescape(raw, begin);
    if (end == nullptr) return false;
    return add(JsonType::kString, {begin, static_cast<std::size_t>(end - begin)});
  }

  bool add_literal() {
    const std::string_view text = token();
    if (text == "true") return add(JsonType::kTrue, {});
    if (text == "false") return add(JsonType::kFalse, {});
    if (text == "null") return add(JsonType::kNull, {});
    return is_number(text) && add(JsonType::kNumber, text);
  }

  bool add(JsonType type, std::string_view text) {
    json_.nodes_.push_back({text, static_cast<std::uint32_t>(json_.nodes_.size() + 1), type});
    return true;
  }

  Json& json_;
  std::string_view text_;
  std::span<const std::uint32_t> begins_;
  std::size_t at_ = 0;
};

Json::Json() : stage1_(std::make_unique<Stage1>()) {}
Json::~Json() = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(Json&&) noexcept = default;

bool Json::parse(std::string_view text) {
  nodes_.clear();
  open_.clear();
  unescaped_.reset();
  if (!stage1_->run(text)) return false;
  const bool good = Builder(*this, text).run();
  if (!good) nodes_.clear();
  return good;
}

}  // namespace ringpost::filter
