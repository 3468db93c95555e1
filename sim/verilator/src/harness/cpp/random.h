// Random numbers for stalls: xorshift64* (S. Vigna, "An experimental exploration of Marsaglia's xorshift
// generators, scrambled", ACM TOMS 42(4), 2016), seeded through splitmix64.
#pragma once
#include <cstdint>

namespace pecan {

class Random {
public:
    explicit Random(uint64_t seed) {
        uint64_t z = seed + 0x9e3779b97f4a7c15ull;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        m_state = z ^ (z >> 31);
        if (m_state == 0) m_state = 1;
    }
    // True with probability threshold / 2^32.
    bool below(uint64_t threshold) {
        m_state ^= m_state >> 12;
        m_state ^= m_state << 25;
        m_state ^= m_state >> 27;
        return ((m_state * 0x2545f4914f6cdd1dull) >> 32) < threshold;
    }

private:
    uint64_t m_state;
};

}  // namespace pecan
