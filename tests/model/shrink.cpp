#include "model/shrink.hpp"

namespace ringpost::model {
namespace {

class Shrinker {
 public:
  Shrinker(Program program, const std::function<bool(const Program&)>& fails, int tries_max)
      : program_(std::move(program)), fails_(fails), tries_left_(tries_max) {}

  Program run() {
    for (;;) {
      const Program before = program_;
      leave_out(program_, [this](Program smaller) { accept(std::move(smaller)); });
      simplify();
      if (program_ == before || tries_left_ <= 0) return program_;
    }
  }

 private:
  bool accept(Program smaller) {
    if (smaller == program_ || tries_left_-- <= 0 || !fails_(smaller)) return false;
    program_ = std::move(smaller);
    return true;
  }

  template <class Change>
  void try_on(std::size_t i, Change&& change) {
    Program smaller = program_;
    change(smaller[i]);
    accept(std::move(smaller));
  }

  void simplify() {
    for (std::size_t i = 0; i < program_.size(); ++i) {
      try_on(i, [](Operation& each) { each.handle = 0; });
      try_on(i, [](Operation& each) { each.in_place = false; });
      try_on(i, [](Operation& each) { each.attributes = 0; });
      try_on(i, [](Operation& each) { each.body = 0; });
      try_on(i, [](Operation& each) { each.receipt = 0; });
      try_on(i, [](Operation& each) { each.group = 0; });
      try_on(i, [](Operation& each) { each.dedup_id = 0; });
      try_on(i, [](Operation& each) { each.twin = 0; });
      try_on(i, [](Operation& each) {
        if (each.call != Call::kPass) each.time.reset();
      });
      for (const std::uint32_t count : {1u, 2u, program_[i].count / 2, program_[i].count - 1}) {
        if (count < program_[i].count) try_on(i, [&](Operation& each) { each.count = count; });
      }
      if (program_[i].call == Call::kSendBatch || program_[i].call == Call::kSendLoan) {
        try_on(i, [](Operation& each) { each.call = Call::kSend; });
      }
    }
  }

  Program program_;
  const std::function<bool(const Program&)>& fails_;
  int tries_left_;
};

}  // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& fails, int tries_max) {
  return Shrinker(std::move(program), fails, tries_max).run();
}

}  // namespace ringpost::model
