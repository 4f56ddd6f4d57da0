// Conversions between float types that LLVM calls where the processor has no instruction for them, under the names of
// the compiler's own support library (which not every system has all of).
//
// A 16-bit float travels in the low bits of a floating-point register, so the functions here take and give a `float`
// whose low bits hold it: the same place on x86-64 and AArch64, and no compiler support for the types needed.
#include <cstdint>
#include <cstring>

#include "astra/runtime.h"

namespace {

template <typename To, typename From>
To bits(From value) {
  static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
  To result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

float in_register(uint16_t value) { return bits<float>(uint32_t{value}); }
uint16_t from_register(float value) { return static_cast<uint16_t>(bits<uint32_t>(value)); }

// Rounds a double to nearest-even in a format of 16 bits with `mantissa` stored mantissa bits.
uint16_t round_to_16(double value, int mantissa) {
  const uint64_t source = bits<uint64_t>(value);
  const uint16_t sign = static_cast<uint16_t>(source >> 63 << 15);
  const int exponent_bits = 15 - mantissa;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint16_t infinity = static_cast<uint16_t>(((1 << exponent_bits) - 1) << mantissa);
  const int exponent = static_cast<int>(source >> 52 & 0x7ff);
  uint64_t fraction = source & ((uint64_t{1} << 52) - 1);
  if (exponent == 0x7ff) {
    const uint16_t quiet = fraction == 0 ? 0 : static_cast<uint16_t>((fraction >> (52 - mantissa)) | 1u << (mantissa - 1));
    return static_cast<uint16_t>(sign | infinity | quiet);
  }
  if (exponent == 0) return sign;  // zero, or a double subnormal: far below the smallest 16-bit one
  int target = exponent - 1023 + bias;
  fraction |= uint64_t{1} << 52;
  int shift = 52 - mantissa;
  if (target <= 0) {
    shift += 1 - target;
    target = 0;
    if (shift > 54) return sign;
  }
  const uint64_t half = uint64_t{1} << (shift - 1);
  const uint64_t rest = fraction & ((uint64_t{1} << shift) - 1);
  uint64_t kept = fraction >> shift;
  if (rest > half || (rest == half && (kept & 1))) ++kept;
  // A normal number's kept bits include the leading one; adding lets a carry run into the exponent.
  const uint64_t result = target == 0 ? kept : (uint64_t(target - 1) << mantissa) + kept;
  return static_cast<uint16_t>(sign | (result >= infinity ? infinity : result));
}

float widen_half(uint16_t value) {
  const uint32_t sign = uint32_t{value} >> 15 << 31;
  const uint32_t exponent = value >> 10 & 0x1f;
  const uint32_t fraction = value & 0x3ff;
  if (exponent == 0x1f) return bits<float>(sign | 0x7f800000u | fraction << 13 | (fraction ? 0x400000u : 0u));
  if (exponent != 0) return bits<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

}  // namespace

extern "C" {

ASTRA_EXPORT float __truncsfhf2(float value) { return in_register(round_to_16(value, 10)); }
ASTRA_EXPORT float __truncdfhf2(double value) { return in_register(round_to_16(value, 10)); }
ASTRA_EXPORT float __truncsfbf2(float value) { return in_register(round_to_16(value, 7)); }
ASTRA_EXPORT float __truncdfbf2(double value) { return in_register(round_to_16(value, 7)); }
ASTRA_EXPORT float __extendhfsf2(float value) { return widen_half(from_register(value)); }
}
