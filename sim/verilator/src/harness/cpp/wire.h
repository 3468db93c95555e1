// Reading job files and writing result files. All numbers are 64-bit little endian; the layout is the
// order of the calls here and in sim/src/harness/wire.rs.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "memory.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the harness copies beats between memory and ports and needs a little-endian machine"
#endif

namespace pecan {

[[noreturn]] inline void fail(const std::string& message) {
    std::fprintf(stderr, "simulator: %s\n", message.c_str());
    std::exit(1);
}

class Reader {
public:
    explicit Reader(const char* path)
        : m_file(std::fopen(path, "rb")) {
        if (!m_file) fail(std::string("cannot open the job file ") + path);
    }
    ~Reader() { std::fclose(m_file); }
    uint64_t number() {
        uint64_t value = 0;
        bytes(&value, sizeof value);
        return value;
    }
    void bytes(void* into, size_t count) {
        if (count != 0 && std::fread(into, 1, count, m_file) != count) fail("the job file is cut short");
    }
    std::vector<uint8_t> block() {
        std::vector<uint8_t> data(number());
        bytes(data.data(), data.size());
        return data;
    }
    void expect(const char* magic) {
        char found[8];
        bytes(found, 8);
        if (std::memcmp(found, magic, 8) != 0) fail(std::string("job file: expected ") + magic);
    }

private:
    FILE* m_file;
};

class Writer {
public:
    explicit Writer(const char* path)
        : m_file(std::fopen(path, "wb")) {
        if (!m_file) fail(std::string("cannot create the result file ") + path);
    }
    void number(uint64_t value) { bytes(&value, sizeof value); }
    void bytes(const void* from, size_t count) {
        if (count != 0 && std::fwrite(from, 1, count, m_file) != count) fail("cannot write the results");
    }
    void block(const uint8_t* from, size_t count) {
        number(count);
        bytes(from, count);
    }
    void close() {
        if (std::fclose(m_file) != 0) fail("cannot write the results");
    }

private:
    FILE* m_file;
};

struct Region {
    uint64_t address, bytes;
};

// What the device is sent and what it gives back.
struct Program {
    std::vector<Transfer> sends, receives;
    std::vector<uint8_t> dram;
};

struct Job {
    uint64_t id;  // what status register 0 must show
    MemoryTiming timing;
    uint64_t seed, stall_input, stall_output;  // probabilities in 2^-32
    uint64_t watchdog, max_cycles;
    bool whole_dram;
    bool record_pins;
    uint64_t first_run;  // number of the first run, so that a run's stalls do not depend on its process
    std::string wave;
    Region input, output;
    Program program;
    bool resident;  // whether runs after the first take `later`, which finds in the device what earlier runs loaded
    Program later;
    uint64_t runs;

    // Leaves the reader at the first run's input.
    Job(Reader& in, uint64_t beat_bytes, uint64_t counters) {
        in.expect("PECANJB1");
        if (in.number() != beat_bytes) fail("the job has another stream width than the model");
        if (in.number() != counters) fail("the job has another number of counters than the model");
        id = in.number();
        timing.numerator = in.number();
        timing.denominator = in.number();
        timing.latency = in.number();
        timing.window = in.number();
        seed = in.number();
        stall_input = in.number();
        stall_output = in.number();
        watchdog = in.number();
        max_cycles = in.number();
        whole_dram = in.number() != 0;
        record_pins = in.number() != 0;
        first_run = in.number();
        const auto name = in.block();
        wave.assign(name.begin(), name.end());
        input = Region{in.number(), 0};
        input.bytes = in.number();
        output = Region{in.number(), 0};
        output.bytes = in.number();
        read(in, program);
        resident = in.number() != 0;
        if (resident) read(in, later);
        runs = in.number();
    }

private:
    static void read(Reader& in, Program& program) {
        program.sends = transfers(in);
        program.receives = transfers(in);
        program.dram = in.block();
    }

    static std::vector<Transfer> transfers(Reader& in) {
        std::vector<Transfer> list(in.number());
        for (auto& transfer : list) {
            transfer.address = in.number();
            transfer.beats = in.number();
            transfer.wait = in.number();
        }
        return list;
    }
};

}  // namespace pecan
