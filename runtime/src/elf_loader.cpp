// Objects are not trusted to be well formed: every offset, size and index is checked before it is used.  They are trusted
// as code is.
#include "elf_loader.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "relocations.h"

namespace astra {

namespace {

#if defined(__x86_64__)
constexpr Machine kMachine = Machine::kX86;
constexpr unsigned kElfMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Machine kMachine = Machine::kArm;
constexpr unsigned kElfMachine = EM_AARCH64;
#else
#error "the loader knows the relocations of x86-64 and AArch64"
#endif

// Far more than any program has; so that sums of sizes do not overflow.
constexpr uint64_t kMostBytes = uint64_t{1} << 31;

[[noreturn]] void refuse(const std::string &what) { throw LoadError("object code cannot be loaded: " + what); }

uint64_t round_up(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

enum Group { kCode, kConstants, kVariables, kGroups };

// --- reading ------------------------------------------------------------------------------------------------------

class Object {
public:
  Object(Bytes bytes, size_t number) : bytes_(bytes), number_(number) {
    header_ = read<Elf64_Ehdr>(0, "its header");
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) fail("it is not an ELF file");
    if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB || header_.e_type != ET_REL)
      fail("it is not a relocatable 64-bit little-endian file");
    if (header_.e_machine != kElfMachine) fail("it is for machine " + std::to_string(header_.e_machine) + ", not this one");
    if (header_.e_shentsize != sizeof(Elf64_Shdr)) fail("its section headers have an unknown size");
    for (unsigned i = 0; i < header_.e_shnum; ++i)
      sections_.push_back(read<Elf64_Shdr>(checked_sum(header_.e_shoff, i * sizeof(Elf64_Shdr)), "a section header"));
    for (const Elf64_Shdr &section : sections_) {
      if (section.sh_type != SHT_SYMTAB) continue;
      if (!symbols_.empty()) fail("it has two symbol tables");
      read_symbols(section);
    }
  }

  [[noreturn]] void fail(const std::string &what) const { refuse("object " + std::to_string(number_) + ": " + what); }

  const std::vector<Elf64_Shdr> &sections() const { return sections_; }
  const std::vector<Elf64_Sym> &symbols() const { return symbols_; }

  const Elf64_Shdr &section(uint64_t index) const {
    if (index >= sections_.size()) fail("it names a section that it does not have");
    return sections_[index];
  }
  const Elf64_Sym &symbol(uint64_t index) const {
    if (index >= symbols_.size()) fail("it names a symbol that it does not have");
    return symbols_[index];
  }

  const unsigned char *content(const Elf64_Shdr &section) const {
    check_range(section.sh_offset, section.sh_size, "a section");
    return bytes_.data + section.sh_offset;
  }

  std::string name_of(const Elf64_Sym &symbol) const { return text(strings_, symbol.st_name); }
  std::string name_of(const Elf64_Shdr &section) const {
    return header_.e_shstrndx < sections_.size() ? text(sections_[header_.e_shstrndx], section.sh_name) : "";
  }

  template <typename T>
  T read(uint64_t offset, const char *what) const {
    check_range(offset, sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_.data + offset, sizeof value);
    return value;
  }

private:
  void check_range(uint64_t offset, uint64_t size, const char *what) const {
    if (offset > bytes_.size || size > bytes_.size - offset) fail(std::string("it ends within ") + what);
  }
  uint64_t checked_sum(uint64_t a, uint64_t b) const {
    if (a > bytes_.size) fail("it ends within a section header");
    return a + b;
  }

  void read_symbols(const Elf64_Shdr &table) {
    if (table.sh_entsize != sizeof(Elf64_Sym)) fail("its symbols have an unknown size");
    content(table);
    strings_ = section(table.sh_link);
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym))
      symbols_.push_back(read<Elf64_Sym>(table.sh_offset + at, "a symbol"));
  }

  std::string text(const Elf64_Shdr &table, uint64_t offset) const {
    const auto *begin = reinterpret_cast<const char *>(content(table));
    if (offset >= table.sh_size) fail("a name lies outside of its table");
    const size_t limit = table.sh_size - offset, length = strnlen(begin + offset, limit);
    if (length == limit) fail("a name does not end");
    return {begin + offset, length};
  }

  Bytes bytes_;
  size_t number_;
  Elf64_Ehdr header_{};
  Elf64_Shdr strings_{};
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Sym> symbols_;
};

bool is_loaded(const Object &object, const Elf64_Shdr &section) {
  // Nothing unwinds through compiled code: it calls nothing that throws.
  return (section.sh_flags & SHF_ALLOC) != 0 && section.sh_size > 0 && object.name_of(section) != ".eh_frame";
}

Group group_of(const Object &object, const Elf64_Shdr &section) {
  if ((section.sh_flags & SHF_TLS) != 0) object.fail("it has thread-local variables");
  if ((section.sh_flags & SHF_EXECINSTR) != 0) {
    if ((section.sh_flags & SHF_WRITE) != 0) object.fail("it has code that is writable");
    return kCode;
  }
  return (section.sh_flags & SHF_WRITE) != 0 ? kVariables : kConstants;
}

