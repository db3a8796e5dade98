# embed_text(OUTPUT file.cpp SYMBOL_HEADER header [KIND Source] FILES a b ...): a C++ file that defines the
# table of (name, text) which SYMBOL_HEADER declares as kEmbedded<KIND>s; made anew whenever a file changes.
function(embed_text)
    cmake_parse_arguments(arg "" "OUTPUT;SYMBOL_HEADER;KIND" "FILES" ${ARGN})
    add_custom_command(
        OUTPUT ${arg_OUTPUT}
        COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${arg_OUTPUT}" "-DHEADER=${arg_SYMBOL_HEADER}" "-DFILES=${arg_FILES}" "-DKIND=${arg_KIND}"
                -P ${PROJECT_SOURCE_DIR}/cmake/embed_text_run.cmake
        DEPENDS ${arg_FILES} ${PROJECT_SOURCE_DIR}/cmake/embed_text_run.cmake
        COMMENT "Embedding files as ${arg_SYMBOL_HEADER} declares"
        VERBATIM)
endfunction()
