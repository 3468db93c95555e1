// Replays random handshakes against the memory model; the Rust test compares the offers of every cycle.
// Input (text): numerator denominator latency window beat_bytes, sends and receives as counts followed by
// (beats wait) pairs, then the number of cycles and one digit per cycle: bit 0 take, bit 1 give.
// Output: one digit per cycle: bit 0 read offered, bit 1 write accepted.
#include <iostream>

#include "memory.h"

int main() {
    pecan::MemoryTiming timing;
    uint64_t beat_bytes, cycles;
    std::cin >> timing.numerator >> timing.denominator >> timing.latency >> timing.window >> beat_bytes;
    std::vector<pecan::Transfer> lists[2];
    for (auto& list : lists) {
        size_t count;
        std::cin >> count;
        for (size_t i = 0; i < count; ++i) {
            pecan::Transfer transfer{0, 0, 0};
            std::cin >> transfer.beats >> transfer.wait;
            list.push_back(transfer);
        }
    }
    std::cin >> cycles;
    pecan::Memory memory(lists[0], lists[1], timing, beat_bytes);
    memory.restart();
    for (uint64_t i = 0; i < cycles; ++i) {
        int wish;
        std::cin >> wish;
        memory.begin_cycle();
        std::cout << (memory.read | memory.write << 1);
        memory.end_cycle(memory.read && (wish & 1), memory.write && (wish & 2));
    }
    std::cout << (memory.all_sent() | memory.all_received() << 1) << "\n";
}
