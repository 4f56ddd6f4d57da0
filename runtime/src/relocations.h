// Relocations of position-independent code: how the bytes at a place depend on where symbols are.
#pragma once

#include <cstdint>

namespace astra {

// What a relocation refers to beside its symbol.
enum class Via {
  kSymbol,  // the symbol itself
  kCall,    // the symbol, or a stub that jumps there when it is too far away
  kGot,     // a word that holds the symbol's address
};

struct Relocation {
  uint32_t type;
  const char *name;
  Via via;
  int bytes;  // that are written
};

enum class Machine { kX86, kArm };

constexpr uint32_t kStubBytes = 16;

// The relocation of a type, or null for one that position-independent code of LLVM does not have.
const Relocation *find_relocation(Machine machine, uint32_t type);

// Writes a relocation at `place`, which will run at address `at`: for `target` (symbol, stub or word, as `via` says) and
// an addend.  False when the distance does not fit.
bool relocate(Machine machine, const Relocation &relocation, unsigned char *place, uint64_t at, uint64_t target, int64_t addend);

// Writes a stub that jumps to the address in the word at `got`; the stub runs at address `at`.
bool write_stub(Machine machine, unsigned char *place, uint64_t at, uint64_t got);

}  // namespace astra
