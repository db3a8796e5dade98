#include "tests/kernels/emulation/block_emulator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <ucontext.h>
#include <vector>

namespace moescope::emulation {

alignas(128) unsigned char shared_memory[kSharedBytes];
Index thread_index, block_index;
long long bank_conflicts = 0;

namespace {

constexpr unsigned char kPoison = 0xFF; // NaN in every float type
constexpr std::size_t kStackBytes = 256 * 1024;

enum class State { kReady, kAtBlockBarrier, kAtWarpBarrier, kDone };

struct Copy {
    std::uint32_t shared;
    const void *global; // null: zeros
};

struct Fiber {
    ucontext_t context{};
    std::unique_ptr<unsigned char[]> stack;
    State state = State::kReady;
    std::vector<Copy> open_group;
    std::deque<std::vector<Copy>> groups;
    int exchanges = 0;
};

struct Block {
    BlockSetup setup;
    const std::function<void()> *body;
    std::vector<Fiber> fibers;
    // Two a warp, used in turn: a slow lane reads one while a fast one already fills the other.
    std::vector<std::array<WarpWords, 2>> words;
    ucontext_t scheduler{};
    std::size_t current = 0;
    std::string problem;
};

Block *block_ = nullptr;

Fiber &self() { return block_->fibers[block_->current]; }

void report(const std::string &problem) {
    if (block_->problem.empty())
        block_->problem = "block " + std::to_string(block_index.x) + ", thread " +
                          std::to_string(thread_index.x) + ": " + problem;
}

void wait_in(State state) {
    Fiber &fiber = self();
    fiber.state = state;
    swapcontext(&fiber.context, &block_->scheduler);
}

void apply(const Copy &copy) {
    if (copy.global)
        std::memcpy(shared_at(copy.shared, 16), copy.global, 16);
    else
        std::memset(shared_at(copy.shared, 16), 0, 16);
}

void enter_fiber() {
    (*block_->body)();
    self().state = State::kDone;
}

void start_fibers() {
    block_->fibers.resize(block_->setup.threads);
    block_->words.resize((block_->setup.threads + 31) / 32);
    for (Fiber &fiber : block_->fibers) {
        fiber.stack = std::make_unique<unsigned char[]>(kStackBytes);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = kStackBytes;
        fiber.context.uc_link = &block_->scheduler;
        makecontext(&fiber.context, enter_fiber, 0);
    }
}

// Opens a barrier over fibers begin .. end if all of them wait at it.
bool release(std::size_t begin, std::size_t end, State barrier) {
    for (std::size_t i = begin; i < end; ++i)
        if (block_->fibers[i].state != barrier)
            return false;
    for (std::size_t i = begin; i < end; ++i)
        block_->fibers[i].state = State::kReady;
    return end > begin;
}

std::size_t warp_end(std::size_t warp) { return std::min(warp * 32 + 32, block_->fibers.size()); }

void run_fiber(std::size_t thread) {
    block_->current = thread;
    thread_index.x = unsigned(thread);
    swapcontext(&block_->scheduler, &block_->fibers[thread].context);
}

// As far as it comes without the others: to a block barrier, or its end.
void run_warp(std::size_t warp) {
    do
        for (std::size_t i = warp * 32; i < warp_end(warp); ++i)
            if (block_->fibers[i].state == State::kReady)
                run_fiber(i);
    while (release(warp * 32, warp_end(warp), State::kAtWarpBarrier));
}

bool all_done() {
    for (const Fiber &fiber : block_->fibers)
        if (fiber.state != State::kDone)
            return false;
    return true;
}

void run_block() {
    start_fibers();
    const std::size_t warps = block_->words.size();
    while (!all_done() && block_->problem.empty()) {
        for (std::size_t i = 0; i < warps; ++i)
            run_warp(block_->setup.order == Order::kAscending ? i : warps - 1 - i);
        if (!release(0, block_->fibers.size(), State::kAtBlockBarrier) && !all_done())
            report("threads wait for each other for ever");
    }
}

} // namespace

std::string run_grid(int blocks, const BlockSetup &setup, const std::function<void()> &body) {
    for (int index = 0; index < blocks; ++index) {
        std::memset(shared_memory, kPoison, sizeof shared_memory);
        Block block{.setup = setup, .body = &body};
        block_ = &block;
        block_index.x = unsigned(index);
        run_block();
        for (std::size_t i = setup.smem_bytes; i < kSharedBytes && block.problem.empty(); ++i)
            if (shared_memory[i] != kPoison)
                report("wrote shared memory at " + std::to_string(i) + " of " +
                       std::to_string(setup.smem_bytes));
        block_ = nullptr;
        if (!block.problem.empty())
            return block.problem;
    }
    return "";
}

void sync_threads() { wait_in(State::kAtBlockBarrier); }
void sync_warp() { wait_in(State::kAtWarpBarrier); }

unsigned char *shared_at(std::uint32_t address, int bytes) {
    if (address % std::uint32_t(bytes) == 0 &&
        address + std::uint32_t(bytes) <= std::uint32_t(block_->setup.smem_bytes))
        return shared_memory + address;
    report("shared address " + std::to_string(address) + " is outside or misaligned for " +
           std::to_string(bytes) + " bytes");
    return shared_memory + kSharedBytes - 16; // harmless
}

void cp_async(std::uint32_t shared, const void *global, bool valid) {
    if (valid && reinterpret_cast<std::uintptr_t>(global) % 16 != 0)
        report("a global address is not a multiple of 16");
    const Copy copy{shared, valid ? global : nullptr};
    if (block_->setup.copies == CopyTime::kAtIssue)
        apply(copy);
    else
        self().open_group.push_back(copy);
}

void cp_async_commit() {
    self().groups.push_back(std::move(self().open_group));
    self().open_group.clear();
}

void cp_async_wait(int pending) {
    while (int(self().groups.size()) > pending) {
        for (const Copy &copy : self().groups.front())
            apply(copy);
        self().groups.pop_front();
    }
}

void count_conflicts(const std::uint32_t (&row_addresses)[8]) {
    unsigned groups = 0;
    for (std::uint32_t address : row_addresses) {
        const unsigned group = 1u << address / 16 % 8;
        bank_conflicts += (groups & group) != 0;
        groups |= group;
    }
}

const WarpWords &exchange(const std::uint32_t *words, int count) {
    const std::size_t thread = block_->current;
    WarpWords &shared = block_->words[thread / 32][self().exchanges++ % 2];
    for (int i = 0; i < count; ++i)
        shared[thread % 32][i] = words[i];
    sync_warp();
    return shared;
}

} // namespace moescope::emulation
