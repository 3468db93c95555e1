// The Verilated model behind the port contract: clock edges, streams, status registers, waveform.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "Vpecan.h"
#include "ports.h"  // generated: kBeatWords, kCounters, set_input(), get_output()
#include "pins.h"
#include "verilated.h"
#include "wire.h"
#if PECAN_WAVE_FST
#include "verilated_fst_c.h"
#elif PECAN_WAVE_VCD
#include "verilated_vcd_c.h"
#endif

namespace pecan {

constexpr int kResetCycles = 4;

class Device {
public:
    Device(const std::string& wave, bool record_pins)
        : pins(record_pins)
        , top(new Vpecan{&m_context, "pecan"}) {
#if PECAN_WAVE_FST || PECAN_WAVE_VCD
        if (!wave.empty()) {
            m_context.traceEverOn(true);
            m_trace.reset(new Trace);
            top->trace(m_trace.get(), 99);
            m_trace->open(wave.c_str());
            if (!m_trace->isOpen()) fail("cannot create the waveform file " + wave);
        }
#else
        if (!wave.empty()) fail("this model was built without waveform support");
#endif
    }
    ~Device() {
#if PECAN_WAVE_FST || PECAN_WAVE_VCD
        if (m_trace) m_trace->close();
#endif
        top->final();
    }

    void reset() {
        top->reset = 1;
        top->in_valid = 0;
        top->out_ready = 0;
        top->status_addr = 0;
        const uint8_t zeros[kBeatBytes] = {};
        set_input(*top, zeros);
        for (int i = 0; i < kResetCycles; ++i) {
            settle();
            edge();
        }
        top->reset = 0;
    }

    // Lets the inputs of this cycle propagate with the clock low.
    void settle() {
        top->clock = 0;
        // What the harness read between cycles is not part of the run.
        top->status_addr = 0;
        top->eval();
        pins.record(*top);
        dump();
    }
    // The rising edge that ends the cycle.
    void edge() {
        top->clock = 1;
        top->eval();
        dump();
    }

    // Status registers are combinational: reading them between edges takes no simulated time.
    uint32_t status(uint32_t address) {
        top->status_addr = address;
        top->eval();
        return top->status_data;
    }
    void counters(std::vector<uint64_t>& into) {
        for (uint32_t k = 0; k < kCounters; ++k) {
            const uint64_t low = status(16 + 2 * k);
            into.push_back(low | static_cast<uint64_t>(status(17 + 2 * k)) << 32);
        }
    }

private:
    void dump() {
#if PECAN_WAVE_FST || PECAN_WAVE_VCD
        if (m_trace) m_trace->dump(m_time);
        m_time += 5;  // a clock period of 10 time units
#endif
    }

    VerilatedContext m_context;

public:
    PinRecorder pins;
    const std::unique_ptr<Vpecan> top;

private:
#if PECAN_WAVE_FST
    using Trace = VerilatedFstC;
#elif PECAN_WAVE_VCD
    using Trace = VerilatedVcdC;
#endif
#if PECAN_WAVE_FST || PECAN_WAVE_VCD
    std::unique_ptr<Trace> m_trace;
    uint64_t m_time = 0;
#endif
};

}  // namespace pecan
