#include "relocations.h"

#include <cstring>

namespace astra {

namespace {

// The psABI's numbers and names.
constexpr Relocation kX86[] = {
    {0, "R_X86_64_NONE", Via::kSymbol, 0},          {1, "R_X86_64_64", Via::kSymbol, 8},
    {2, "R_X86_64_PC32", Via::kSymbol, 4},          {4, "R_X86_64_PLT32", Via::kCall, 4},
    {9, "R_X86_64_GOTPCREL", Via::kGot, 4},         {24, "R_X86_64_PC64", Via::kSymbol, 8},
    {41, "R_X86_64_GOTPCRELX", Via::kGot, 4},       {42, "R_X86_64_REX_GOTPCRELX", Via::kGot, 4},
};

enum Arm : uint32_t {
  kAbs64 = 257, kPrel64 = 260, kPrel32 = 261, kAdrPage = 275, kAddLow = 277, kLoad8 = 278, kJump = 282, kCall = 283,
  kLoad16 = 284, kLoad32 = 285, kLoad64 = 286, kLoad128 = 299, kAdrGotPage = 311, kLoadGotLow = 312,
};

constexpr Relocation kArm[] = {
    {0, "R_AARCH64_NONE", Via::kSymbol, 0},
    {kAbs64, "R_AARCH64_ABS64", Via::kSymbol, 8},
    {kPrel64, "R_AARCH64_PREL64", Via::kSymbol, 8},
    {kPrel32, "R_AARCH64_PREL32", Via::kSymbol, 4},
    {kAdrPage, "R_AARCH64_ADR_PREL_PG_HI21", Via::kSymbol, 4},
    {kAddLow, "R_AARCH64_ADD_ABS_LO12_NC", Via::kSymbol, 4},
    {kLoad8, "R_AARCH64_LDST8_ABS_LO12_NC", Via::kSymbol, 4},
    {kLoad16, "R_AARCH64_LDST16_ABS_LO12_NC", Via::kSymbol, 4},
    {kLoad32, "R_AARCH64_LDST32_ABS_LO12_NC", Via::kSymbol, 4},
    {kLoad64, "R_AARCH64_LDST64_ABS_LO12_NC", Via::kSymbol, 4},
    {kLoad128, "R_AARCH64_LDST128_ABS_LO12_NC", Via::kSymbol, 4},
    {kJump, "R_AARCH64_JUMP26", Via::kCall, 4},
    {kCall, "R_AARCH64_CALL26", Via::kCall, 4},
    {kAdrGotPage, "R_AARCH64_ADR_GOT_PAGE", Via::kGot, 4},
    {kLoadGotLow, "R_AARCH64_LD64_GOT_LO12_NC", Via::kGot, 4},
};

template <typename T>
void put(unsigned char *place, T value) {
  std::memcpy(place, &value, sizeof value);
}

bool put_relative_32(unsigned char *place, int64_t distance) {
  put(place, static_cast<int32_t>(distance));
  return distance == static_cast<int32_t>(distance);
}

// Replaces bits of an instruction.
void put_bits(unsigned char *place, uint32_t mask, uint32_t value) {
  uint32_t instruction;
  std::memcpy(&instruction, place, sizeof instruction);
  put(place, (instruction & ~mask) | (value & mask));
}

constexpr uint64_t page(uint64_t address) { return address & ~uint64_t{0xfff}; }

bool put_page(unsigned char *place, uint64_t at, uint64_t target) {
  const int64_t pages = static_cast<int64_t>(page(target) - page(at)) >> 12;
  const auto bits = static_cast<uint32_t>(pages);
  put_bits(place, 0x60ffffe0, (bits & 3) << 29 | (bits >> 2 & 0x7ffff) << 5);
  return pages >= -(1 << 20) && pages < 1 << 20;
}

// The low 12 bits of an address, as the offset of an access of 2^scale bytes.
bool put_low(unsigned char *place, uint64_t target, int scale) {
  put_bits(place, 0x003ffc00, static_cast<uint32_t>((target & 0xfff) >> scale) << 10);
  return target % (uint64_t{1} << scale) == 0;
}

bool put_branch(unsigned char *place, int64_t distance) {
  put_bits(place, 0x03ffffff, static_cast<uint32_t>(distance >> 2));
  return distance % 4 == 0 && distance >= -(int64_t{1} << 27) && distance < int64_t{1} << 27;
}

bool relocate_arm(uint32_t type, unsigned char *place, uint64_t at, uint64_t value) {
  const auto distance = static_cast<int64_t>(value - at);
  switch (type) {
    case kAbs64: return put(place, value), true;
    case kPrel64: return put(place, distance), true;
    case kPrel32: return put_relative_32(place, distance);
    case kAdrPage:
    case kAdrGotPage: return put_page(place, at, value);
    case kAddLow:
    case kLoad8: return put_low(place, value, 0);
    case kLoad16: return put_low(place, value, 1);
    case kLoad32: return put_low(place, value, 2);
    case kLoad64:
    case kLoadGotLow: return put_low(place, value, 3);
    case kLoad128: return put_low(place, value, 4);
    case kJump:
    case kCall: return put_branch(place, distance);
    default: return true;
  }
}

}  // namespace

const Relocation *find_relocation(Machine machine, uint32_t type) {
  if (machine == Machine::kX86) {
    for (const Relocation &known : kX86)
      if (known.type == type) return &known;
  } else {
    for (const Relocation &known : kArm)
      if (known.type == type) return &known;
  }
  return nullptr;
}

bool relocate(Machine machine, const Relocation &relocation, unsigned char *place, uint64_t at, uint64_t target,
              int64_t addend) {
  const uint64_t value = target + static_cast<uint64_t>(addend);
  if (machine == Machine::kArm) return relocate_arm(relocation.type, place, at, value);
  if (relocation.bytes == 0) return true;
  const bool relative = relocation.type != 1;
  if (relocation.bytes == 8) return put(place, relative ? value - at : value), true;
  return put_relative_32(place, static_cast<int64_t>(value - at));
}

bool write_stub(Machine machine, unsigned char *place, uint64_t at, uint64_t got) {
  if (machine == Machine::kX86) {
    place[0] = 0xff, place[1] = 0x25;  // jmp *[rip + distance]
    return put_relative_32(place + 2, static_cast<int64_t>(got - (at + 6)));
  }
  put(place, uint32_t{0x90000010});      // adrp x16, page
  put(place + 4, uint32_t{0xf9400210});  // ldr x16, [x16, low]
  put(place + 8, uint32_t{0xd61f0200});  // br x16
  return put_page(place, at, got) && put_low(place + 4, got, 3);
}

}  // namespace astra
