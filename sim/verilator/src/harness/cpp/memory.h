// Timing of the memory behind the streams. The rule is written down in sim/src/memory.rs, and a test
// compares the two implementations cycle by cycle.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace pecan {

// denominator == 0 selects the ideal memory.
struct MemoryTiming {
    uint64_t numerator = 0;
    uint64_t denominator = 0;
    uint64_t latency = 0;
    uint64_t window = 1;
};

struct Transfer {
    uint64_t address;
    uint64_t beats;
    uint64_t wait;  // transfers of the other direction that must be complete first
};

// Position in the transfers of one direction.
struct Cursor {
    size_t done = 0;
    uint64_t beat = 0;

    bool pending(const std::vector<Transfer>& list, const Cursor& others) const {
        return done < list.size() && list[done].wait <= others.done;
    }
    void advance(const std::vector<Transfer>& list) {
        if (++beat == list[done].beats) {
            ++done;
            beat = 0;
        }
    }
    uint64_t address(const std::vector<Transfer>& list, uint64_t beat_bytes) const {
        return list[done].address + beat * beat_bytes;
    }
};

class Memory {
public:
    Memory(const std::vector<Transfer>& sends, const std::vector<Transfer>& receives,
           const MemoryTiming& timing, uint64_t beat_bytes)
        : m_sends(sends)
        , m_receives(receives)
        , m_timing(timing)
        , m_beat_bytes(beat_bytes)
        , m_cost(timing.denominator * beat_bytes)
        , m_ready(timing.window) {}

    void restart() {
        m_cycle = m_credit = m_fetched = 0;
        m_head = 0;
        m_issued = m_taken = m_written = Cursor{};
    }

    void begin_cycle() {
        write = m_written.pending(m_receives, m_taken);
        if (m_timing.denominator == 0) {
            read = m_taken.pending(m_sends, m_written);
            return;
        }
        m_credit = std::min(m_credit + m_timing.numerator, m_timing.numerator + m_cost);
        read = m_fetched != 0 && m_ready[m_head] <= m_cycle;
        write = write && m_credit >= m_cost;
    }

    void end_cycle(bool was_read, bool was_written) {
        if (was_written) {
            m_written.advance(m_receives);
            m_credit -= m_cost;
        }
        if (was_read) {
            m_taken.advance(m_sends);
            if (m_timing.denominator != 0) {
                m_head = m_head + 1 == m_ready.size() ? 0 : m_head + 1;
                --m_fetched;
            }
        }
        if (m_timing.denominator != 0 && m_fetched < m_timing.window && m_credit >= m_cost
            && m_issued.pending(m_sends, m_written)) {
            m_credit -= m_cost;
            m_issued.advance(m_sends);
            size_t slot = m_head + m_fetched;
            if (slot >= m_ready.size()) slot -= m_ready.size();
            m_ready[slot] = m_cycle + 1 + m_timing.latency;
            ++m_fetched;
        }
        ++m_cycle;
    }

    bool all_sent() const { return m_taken.done == m_sends.size(); }
    bool all_received() const { return m_written.done == m_receives.size(); }
    // Valid while `read` / `write` is set.
    uint64_t read_address() const { return m_taken.address(m_sends, m_beat_bytes); }
    uint64_t write_address() const { return m_written.address(m_receives, m_beat_bytes); }

    bool read = false;   // a beat for the device is available in this cycle
    bool write = false;  // a beat from the device would be accepted in this cycle

private:
    const std::vector<Transfer>& m_sends;
    const std::vector<Transfer>& m_receives;
    const MemoryTiming m_timing;
    const uint64_t m_beat_bytes;
    const uint64_t m_cost;
    uint64_t m_cycle = 0;
    uint64_t m_credit = 0;
    uint64_t m_fetched = 0;  // beats issued and not yet taken
    size_t m_head = 0;
    std::vector<uint64_t> m_ready;  // ring: cycle from which each issued beat is available
    Cursor m_issued, m_taken, m_written;
};

}  // namespace pecan
