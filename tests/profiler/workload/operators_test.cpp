#include "profiler/workload/operators/definition.h"

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>

using namespace moescope;

TEST_CASE("every operator is found by its name and stands at its id") {
    REQUIRE(operators().size() == std::size_t(kOperatorCount));
    for (int id = 0; id < kOperatorCount; ++id) {
        const OperatorInfo &each = info(OperatorId(id));
        CHECK(each.id == OperatorId(id));
        const Result<OperatorId> found = find_operator(each.name);
        REQUIRE(found);
        CHECK(*found == each.id);
    }
}

TEST_CASE("every operator and variant explains itself in one sentence") {
    for (const OperatorInfo &each : operators()) {
        CHECK(each.explain.ends_with("."));
        REQUIRE_FALSE(each.variants.empty());
        std::set<std::string_view> names;
        for (const VariantInfo &variant : each.variants) {
            CHECK(names.insert(variant.name).second);
            CHECK(variant.explain.ends_with("."));
        }
    }
}

TEST_CASE("an unknown operator is refused with the closest names, or else with the families") {
    const Result<OperatorId> found = find_operator("gateup");
    REQUIRE_FALSE(found);
    CHECK(found.error().what == "operator \"gateup\" is unknown");
    CHECK(found.error().why == "the closest names are gate_up");
    CHECK(find_operator("metdata").error().why.starts_with("the closest names are metadata"));
    CHECK(find_operator("nonsense").error().why.starts_with("the families are routing, metadata"));
}

TEST_CASE("every family is found by its name, and every operator is defined in full") {
    for (const FamilyInfo &family : families()) {
        CHECK(info(family.id).name == family.name);
        CHECK(find_family(family.name) == &info(family.id));
        CHECK_FALSE(find_operator(family.name).ok()); // one word means one thing
        CHECK(family.explain.ends_with("."));
    }
    CHECK(find_family("gate_up") == nullptr);
    for (const OperatorInfo &each : operators()) {
        CHECK(definition(each.id).cost != nullptr);
        CHECK(definition(each.id).memory != nullptr);
    }
}
