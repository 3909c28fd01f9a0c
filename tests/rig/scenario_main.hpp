// A program of named scenarios, for the mutants: no test framework, so that it compiles fast.
//
//   --list            the names, one a line
//   [PREFIX...]       runs those whose name begins with a PREFIX; without any, all
//
// Exit status 0: all held; 1: at least one found something broken; 2: wrong arguments, or nothing
// of that name.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace ringpost::rig {

struct NamedScenario {
  std::string name;  ///< "crash/send on a full ring"
  /// Empty: every promise held; else what is broken, with its trace.
  std::function<std::string()> run;
};

int scenario_main(int argc, char** argv, const std::vector<NamedScenario>& scenarios);

}  // namespace ringpost::rig
