# pinned_source(name title repository tag): declares a third-party source for FetchContent. It is
# taken from .deps/src/<name> where that folder exists (run.sh and test.sh put it there), or from
# FETCHCONTENT_SOURCE_DIR_<NAME>; else CMake fetches it, which a machine without a network cannot.
include(FetchContent)

function(_can_fetch result repository tag)
    find_package(Git QUIET)
    set(${result} FALSE PARENT_SCOPE)
    if(GIT_FOUND)
        execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_TERMINAL_PROMPT=0 ${GIT_EXECUTABLE} ls-remote --exit-code ${repository} ${tag}
                        RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET TIMEOUT 30)
        if(status STREQUAL 0)
            set(${result} TRUE PARENT_SCOPE)
        endif()
    endif()
endfunction()

macro(pinned_source name title repository tag)
    string(TOUPPER ${name} _upper)
    if(NOT FETCHCONTENT_SOURCE_DIR_${_upper} AND EXISTS ${PROJECT_SOURCE_DIR}/.deps/src/${name})
        set(FETCHCONTENT_SOURCE_DIR_${_upper} ${PROJECT_SOURCE_DIR}/.deps/src/${name})
    endif()
    if(NOT FETCHCONTENT_SOURCE_DIR_${_upper} AND NOT EXISTS ${CMAKE_BINARY_DIR}/_deps/${name}-src)
        _can_fetch(_fetchable ${repository} ${tag})
        if(NOT _fetchable)
            message(FATAL_ERROR "The source of ${title} ${tag} is neither in .deps/src/${name} nor can it be fetched from "
                                "${repository}: run ./test.sh once on a machine with a network and copy its .deps/src/${name} here.")
        endif()
    endif()
    FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${tag})
endmacro()
