#include "profiler/ranks/launcher.h"

#include <catch2/catch_test_macros.hpp>

#include <map>

using namespace moescope;

namespace {

Environment environment(std::map<std::string, std::string, std::less<>> values) {
    return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    };
}

} // namespace

TEST_CASE("without a launcher there is one rank") {
    const Result<LaunchedRank> found = find_rank(environment({}));
    REQUIRE(found);
    CHECK(found->launcher.empty());
    CHECK(found->rank == 0);
    CHECK(found->size == 1);
    CHECK(found->host == "127.0.0.1");
    CHECK(found->port == kDefaultMeetingPort);
}

TEST_CASE("torchrun's ranks meet on the port after its own") {
    const Result<LaunchedRank> found =
        find_rank(environment({{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "4"},
                               {"MASTER_ADDR", "node0"}, {"MASTER_PORT", "29500"}, {"TORCHELASTIC_RUN_ID", "job"}}));
    REQUIRE(found);
    CHECK(found->launcher == "torchrun");
    CHECK(found->rank == 5);
    CHECK(found->size == 8);
    CHECK(found->local_rank == 1);
    CHECK(found->local_size == 4);
    CHECK(found->host == "node0");
    CHECK(found->port == 29501);
    CHECK(found->job == "job");
}

TEST_CASE("mpirun on one machine needs no address") {
    const Result<LaunchedRank> found = find_rank(
        environment({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"},
                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}}));
    REQUIRE(found);
    CHECK(found->launcher == "Open MPI");
    CHECK(found->rank == 3);
    CHECK(found->host == "127.0.0.1");
}

TEST_CASE("ranks on several machines need an address") {
    const std::map<std::string, std::string, std::less<>> slurm = {
        {"SLURM_PROCID", "9"}, {"SLURM_NTASKS", "16"}, {"SLURM_LOCALID", "1"}, {"SLURM_NTASKS_PER_NODE", "8(x2)"}};
    const Result<LaunchedRank> without = find_rank(environment(slurm));
    REQUIRE_FALSE(without);
    CHECK(without.error().what == "MASTER_ADDR is not set");
    CHECK(without.error().remedy.find("--meet HOST:PORT") != std::string::npos);
    auto job = slurm;
    job["SLURM_JOB_NODELIST"] = "node[7-8]";
    CHECK(find_rank(environment(job)).error().remedy.find("scontrol show hostnames") != std::string::npos);

    const Result<LaunchedRank> with = find_rank(environment(slurm), "node7:4000");
    REQUIRE(with);
    CHECK(with->launcher == "Slurm");
    CHECK(with->local_size == 8);
    CHECK(with->host == "node7");
    CHECK(with->port == 4000);
}

TEST_CASE("one node of Slurm needs no address") {
    const Result<LaunchedRank> found = find_rank(
        environment({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "1"}, {"SLURM_NNODES", "1"}}));
    REQUIRE(found);
    CHECK(found->host == "127.0.0.1");
}

TEST_CASE("one rank has nobody to meet, and needs no address") {
    const Result<LaunchedRank> found =
        find_rank(environment({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}, {"SLURM_LOCALID", "0"}}));
    REQUIRE(found);
    CHECK(found->host == "127.0.0.1");
}

TEST_CASE("srun with MPI's own numbering has the local numbers under Slurm's names") {
    const Result<LaunchedRank> found =
        find_rank(environment({{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "4"},
                               {"SLURM_LOCALID", "1"}, {"SLURM_NTASKS_PER_NODE", "2"}}), "node0:4000");
    REQUIRE(found);
    CHECK(found->launcher == "MPI");
    CHECK(found->rank == 3);
    CHECK(found->local_rank == 1);
    CHECK(found->local_size == 2);
}

TEST_CASE("the numbers of a Slurm job's script are no rank's") {
    const std::map<std::string, std::string, std::less<>> script = {
        {"RANK", "1"},         {"WORLD_SIZE", "4"},    {"MASTER_ADDR", "node0"},      {"SLURM_PROCID", "0"},
        {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}, {"SLURM_NTASKS_PER_NODE", "4"}};
    CHECK(find_rank(environment(script)).error().what == "LOCAL_RANK is not set");
    auto first = script; // its rank is the script's own, of another number of ranks
    first["RANK"] = "0";
    first["SLURM_NTASKS"] = "1";
    CHECK(find_rank(environment(first)).error().what == "LOCAL_RANK is not set");

    auto with_local_number = script;
    with_local_number["LOCAL_RANK"] = "1";
    const Result<LaunchedRank> found = find_rank(environment(with_local_number));
    REQUIRE(found);
    CHECK(found->local_rank == 1);
    CHECK(found->local_size == 0); // SLURM_NTASKS_PER_NODE speaks of srun's tasks
}

TEST_CASE("a local number that nobody set is asked for") {
    const Result<LaunchedRank> found = find_rank(environment({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}));
    REQUIRE_FALSE(found);
    CHECK(found.error().what == "LOCAL_RANK is not set");
    CHECK(found.error().remedy.find("set it") != std::string::npos);
}

TEST_CASE("the innermost launcher counts") {
    const Result<LaunchedRank> found =
        find_rank(environment({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "2"},
                               {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}, {"SLURM_LOCALID", "0"}}));
    REQUIRE(found);
    CHECK(found->launcher == "torchrun");
    CHECK(found->size == 2);
}

TEST_CASE("a launcher's variable that is missing or wrong is named") {
    const Result<LaunchedRank> missing = find_rank(environment({{"RANK", "1"}}));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what == "WORLD_SIZE is not set");
    for (const char *rank : {"4", "-1", "x", ""}) {
        const Result<LaunchedRank> wrong =
            find_rank(environment({{"RANK", rank}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "0"}}));
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().what == std::string("RANK is \"") + rank + "\"");
        CHECK(wrong.error().why == "it must be 0..3");
    }
    for (const char *meet : {"node", ":1", "node:", "node:70000"})
        CHECK_FALSE(find_rank(environment({}), meet));
}

TEST_CASE("a rank takes the device of its local number") {
    LaunchedRank rank;
    rank.rank = 6;
    rank.local_rank = 2;
    CHECK(*device_of_rank(rank, 4) == "cuda:2");
    CHECK(*device_of_rank(rank, 1) == "cuda:0");
    const Result<std::string> none = device_of_rank(rank, 2);
    REQUIRE_FALSE(none);
    CHECK(none.error().what == "rank 6 has no CUDA device");
    CHECK_FALSE(device_of_rank(rank, 0));
}