// --- linking ------------------------------------------------------------------------------------------------------

class Linker {
public:
  Linker(const std::vector<Bytes> &contents, Resolver resolve) : resolve_(resolve) {
    for (const Bytes &content : contents) objects_.emplace_back(content, objects_.size());
    lay_out();
  }

  uint64_t size() const { return size_; }

  // Fills the mapping, which stays where it is.
  std::map<std::string, void *, std::less<>> link(unsigned char *base) {
    base_ = base;
    copy_sections();
    find_globals();
    for (size_t i = 0; i < objects_.size(); ++i) relocate_object(i);
    return std::move(globals_);
  }

  void protect() const {
    constexpr int modes[kGroups] = {PROT_READ | PROT_EXEC, PROT_READ, PROT_READ | PROT_WRITE};
    for (int group = 0; group < kGroups; ++group) {
      const uint64_t size = starts_[group + 1] - starts_[group];
      if (size > 0 && mprotect(base_ + starts_[group], size, modes[group]) != 0) refuse("the system does not let it be executed");
    }
    __builtin___clear_cache(reinterpret_cast<char *>(base_), reinterpret_cast<char *>(base_ + starts_[1]));
  }

private:
  void add_bytes(uint64_t &at, uint64_t size) const {
    if (size > kMostBytes || at > kMostBytes) refuse("it is larger than 2 GiB");
    at += size;
  }

  // Code with its stubs, then constants with the words that hold addresses, then variables: each on pages of its own.
  void lay_out() {
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    uint64_t at = 0, symbols = 0;
    for (const Object &object : objects_) {
      offsets_.emplace_back(object.sections().size());
      symbols += object.symbols().size();
    }
    for (int group = 0; group < kGroups; ++group) {
      starts_[group] = at;
      for (size_t i = 0; i < objects_.size(); ++i) {
        for (size_t s = 0; s < objects_[i].sections().size(); ++s) {
          const Elf64_Shdr &section = objects_[i].sections()[s];
          if (!is_loaded(objects_[i], section) || group_of(objects_[i], section) != group) continue;
          const uint64_t alignment = std::max<uint64_t>(section.sh_addralign, 1);
          if ((alignment & (alignment - 1)) != 0 || alignment > page) objects_[i].fail("a section has an odd alignment");
          at = round_up(at, alignment);
          offsets_[i][s] = at;
          add_bytes(at, section.sh_size);
        }
      }
      at = round_up(at, kStubBytes);
      if (group == kCode) stubs_ = at, add_bytes(at, symbols * kStubBytes);
      if (group == kConstants) words_ = at, add_bytes(at, symbols * sizeof(uint64_t));
      at = round_up(at, page);
    }
    starts_[kGroups] = size_ = at;
  }

  void copy_sections() {
    for (size_t i = 0; i < objects_.size(); ++i)
      for (size_t s = 0; s < objects_[i].sections().size(); ++s) {
        const Elf64_Shdr &section = objects_[i].sections()[s];
        if (!offsets_[i][s] || section.sh_type == SHT_NOBITS) continue;  // the mapping is zero
        std::memcpy(base_ + *offsets_[i][s], objects_[i].content(section), section.sh_size);
      }
  }

  // Where a symbol that its object defines is; null for one in a section that is not loaded.
  void *place_of(size_t object, const Elf64_Sym &symbol) const {
    if (symbol.st_shndx == SHN_ABS) return reinterpret_cast<void *>(symbol.st_value);
    if (symbol.st_shndx == SHN_COMMON || symbol.st_shndx >= SHN_LORESERVE) objects_[object].fail("it has symbols that are in no section");
    const Elf64_Shdr &section = objects_[object].section(symbol.st_shndx);
    if (!offsets_[object][symbol.st_shndx]) return nullptr;
    if (symbol.st_value > section.sh_size) objects_[object].fail("a symbol lies outside of its section");
    return base_ + *offsets_[object][symbol.st_shndx] + symbol.st_value;
  }

