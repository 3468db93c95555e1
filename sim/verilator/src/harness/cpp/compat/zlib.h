// The two functions of zlib that Verilator's FST writer calls, so that waveforms need no system library.
// Data is stored, not compressed (RFC 1950, RFC 1951 section 3.2.4); the FST writer then keeps the raw
// form, which is smaller. The bulk of a waveform goes through LZ4.
#pragma once
#include <cstring>

typedef unsigned char Bytef;
typedef unsigned long uLong;
typedef unsigned long uLongf;
#define Z_OK 0
#define Z_BUF_ERROR (-5)

inline uLong compressBound(uLong size) { return size + 5 * (size / 65535 + 1) + 6; }

inline int compress2(Bytef* target, uLongf* target_size, const Bytef* source, uLong size, int) {
    if (*target_size < compressBound(size)) return Z_BUF_ERROR;
    Bytef* out = target;
    *out++ = 0x78;
    *out++ = 0x01;
    uLong low = 1, high = 0;  // Adler-32
    uLong at = 0;
    do {
        const uLong count = size - at < 65535 ? size - at : 65535;
        *out++ = at + count == size;
        *out++ = static_cast<Bytef>(count);
        *out++ = static_cast<Bytef>(count >> 8);
        *out++ = static_cast<Bytef>(~count);
        *out++ = static_cast<Bytef>(~count >> 8);
        if (count) std::memcpy(out, source + at, count);
        out += count;
        for (uLong i = 0; i < count; ++i) {
            low = (low + source[at + i]) % 65521;
            high = (high + low) % 65521;
        }
        at += count;
    } while (at < size);
    *out++ = static_cast<Bytef>(high >> 8);
    *out++ = static_cast<Bytef>(high);
    *out++ = static_cast<Bytef>(low >> 8);
    *out++ = static_cast<Bytef>(low);
    *target_size = static_cast<uLongf>(out - target);
    return Z_OK;
}
