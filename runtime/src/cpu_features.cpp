#include "cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>
#endif

namespace astra {

namespace {

#if defined(__x86_64__)

enum Register { kEax, kEbx, kEcx, kEdx };
// What the operating system must save for the registers of a feature: bits of XCR0.
constexpr uint64_t kNone = 0, kAvx = 0x6, kAvx512 = 0xe6, kTiles = 0x60000;

struct Feature {
  std::string_view name;  // LLVM's
  uint32_t leaf, subleaf;
  Register place;
  int bit;
  uint64_t state;
};

// Intel's manual, volume 2A (CPUID), and AMD's, volume 3 appendix E.
constexpr Feature kFeatures[] = {
    {"64bit", 0x80000001, 0, kEdx, 29, kNone},     {"cmov", 1, 0, kEdx, 15, kNone},
    {"cx8", 1, 0, kEdx, 8, kNone},                 {"mmx", 1, 0, kEdx, 23, kNone},
    {"fxsr", 1, 0, kEdx, 24, kNone},               {"sse", 1, 0, kEdx, 25, kNone},
    {"sse2", 1, 0, kEdx, 26, kNone},               {"sse3", 1, 0, kEcx, 0, kNone},
    {"pclmul", 1, 0, kEcx, 1, kNone},              {"ssse3", 1, 0, kEcx, 9, kNone},
    {"fma", 1, 0, kEcx, 12, kAvx},                 {"cx16", 1, 0, kEcx, 13, kNone},
    {"sse4.1", 1, 0, kEcx, 19, kNone},             {"sse4.2", 1, 0, kEcx, 20, kNone},
    {"crc32", 1, 0, kEcx, 20, kNone},              {"movbe", 1, 0, kEcx, 22, kNone},
    {"popcnt", 1, 0, kEcx, 23, kNone},             {"aes", 1, 0, kEcx, 25, kNone},
    {"xsave", 1, 0, kEcx, 26, kNone},              {"avx", 1, 0, kEcx, 28, kAvx},
    {"f16c", 1, 0, kEcx, 29, kAvx},                {"rdrnd", 1, 0, kEcx, 30, kNone},
    {"fsgsbase", 7, 0, kEbx, 0, kNone},            {"bmi", 7, 0, kEbx, 3, kNone},
    {"avx2", 7, 0, kEbx, 5, kAvx},                 {"bmi2", 7, 0, kEbx, 8, kNone},
    {"invpcid", 7, 0, kEbx, 10, kNone},            {"rtm", 7, 0, kEbx, 11, kNone},
    {"avx512f", 7, 0, kEbx, 16, kAvx512},          {"avx512dq", 7, 0, kEbx, 17, kAvx512},
    {"rdseed", 7, 0, kEbx, 18, kNone},             {"adx", 7, 0, kEbx, 19, kNone},
    {"avx512ifma", 7, 0, kEbx, 21, kAvx512},       {"clflushopt", 7, 0, kEbx, 23, kNone},
    {"clwb", 7, 0, kEbx, 24, kNone},               {"avx512cd", 7, 0, kEbx, 28, kAvx512},
    {"sha", 7, 0, kEbx, 29, kNone},                {"avx512bw", 7, 0, kEbx, 30, kAvx512},
    {"avx512vl", 7, 0, kEbx, 31, kAvx512},         {"avx512vbmi", 7, 0, kEcx, 1, kAvx512},
    {"pku", 7, 0, kEcx, 4, kNone},                 {"waitpkg", 7, 0, kEcx, 5, kNone},
    {"avx512vbmi2", 7, 0, kEcx, 6, kAvx512},       {"shstk", 7, 0, kEcx, 7, kNone},
    {"gfni", 7, 0, kEcx, 8, kNone},                {"vaes", 7, 0, kEcx, 9, kAvx},
    {"vpclmulqdq", 7, 0, kEcx, 10, kAvx},          {"avx512vnni", 7, 0, kEcx, 11, kAvx512},
    {"avx512bitalg", 7, 0, kEcx, 12, kAvx512},     {"avx512vpopcntdq", 7, 0, kEcx, 14, kAvx512},
    {"rdpid", 7, 0, kEcx, 22, kNone},              {"cldemote", 7, 0, kEcx, 25, kNone},
    {"movdiri", 7, 0, kEcx, 27, kNone},            {"movdir64b", 7, 0, kEcx, 28, kNone},
    {"enqcmd", 7, 0, kEcx, 29, kNone},             {"uintr", 7, 0, kEdx, 5, kNone},
    {"avx512vp2intersect", 7, 0, kEdx, 8, kAvx512}, {"serialize", 7, 0, kEdx, 14, kNone},
    {"tsxldtrk", 7, 0, kEdx, 16, kNone},           {"pconfig", 7, 0, kEdx, 18, kNone},
    {"amx-bf16", 7, 0, kEdx, 22, kTiles},          {"avx512fp16", 7, 0, kEdx, 23, kAvx512},
    {"amx-tile", 7, 0, kEdx, 24, kTiles},          {"amx-int8", 7, 0, kEdx, 25, kTiles},
    {"avxvnni", 7, 1, kEax, 4, kAvx},              {"avx512bf16", 7, 1, kEax, 5, kAvx512},
    {"cmpccxadd", 7, 1, kEax, 7, kNone},           {"amx-fp16", 7, 1, kEax, 21, kTiles},
    {"hreset", 7, 1, kEax, 22, kNone},             {"avxifma", 7, 1, kEax, 23, kAvx},
    {"avxvnniint8", 7, 1, kEdx, 4, kAvx},          {"avxneconvert", 7, 1, kEdx, 5, kAvx},
    {"avxvnniint16", 7, 1, kEdx, 10, kAvx},        {"prefetchi", 7, 1, kEdx, 14, kNone},
    {"xsaveopt", 0xd, 1, kEax, 0, kNone},          {"xsavec", 0xd, 1, kEax, 1, kNone},
    {"xsaves", 0xd, 1, kEax, 3, kNone},            {"sahf", 0x80000001, 0, kEcx, 0, kNone},
    {"lzcnt", 0x80000001, 0, kEcx, 5, kNone},      {"sse4a", 0x80000001, 0, kEcx, 6, kNone},
    {"prfchw", 0x80000001, 0, kEcx, 8, kNone},     {"xop", 0x80000001, 0, kEcx, 11, kAvx},
    {"lwp", 0x80000001, 0, kEcx, 15, kNone},       {"fma4", 0x80000001, 0, kEcx, 16, kAvx},
    {"tbm", 0x80000001, 0, kEcx, 21, kNone},       {"mwaitx", 0x80000001, 0, kEcx, 29, kNone},
    {"clzero", 0x80000008, 0, kEbx, 0, kNone},     {"rdpru", 0x80000008, 0, kEbx, 4, kNone},
    {"wbnoinvd", 0x80000008, 0, kEbx, 9, kNone},
};

uint64_t saved_state() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c >> 27 & 1) == 0) return 0;  // no OSXSAVE
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | uint64_t{high} << 32;
}

bool has(std::string_view name) {
  for (const Feature &feature : kFeatures) {
    if (feature.name != name) continue;
    uint32_t registers[4];
    if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[0], &registers[1], &registers[2], &registers[3]))
      return false;
    return (registers[feature.place] >> feature.bit & 1) != 0 && (saved_state() & feature.state) == feature.state;
  }
  return false;
}

#else

// Every AArch64 processor has these; the baseline is all that is loaded there for now.
bool has(std::string_view name) { return name == "neon" || name == "fp-armv8"; }

#endif

}  // namespace

std::string missing_features(std::string_view required) {
  std::string missing;
  while (!required.empty()) {
    const size_t comma = required.find(',');
    const std::string_view one = required.substr(0, comma);
    required = comma == std::string_view::npos ? std::string_view() : required.substr(comma + 1);
    if (one.size() < 2 || one[0] != '+' || has(one.substr(1))) continue;
    if (!missing.empty()) missing += ", ";
    missing += one.substr(1);
  }
  return missing;
}

std::string_view architecture() {
#if defined(__x86_64__)
  return "x86_64";
#else
  return "aarch64";
#endif
}

}  // namespace astra
