// Writing messages of protocol buffers, as far as PJRT's callers want them: numbers, and what has a length.
#ifndef ASTRA_PJRT_WIRE_H
#define ASTRA_PJRT_WIRE_H

#include <cstdint>
#include <string>

namespace astra::pjrt {

inline void append_varint(std::string &bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
}

inline void append_number(std::string &bytes, int field, uint64_t value) {
  append_varint(bytes, static_cast<uint64_t>(field) << 3);
  append_varint(bytes, value);
}

inline void append_bytes(std::string &bytes, int field, const std::string &value) {
  append_varint(bytes, static_cast<uint64_t>(field) << 3 | 2);
  append_varint(bytes, value.size());
  bytes += value;
}

}  // namespace astra::pjrt

#endif
