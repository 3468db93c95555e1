// Records the top-level pins of every cycle, for replaying a run on another model of the same design.
#pragma once
#include <cstdint>
#include <vector>

#include "Vpecan.h"
#include "ports.h"  // generated: kBeatWords, get_input(), get_output()

namespace pecan {

constexpr uint64_t kBeatBytes = 4 * kBeatWords;

// A record per cycle: flags, the layer (16 bits, little endian), the beat at the inputs, the beat at the outputs. The
// layout is the one that sim/src/harness/pins.rs reads.
class PinRecorder {
public:
    explicit PinRecorder(bool on)
        : m_on(on) {}

    // To be called with inputs applied and outputs settled, before the edge that ends the cycle.
    void record(const Vpecan& top) {
        if (!m_on) return;
        const size_t at = m_bytes.size();
        m_bytes.resize(at + 3 + 2 * kBeatBytes);
        uint8_t* into = &m_bytes[at];
        into[0] = static_cast<uint8_t>(top.reset | top.in_valid << 1 | top.in_ready << 2 | top.out_valid << 3
                                       | top.out_ready << 4 | top.done << 5 | top.error << 6);
        into[1] = static_cast<uint8_t>(top.layer);
        into[2] = static_cast<uint8_t>(top.layer >> 8);
        get_input(top, into + 3);
        get_output(top, into + 3 + kBeatBytes);
    }

    // What was recorded since the last call.
    std::vector<uint8_t> take() {
        std::vector<uint8_t> taken;
        taken.swap(m_bytes);
        return taken;
    }

private:
    const bool m_on;
    std::vector<uint8_t> m_bytes;
};

}  // namespace pecan
