"""Installs into an empty folder, moves it, and uses it from there as another project would."""

import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools/lib"))
import gtest_report  # noqa: E402

CONSUMER = os.path.join(HERE, "consumer")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


class Package(unittest.TestCase):
    options: argparse.Namespace

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ringpost-package-")
        installed = os.path.join(cls.folder, "installed")
        cls.prefix = os.path.join(cls.folder, "moved")
        subprocess.run(["cmake", "--install", cls.options.build_dir, "--prefix", installed],
                       check=True, stdout=subprocess.DEVNULL)
        os.rename(installed, cls.prefix)
        cls.library = glob.glob(f"{cls.prefix}/lib*/**/libringpost.so", recursive=True)[0]
        cls.libraries = os.path.dirname(cls.library)
        cls.env = {"RINGPOST_SHM_DIR": cls.folder, **os.environ, "LD_LIBRARY_PATH": cls.libraries,
                   "PKG_CONFIG_PATH": f"{cls.libraries}/pkgconfig"}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def output(self, *command):
        result = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        if result.returncode:
            self.fail(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
        return result.stdout

    def test_is_found_by_cmake(self):
        build = os.path.join(self.folder, "by-cmake")
        self.output("cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja",
                    f"-DCMAKE_PREFIX_PATH={self.prefix}",
                    f"-DCMAKE_CXX_COMPILER={self.options.compiler}")
        self.output("cmake", "--build", build)
        self.assertEqual(self.output(f"{build}/consumer").strip(), self.options.version)

    def test_is_found_by_pkg_config(self):
        program = os.path.join(self.folder, "by-pkg-config")
        flags = self.output("pkg-config", "--cflags", "--libs", "ringpost").split()
        self.output(self.options.compiler, "-std=c++20", f"{CONSUMER}/main.cpp", "-o", program,
                    *flags)
        self.assertEqual(self.output(program).strip(), self.options.version)
        self.assertEqual(self.output("pkg-config", "--modversion", "ringpost").strip(),
                         self.options.version)

    def test_program_of_the_readme_compiles_and_runs(self):
        if not os.path.exists(f"{self.prefix}/include/ringpost/ringpost.hpp"):
            self.skipTest("ringpost/ringpost.hpp is not installed")
        with open(os.path.join(HERE, "../../README.md"), encoding="utf-8") as readme:
            text = re.search(r"```cpp\n(.*?)```", readme.read(), re.S).group(1)
        source = os.path.join(self.folder, "readme.cpp")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        flags = self.output("pkg-config", "--cflags", "--libs", "ringpost").split()
        program = os.path.join(self.folder, "readme")
        self.output(self.options.compiler, "-std=c++20", *WARNINGS, source, "-o", program, *flags)
        self.assertEqual(self.output(program), "buy 100\n")

    def test_every_header_compiles_alone_without_warnings(self):
        include = f"{self.prefix}/include"
        headers = sorted(glob.glob(f"{include}/ringpost/**/*.hpp", recursive=True))
        self.assertTrue(headers)

        def compile_alone(header):
            name = os.path.relpath(header, include)
            return self.output(self.options.compiler, "-std=c++20", *WARNINGS, "-fsyntax-only",
                               f"-I{include}", "-include", name, "-x", "c++", "/dev/null")

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_alone, headers))

    def test_shared_library_has_its_version_in_its_name(self):
        major = 0
        self.assertIn(f"[libringpost.so.{major}]", self.output("readelf", "-d", self.library))
        self.assertTrue(os.path.realpath(self.library).endswith(f".so.{self.options.version}"))

    def test_shared_library_shows_only_ringpost(self):
        symbols = self.output("nm", "-D", "-C", "--defined-only", self.library).splitlines()
        shown = [line for line in symbols if re.match(r"\w+ [TDBR] ", line)]
        ours = re.compile(r"\w+ . ((typeinfo|typeinfo name|vtable|guard variable) for )?ringpost::")
        self.assertTrue(shown)
        self.assertEqual([line for line in shown if not ours.match(line)], [])
        self.assertEqual([line for line in shown if " ringpost::detail::" in line], [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    for option in ("--build-dir", "--compiler", "--version"):
        parser.add_argument(option, required=True)
    Package.options, sys.argv[1:] = parser.parse_known_args()
    gtest_report.main(Package)
