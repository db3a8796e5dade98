# Third-party libraries. System packages where they are new enough; Dear ImGui, GLFW and Catch2 are
# pinned and built from source.
include(pinned_source)
set(FETCHCONTENT_QUIET OFF)

find_package(Threads REQUIRED)
if(NOT MOESCOPE_KERNELS_ONLY)
    find_package(Protobuf REQUIRED)
    find_package(SQLite3 REQUIRED)
    find_package(fmt REQUIRED)
    find_package(nlohmann_json 3.10 REQUIRED)
    find_package(ZLIB REQUIRED)
    find_package(CLI11 REQUIRED)
    include(imgui)
endif()

if(MOESCOPE_TESTS)
    pinned_source(catch2 Catch2 https://github.com/catchorg/Catch2.git v3.7.1)
    FetchContent_MakeAvailable(catch2)
    list(APPEND CMAKE_MODULE_PATH ${catch2_SOURCE_DIR}/extras)
endif()
