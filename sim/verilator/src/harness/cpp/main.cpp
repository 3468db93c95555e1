// The simulator: runs the jobs that the Rust side writes, or measures the harness against a bare loop.
//   simulator run JOB RESULT
//   simulator bench JOB RESULT
#include <ctime>

#include "runner.h"
#if defined(__linux__)
#include <csignal>
#include <sys/prctl.h>
#endif

using namespace pecan;

namespace {

uint64_t cpu_nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

// A simulation whose parent was killed would otherwise run on unseen.
void die_with_parent() {
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

void run(Reader& in, const Job& job, Device& device, Writer& out) {
    Runner first(device, job, job.program), later(device, job, job.later);
    const uint64_t start = cpu_nanoseconds();
    uint64_t cycles = 0;
    bool loaded = false;
    const auto run_once = [&](Runner& runner, const std::vector<uint8_t>& input, uint64_t index) {
        runner.prepare(input);
        RunResult result = runner.run(job.first_run + index, nullptr);
        cycles += result.cycles;
        loaded = job.resident && result.outcome == Outcome::Done;
        // The state after a failure is unknown; the next run must not inherit it.
        if (result.outcome != Outcome::Done) device.reset();
        return result;
    };
    for (uint64_t index = 0; index < job.runs; ++index) {
        const auto input = in.block();
        // Only the user's first run loads what stays, in whatever process the others are; so a result does not
        // depend on how runs are dealt out.
        Runner* runner = &first;
        RunResult result;
        bool failed = false;
        if (job.resident && job.first_run + index > 0) {
            if (!loaded) {
                result = run_once(first, input, index);
                failed = !loaded;
            }
            if (loaded) runner = &later;
        }
        if (!failed) result = run_once(*runner, input, index);
        out.bytes("PECANRUN", 8);
        runner->write(result, out);
    }
    out.bytes("PECANEND", 8);
    out.number(cycles);
    out.number(cpu_nanoseconds() - start);
}

// The same pins as in the recorded run, and nothing else.
uint64_t replay(Device& device, const Recording& recording) {
    Vpecan& top = *device.top;
    const uint8_t* beat = recording.beats.data();
    const uint64_t start = cpu_nanoseconds();
    for (const uint8_t flags : recording.cycles) {
        top.in_valid = (flags & kOffer) != 0;
        top.out_ready = (flags & kAccept) != 0;
        if (flags & kOffer) set_input(top, beat);
        top.clock = 0;
        top.eval();
        top.clock = 1;
        top.eval();
        if (flags & kTaken) beat += kBeatBytes;
    }
    return cpu_nanoseconds() - start;
}

void bench(Reader& in, const Job& job, Device& device, Writer& out) {
    Runner runner(device, job, job.program);
    Recording recording;
    const auto input = in.block();
    runner.prepare(input);
    const uint64_t expected = runner.run(job.first_run, &recording).cycles;
    if (recording.cycles.size() != expected) fail("the recording does not cover the run");
    // An offered beat that the device never takes still has to be readable in the replay.
    recording.beats.resize(recording.beats.size() + kBeatBytes);
    out.bytes("PECANBEN", 8);
    out.number(expected);
    out.number(job.runs);
    for (uint64_t repeat = 0; repeat < job.runs; ++repeat) {
        runner.prepare(input);
        device.reset();
        const uint64_t start = cpu_nanoseconds();
        if (runner.run(job.first_run, nullptr).cycles != expected) fail("two equal runs differ");
        out.number(cpu_nanoseconds() - start);
        device.reset();
        out.number(replay(device, recording));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) fail("usage: simulator run|bench JOB RESULT");
    die_with_parent();
    const std::string mode = argv[1];
    Reader in(argv[2]);
    const Job job(in, kBeatBytes, kCounters);
    Device device(job.wave, job.record_pins && mode == "run");
    device.reset();
    Writer out(argv[3]);
    out.bytes("PECANRS1", 8);
    const uint32_t id = (device.top->clock = 0, device.status(0));
    out.number(id);
    // The parent reports a mismatch; running would only produce an error code.
    if (id == job.id) {
        if (mode == "run") {
            run(in, job, device, out);
        } else if (mode == "bench") {
            bench(in, job, device, out);
        } else {
            fail("unknown mode " + mode);
        }
    }
    out.close();
    return 0;
}
