// The two functions of LZ4 that Verilator's FST writer calls, so that waveforms need no system library.
// Emits the LZ4 block format with a greedy one-entry-per-hash matcher.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace pecan_lz4 {

inline uint8_t* put_length(uint8_t* out, size_t length) {
    for (; length >= 255; length -= 255) *out++ = 255;
    *out++ = static_cast<uint8_t>(length);
    return out;
}

// A sequence: literals, then (unless it is the last) a match of at least four bytes `distance` back.
inline uint8_t* put_sequence(uint8_t* out, const uint8_t* literals, size_t count, size_t match, size_t distance) {
    const size_t extra = match ? match - 4 : 0;
    *out++ = static_cast<uint8_t>((count < 15 ? count : 15) << 4 | (extra < 15 ? extra : 15));
    if (count >= 15) out = put_length(out, count - 15);
    if (count) std::memcpy(out, literals, count);
    out += count;
    if (match) {
        *out++ = static_cast<uint8_t>(distance);
        *out++ = static_cast<uint8_t>(distance >> 8);
        if (extra >= 15) out = put_length(out, extra - 15);
    }
    return out;
}

}  // namespace pecan_lz4

// `capacity` must be at least LZ4_compressBound(size), as it is at every call site.
inline int LZ4_compress_default(const char* source, char* target, int size, int capacity) {
    if (capacity < LZ4_compressBound(size)) return 0;
    const uint8_t* const in = reinterpret_cast<const uint8_t*>(source);
    uint8_t* out = reinterpret_cast<uint8_t*>(target);
    const size_t total = static_cast<size_t>(size);
    std::vector<uint32_t> table(1 << 12, 0);  // position + 1 of the last occurrence of a hash
    size_t anchor = 0;
    // The format wants the last match to start 12 bytes and to end 5 bytes before the end.
    for (size_t at = 0; at + 12 < total;) {
        uint32_t word;
        std::memcpy(&word, in + at, 4);
        uint32_t& slot = table[(word * 2654435761u) >> 20];
        const size_t seen = slot;
        slot = static_cast<uint32_t>(at + 1);
        if (seen == 0 || at + 1 - seen > 65535 || std::memcmp(in + seen - 1, &word, 4) != 0) {
            ++at;
            continue;
        }
        const size_t from = seen - 1;
        size_t length = 4;
        while (at + length + 5 < total && in[from + length] == in[at + length]) ++length;
        out = pecan_lz4::put_sequence(out, in + anchor, at - anchor, length, at - from);
        at += length;
        anchor = at;
    }
    out = pecan_lz4::put_sequence(out, in + anchor, total - anchor, 0, 0);
    return static_cast<int>(out - reinterpret_cast<uint8_t*>(target));
}
