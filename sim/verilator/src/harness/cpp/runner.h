// Runs a program on the device: streams, memory, watchdog, snapshots of the counters.
#pragma once
#include "device.h"
#include "random.h"
#include "wire.h"

namespace pecan {

enum class Outcome : uint64_t { Done = 0, Error = 1, Starved = 2, Stalled = 3, CycleLimit = 4, Incomplete = 5 };

struct Snapshot {
    uint64_t layer, cycle;
};

struct RunResult {
    Outcome outcome;
    uint64_t code = 0;
    uint64_t cycles = 0;
    uint64_t sent = 0, received = 0;  // beats
    uint64_t pins = 0;                // in_valid, in_ready, out_valid, out_ready in the last cycle
    std::vector<Snapshot> layers;
    std::vector<uint64_t> counters;  // at the start, at each snapshot, at the end
};

// What the benchmark needs to replay a run without its bookkeeping; one byte per cycle.
enum : uint8_t { kOffer = 1, kAccept = 2, kTaken = 4 };
struct Recording {
    std::vector<uint8_t> cycles;
    std::vector<uint8_t> beats;
};

class Runner {
public:
    Runner(Device& device, const Job& job, const Program& program)
        : m_device(device)
        , m_job(job)
        , m_program(program)
        , m_dram(program.dram)
        , m_memory(program.sends, program.receives, job.timing, kBeatBytes) {}

    // Every run starts from the same memory, whatever earlier runs left behind.
    void prepare(const std::vector<uint8_t>& input) {
        for (const auto& transfer : m_program.receives) {
            std::memcpy(&m_dram[transfer.address], &m_program.dram[transfer.address], transfer.beats * kBeatBytes);
        }
        if (!input.empty()) std::memcpy(&m_dram[m_job.input.address], input.data(), input.size());
    }

    RunResult run(uint64_t number, Recording* recording) {
        Vpecan& top = *m_device.top;
        Random random(m_job.seed + number);
        RunResult result;
        m_device.counters(result.counters);
        m_memory.restart();
        bool restarted = !top.done;  // `done` of the previous run stays up until this run's header
        uint32_t layer = top.layer;
        uint64_t last_progress = 0;
        for (uint64_t cycle = 0;;) {
            m_memory.begin_cycle();
            const bool stall_input = m_job.stall_input && random.below(m_job.stall_input);
            const bool stall_output = m_job.stall_output && random.below(m_job.stall_output);
            const bool offer = m_memory.read && !stall_input;
            const bool accept = m_memory.write && !stall_output;
            top.in_valid = offer;
            top.out_ready = accept;
            if (offer) set_input(top, beat(m_memory.read_address()));
            m_device.settle();
            const bool taken = offer && top.in_ready;
            const bool given = accept && top.out_valid;
            if (given) get_output(top, beat(m_memory.write_address()));
            if (recording) record(*recording, offer, accept, taken);
            result.pins = offer | top.in_ready << 1 | top.out_valid << 2 | accept << 3;
            m_device.edge();
            ++cycle;
            m_memory.end_cycle(taken, given);
            result.sent += taken;
            result.received += given;
            if (taken || given) last_progress = cycle;
            if (top.layer != layer) {
                // A header may set the count back to zero; only an increment ends a layer.
                if (top.layer == static_cast<uint16_t>(layer + 1)) {
                    result.layers.push_back({top.layer, cycle});
                    m_device.counters(result.counters);
                }
                layer = top.layer;
                last_progress = cycle;
            }
            restarted = restarted || !top.done;
            if (top.error || (restarted && top.done) || cycle - last_progress >= m_job.watchdog
                || cycle >= m_job.max_cycles) {
                result.cycles = cycle;
                finish(result, restarted && top.done, cycle - last_progress >= m_job.watchdog);
                return result;
            }
        }
    }

    void write(const RunResult& result, Writer& out) const {
        out.number(static_cast<uint64_t>(result.outcome));
        out.number(result.code);
        out.number(result.cycles);
        out.number(result.sent * kBeatBytes);
        out.number(result.received * kBeatBytes);
        out.number(result.pins);
        out.number(result.layers.size());
        for (const auto& snapshot : result.layers) {
            out.number(snapshot.layer);
            out.number(snapshot.cycle);
        }
        for (const uint64_t value : result.counters) out.number(value);
        out.block(&m_dram[m_job.output.address], m_job.output.bytes);
        out.block(m_dram.data(), m_job.whole_dram ? m_dram.size() : 0);
        const auto pins = m_device.pins.take();
        out.block(pins.data(), pins.size());
    }

private:
    uint8_t* beat(uint64_t address) { return &m_dram[address]; }

    void record(Recording& recording, bool offer, bool accept, bool taken) {
        recording.cycles.push_back((offer ? kOffer : 0) | (accept ? kAccept : 0) | (taken ? kTaken : 0));
        if (taken) {
            const uint8_t* from = beat(m_memory.read_address());
            recording.beats.insert(recording.beats.end(), from, from + kBeatBytes);
        }
    }

    void finish(RunResult& result, bool done, bool stuck) {
        const Vpecan& top = *m_device.top;
        if (top.error) {
            result.outcome = Outcome::Error;
            result.code = m_device.status(1) & 0xff;
        } else if (done) {
            const bool complete = m_memory.all_sent() && m_memory.all_received();
            result.outcome = complete ? Outcome::Done : Outcome::Incomplete;
        } else if (stuck) {
            const bool starved = m_memory.all_sent() && (result.pins & 2) != 0;
            result.outcome = starved ? Outcome::Starved : Outcome::Stalled;
        } else {
            result.outcome = Outcome::CycleLimit;
        }
        m_device.counters(result.counters);
    }

    Device& m_device;
    const Job& m_job;
    const Program& m_program;
    std::vector<uint8_t> m_dram;
    Memory m_memory;
};

}  // namespace pecan