  void find_globals() {
    std::map<std::string, bool> weak;
    for (size_t i = 0; i < objects_.size(); ++i)
      for (const Elf64_Sym &symbol : objects_[i].symbols()) {
        const unsigned binding = ELF64_ST_BIND(symbol.st_info), type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL) continue;
        const std::string name = objects_[i].name_of(symbol);
        if (binding != STB_GLOBAL && binding != STB_WEAK) objects_[i].fail("symbol '" + name + "' has an unknown binding");
        if (type == STT_TLS || type == STT_GNU_IFUNC) objects_[i].fail("symbol '" + name + "' is of a kind not supported");
        const auto known = weak.find(name);
        if (known != weak.end() && !known->second && binding == STB_GLOBAL) objects_[i].fail("symbol '" + name + "' is defined twice");
        if (known != weak.end() && binding == STB_WEAK) continue;
        weak[name] = binding == STB_WEAK;
        globals_[name] = place_of(i, symbol);
      }
  }

  void *resolve(size_t object, const Elf64_Sym &symbol) {
    if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) return place_of(object, symbol);
    const std::string name = objects_[object].name_of(symbol);
    const auto known = globals_.find(name);
    if (known != globals_.end()) return known->second;
    if (symbol.st_shndx != SHN_UNDEF) return place_of(object, symbol);
    void *const found = resolve_(name.c_str());
    if (found == nullptr && ELF64_ST_BIND(symbol.st_info) != STB_WEAK)
      objects_[object].fail("it uses symbol '" + name + "', which is neither in it nor in the runtime");
    return found;
  }

  uint64_t word_of(void *address) {
    const auto [at, is_new] = word_numbers_.try_emplace(address, word_numbers_.size());
    const uint64_t offset = words_ + at->second * sizeof(uint64_t);
    if (is_new) std::memcpy(base_ + offset, &address, sizeof address);
    return reinterpret_cast<uint64_t>(base_) + offset;
  }

  uint64_t stub_of(void *address) {
    const auto [at, is_new] = stub_numbers_.try_emplace(address, stub_numbers_.size());
    const uint64_t offset = stubs_ + at->second * kStubBytes, place = reinterpret_cast<uint64_t>(base_) + offset;
    if (is_new && !write_stub(kMachine, base_ + offset, place, word_of(address))) refuse("a stub is too far from its word");
    return place;
  }

  void relocate_object(size_t number) {
    const Object &object = objects_[number];
    for (const Elf64_Shdr &table : object.sections()) {
      if (table.sh_type == SHT_REL) object.fail("it has relocations without addends");
      if (table.sh_type != SHT_RELA) continue;
      const Elf64_Shdr &section = object.section(table.sh_info);
      const std::optional<uint64_t> start = offsets_[number][table.sh_info];
      if (!start) continue;
      if (table.sh_entsize != sizeof(Elf64_Rela)) object.fail("its relocations have an unknown size");
      object.content(table);
      for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= table.sh_size; at += sizeof(Elf64_Rela))
        apply(number, section, *start, object.read<Elf64_Rela>(table.sh_offset + at, "a relocation"));
    }
  }

  void apply(size_t number, const Elf64_Shdr &section, uint64_t start, const Elf64_Rela &entry) {
    const Object &object = objects_[number];
    const auto type = static_cast<uint32_t>(ELF64_R_TYPE(entry.r_info));
    const Relocation *const known = find_relocation(kMachine, type);
    if (known == nullptr) object.fail("it has a relocation of type " + std::to_string(type) + ", which is not supported");
    if (entry.r_offset > section.sh_size || static_cast<uint64_t>(known->bytes) > section.sh_size - entry.r_offset ||
        section.sh_type == SHT_NOBITS)
      object.fail(std::string("a ") + known->name + " lies outside of its section");
    if (known->bytes == 0) return;
    const Elf64_Sym &symbol = object.symbol(ELF64_R_SYM(entry.r_info));
    void *const address = resolve(number, symbol);
    unsigned char *const place = base_ + start + entry.r_offset;
    const auto at = reinterpret_cast<uint64_t>(place), target = reinterpret_cast<uint64_t>(address);
    bool fits = false;
    if (known->via == Via::kGot) {
      fits = relocate(kMachine, *known, place, at, word_of(address), entry.r_addend);
    } else {
      fits = relocate(kMachine, *known, place, at, target, entry.r_addend);
      if (!fits && known->via == Via::kCall) fits = relocate(kMachine, *known, place, at, stub_of(address), entry.r_addend);
    }
    if (!fits) object.fail(std::string("a ") + known->name + " to '" + object.name_of(symbol) + "' does not reach");
  }

  Resolver resolve_;
  std::vector<Object> objects_;
  std::vector<std::vector<std::optional<uint64_t>>> offsets_;  // of loaded sections in the mapping
  uint64_t starts_[kGroups + 1]{}, stubs_ = 0, words_ = 0, size_ = 0;
  unsigned char *base_ = nullptr;
  std::map<std::string, void *, std::less<>> globals_;
  std::map<void *, uint64_t> word_numbers_, stub_numbers_;
};

}  // namespace

LoadedCode::LoadedCode(const std::vector<Bytes> &objects, Resolver resolve) {
  Linker linker(objects, resolve);
  if (linker.size() == 0) refuse("there is none");
  void *const mapping = mmap(nullptr, linker.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  base_ = mapping;
  size_ = linker.size();
  try {
    globals_ = linker.link(static_cast<unsigned char *>(mapping));
    linker.protect();
  } catch (...) {
    munmap(base_, size_);
    throw;
  }
}

LoadedCode::~LoadedCode() {
  if (base_ != nullptr) munmap(base_, size_);
}

void *LoadedCode::address(std::string_view symbol) const {
  const auto found = globals_.find(symbol);
  return found == globals_.end() ? nullptr : found->second;
}

}  // namespace astra
