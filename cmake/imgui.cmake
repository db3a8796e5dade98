# Dear ImGui with its GLFW and OpenGL 3 backends and the FreeType rasteriser, and GLFW itself.
pinned_source(imgui "Dear ImGui" https://github.com/ocornut/imgui.git v1.90.1)
pinned_source(glfw GLFW https://github.com/glfw/glfw.git 3.4)
set(GLFW_BUILD_EXAMPLES OFF CACHE BOOL "" FORCE)
set(GLFW_BUILD_TESTS OFF CACHE BOOL "" FORCE)
set(GLFW_BUILD_DOCS OFF CACHE BOOL "" FORCE)
set(GLFW_INSTALL OFF CACHE BOOL "" FORCE)
FetchContent_MakeAvailable(imgui glfw)

find_package(Freetype REQUIRED)
find_package(Fontconfig REQUIRED)
find_package(OpenGL REQUIRED COMPONENTS OpenGL)

# Debian's source package leaves out ImGui's three stb headers: it builds against libstb-dev.
set(imgui_stb_dir ${CMAKE_CURRENT_BINARY_DIR}/imgui-stb)
if(NOT EXISTS ${imgui_SOURCE_DIR}/imstb_truetype.h)
    find_path(STB_INCLUDE_DIR stb_truetype.h PATH_SUFFIXES stb REQUIRED)
    foreach(pair textedit:stb_textedit truetype:stb_truetype rectpack:stb_rect_pack)
        string(REPLACE ":" ";" pair ${pair})
        list(GET pair 0 ours)
        list(GET pair 1 theirs)
        file(CONFIGURE OUTPUT ${imgui_stb_dir}/imstb_${ours}.h CONTENT "#include <stb/${theirs}.h>\n")
    endforeach()
endif()

add_library(
    imgui STATIC
    ${imgui_SOURCE_DIR}/imgui.cpp
    ${imgui_SOURCE_DIR}/imgui_draw.cpp
    ${imgui_SOURCE_DIR}/imgui_tables.cpp
    ${imgui_SOURCE_DIR}/imgui_widgets.cpp
    ${imgui_SOURCE_DIR}/misc/cpp/imgui_stdlib.cpp
    ${imgui_SOURCE_DIR}/misc/freetype/imgui_freetype.cpp
    ${imgui_SOURCE_DIR}/backends/imgui_impl_glfw.cpp
    ${imgui_SOURCE_DIR}/backends/imgui_impl_opengl3.cpp)
target_include_directories(
    imgui SYSTEM PUBLIC ${imgui_SOURCE_DIR} ${imgui_SOURCE_DIR}/backends ${imgui_SOURCE_DIR}/misc/cpp
                        ${imgui_SOURCE_DIR}/misc/freetype ${imgui_stb_dir})
target_compile_definitions(imgui PUBLIC IMGUI_ENABLE_FREETYPE IMGUI_DISABLE_OBSOLETE_FUNCTIONS)
# Fontconfig and what reads its files go into the programs where the system has them as archives: a libexpat that is
# carried along asks for the glibc it was built on (app/random_bytes.cpp).
find_library(FONTCONFIG_ARCHIVE libfontconfig.a)
find_library(EXPAT_ARCHIVE libexpat.a)
if(FONTCONFIG_ARCHIVE AND EXPAT_ARCHIVE)
    set(fontconfig ${FONTCONFIG_ARCHIVE} Freetype::Freetype ${EXPAT_ARCHIVE})
else()
    set(fontconfig Fontconfig::Fontconfig)
endif()
target_link_libraries(imgui PUBLIC glfw Freetype::Freetype ${fontconfig} OpenGL::GL ${CMAKE_DL_LIBS})
