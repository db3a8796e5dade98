# cmake --install: programs, kernels library, assets, desktop files, completions and manual pages.
# Everything is found relative to the program, so that any prefix will do and may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(install_files ${PROJECT_SOURCE_DIR}/cmake/install)
set(made_files ${PROJECT_BINARY_DIR}/install)
string(TIMESTAMP DATE "%Y-%m-%d" UTC) # of the build, or SOURCE_DATE_EPOCH

# Libraries of the prefix first, or beside the program (as the worker is copied to another machine); then where
# the toolkit's were at build time.
file(RELATIVE_PATH libraries_from_programs /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
set(installed_programs moescope moescope-worker)
set_target_properties(${installed_programs} PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries_from_programs};$ORIGIN"
                                                       INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS ${installed_programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

if(MOESCOPE_CUDA)
    set_target_properties(moescope_kernels PROPERTIES INSTALL_RPATH "$ORIGIN" INSTALL_RPATH_USE_LINK_PATH ON EXPORT_NAME kernels)
    target_include_directories(moescope_kernels INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    install(TARGETS moescope_kernels EXPORT MoEScopeKernels LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/kernels/include/moescope DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/MoEScopeKernels)
    install(EXPORT MoEScopeKernels FILE MoEScopeKernelsTargets.cmake NAMESPACE MoEScope:: DESTINATION ${package_folder})
    configure_package_config_file(${install_files}/MoEScopeKernelsConfig.cmake.in ${made_files}/MoEScopeKernelsConfig.cmake
                                  INSTALL_DESTINATION ${package_folder})
    write_basic_package_version_file(${made_files}/MoEScopeKernelsConfigVersion.cmake COMPATIBILITY SameMajorVersion)
    install(FILES ${made_files}/MoEScopeKernelsConfig.cmake ${made_files}/MoEScopeKernelsConfigVersion.cmake
            DESTINATION ${package_folder})
    file(RELATIVE_PATH PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    configure_file(${install_files}/moescope_kernels.pc.in ${made_files}/moescope_kernels.pc @ONLY)
    install(FILES ${made_files}/moescope_kernels.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/assets/ DESTINATION ${CMAKE_INSTALL_DATADIR}/moescope
        PATTERN pictures EXCLUDE PATTERN icons EXCLUDE PATTERN "*.sh" EXCLUDE)

install(FILES ${install_files}/moescope.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications)
install(FILES ${install_files}/moescope.metainfo.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo)
install(FILES ${install_files}/moescope-mime.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/mime/packages RENAME moescope.xml)
set(icons ${CMAKE_INSTALL_DATADIR}/icons/hicolor)
install(FILES ${PROJECT_SOURCE_DIR}/assets/icons/moescope.svg DESTINATION ${icons}/scalable/apps)
foreach(size 16 24 32 48 64 128 256 512)
    install(FILES ${PROJECT_SOURCE_DIR}/assets/icons/moescope-${size}.png DESTINATION ${icons}/${size}x${size}/apps
            RENAME moescope.png)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The program says its own options: completions and manual cannot fall behind it.
file(MAKE_DIRECTORY ${made_files})
set(documents "")
function(say_document file)
    add_custom_command(
        OUTPUT ${made_files}/${file}
        COMMAND ${CMAKE_COMMAND} -E env MOESCOPE_ASSETS=${PROJECT_SOURCE_DIR}/assets
                sh -c "\"$@\" >${file}" sh $<TARGET_FILE:moescope> ${ARGN}
        WORKING_DIRECTORY ${made_files}
        DEPENDS moescope
        VERBATIM)
    set(documents ${documents} ${made_files}/${file} PARENT_SCOPE)
endfunction()
say_document(moescope.bash completions bash)
say_document(_moescope completions zsh)
say_document(moescope.fish completions fish)
say_document(moescope.1 manual)
add_custom_target(documents ALL DEPENDS ${documents})
configure_file(${install_files}/moescope-worker.1.in ${made_files}/moescope-worker.1 @ONLY)
install(FILES ${made_files}/moescope.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME moescope)
install(FILES ${made_files}/_moescope DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${made_files}/moescope.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${made_files}/moescope.1 ${made_files}/moescope-worker.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# What desktops read of these is made anew where they look for it, and nowhere else.
set(data_folder ${CMAKE_INSTALL_DATADIR})
install(CODE "set(data_folder ${data_folder})" CODE [[
    if(NOT DEFINED ENV{DESTDIR})
        set(looked_for "$ENV{XDG_DATA_HOME}:$ENV{HOME}/.local/share:/usr/local/share:/usr/share:$ENV{XDG_DATA_DIRS}")
        set(data "${CMAKE_INSTALL_PREFIX}/${data_folder}")
        string(FIND ":${looked_for}:" ":${data}:" place)
        if(NOT place EQUAL -1)
            foreach(update update-mime-database:mime update-desktop-database:applications)
                string(REPLACE ":" ";" update ${update})
                list(GET update 0 program)
                list(GET update 1 folder)
                find_program(found_${program} ${program})
                if(found_${program})
                    message(STATUS "Running: ${program} ${data}/${folder}")
                    execute_process(COMMAND ${found_${program}} "${data}/${folder}" ERROR_QUIET)
                endif()
            endforeach()
            file(TOUCH_NOCREATE "${data}/icons/hicolor") # an older cache of icons counts no more
        endif()
    endif()
]])

add_custom_target(
    archive
    COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DCUDA_LIBRARIES=$<$<BOOL:${MOESCOPE_CUDA}>:${CUDAToolkit_LIBRARY_DIR}>
            -DNAME=moescope-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR} -DNOTICE=${install_files}/NOTICE.in
            "-DSOURCES=${imgui_SOURCE_DIR};${glfw_SOURCE_DIR}"
            -P ${PROJECT_SOURCE_DIR}/cmake/archive.cmake
    USES_TERMINAL VERBATIM
    COMMENT "Packing a folder that runs anywhere")
add_dependencies(archive ${installed_programs} documents)
if(MOESCOPE_CUDA)
    add_dependencies(archive moescope_kernels)
endif()
