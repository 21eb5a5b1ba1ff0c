# How a port that builds with cmake picks the module up: USER_C_MODULES=<this folder>/micropython.cmake.
#
# Settings, as cmake variables (-D...):
#   UMQTT_RUST_TARGET   Rust's name of the port's target, such as thumbv6m-none-eabi; empty: the host
#   UMQTT_CARGO         the cargo to run, a list with what must stand before it (env;RUSTC_BOOTSTRAP=1;...;cargo)
#   UMQTT_CARGO_FLAGS   more flags for it, a list, such as -Zbuild-std=core
#   UMQTT_RX_BUFFER, UMQTT_IN_FLIGHT, UMQTT_INCOMING, UMQTT_WINDOW   capacities, see build.rs
#   UMQTT_KEPT          octets of messages kept while a callback runs, at most 524288, see umqtt.h; only C uses it
#   UMQTT_EXTRAS        1, the default: what goes beyond the guide (stats, asyncio, umqtt.simple and so on); 0: without
#   UMQTT_QUICK         1: short ways for what happens most, for some more code; 0: none. Default: 1 on the host, else 0

# For cmake_language(DEFER).
if(CMAKE_VERSION VERSION_LESS 3.19)
    message(FATAL_ERROR "umqtt needs cmake 3.19 or later")
endif()

set(UMQTT_DIR ${CMAKE_CURRENT_LIST_DIR}/..)
set(UMQTT_TARGET_DIR ${CMAKE_BINARY_DIR}/umqtt)
set(UMQTT_RUST ${UMQTT_TARGET_DIR}/umqtt.o)
if(NOT UMQTT_CARGO)
    set(UMQTT_CARGO cargo)
endif()

add_library(usermod_umqtt INTERFACE)
# The C files: the one place where cmake learns of them (micropython.mk is the other).
target_sources(usermod_umqtt INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/arm_memory.c
    ${CMAKE_CURRENT_LIST_DIR}/connection.c
    ${CMAKE_CURRENT_LIST_DIR}/construct.c
    ${CMAKE_CURRENT_LIST_DIR}/errors.c
    ${CMAKE_CURRENT_LIST_DIR}/exchange.c
    ${CMAKE_CURRENT_LIST_DIR}/quick.c
    ${CMAKE_CURRENT_LIST_DIR}/message.c
    ${CMAKE_CURRENT_LIST_DIR}/modumqtt.c
    ${CMAKE_CURRENT_LIST_DIR}/mqttclient.c
    ${CMAKE_CURRENT_LIST_DIR}/tls.c
    ${CMAKE_CURRENT_LIST_DIR}/umqtt_shim.c
    ${CMAKE_CURRENT_LIST_DIR}/wait.c
)
if(NOT DEFINED UMQTT_EXTRAS)
    set(UMQTT_EXTRAS 1)
endif()
if(UMQTT_EXTRAS)
    target_sources(usermod_umqtt INTERFACE
        ${CMAKE_CURRENT_LIST_DIR}/asynchronous.c
        ${CMAKE_CURRENT_LIST_DIR}/package.c
        ${CMAKE_CURRENT_LIST_DIR}/stats.c
    )
endif()
target_include_directories(usermod_umqtt INTERFACE ${CMAKE_CURRENT_LIST_DIR})
# A host has room for speed; a microcontroller's flash comes first.
if(NOT DEFINED UMQTT_QUICK)
    if(UMQTT_RUST_TARGET)
        set(UMQTT_QUICK 0)
    else()
        set(UMQTT_QUICK 1)
    endif()
endif()
set(UMQTT_FEATURES firmware)
if(UMQTT_QUICK)
    list(APPEND UMQTT_FEATURES quick)
endif()
if(UMQTT_EXTRAS)
    list(APPEND UMQTT_FEATURES extras)
endif()
list(JOIN UMQTT_FEATURES "," UMQTT_FEATURES)
set(UMQTT_ENVIRONMENT)
foreach(setting UMQTT_RX_BUFFER UMQTT_IN_FLIGHT UMQTT_INCOMING UMQTT_WINDOW UMQTT_KEPT UMQTT_QUICK UMQTT_EXTRAS)
    if(DEFINED ${setting})
        target_compile_definitions(usermod_umqtt INTERFACE ${setting}=${${setting}})
        # The port's search for qstrs does not see those.
        list(APPEND MICROPY_CPP_DEF_EXTRA ${setting}=${${setting}})
        list(APPEND UMQTT_ENVIRONMENT ${setting}=${${setting}})
    endif()
endforeach()
target_link_libraries(usermod INTERFACE usermod_umqtt)

# micropython.mk says why.
set(UMQTT_SETTINGS "${UMQTT_FEATURES} ${UMQTT_ENVIRONMENT} ${UMQTT_RUST_TARGET} ${UMQTT_CARGO_FLAGS}")
set(UMQTT_SETTINGS_BEFORE)
if(EXISTS ${UMQTT_TARGET_DIR}/settings)
    file(READ ${UMQTT_TARGET_DIR}/settings UMQTT_SETTINGS_BEFORE)
endif()
if(NOT UMQTT_SETTINGS STREQUAL UMQTT_SETTINGS_BEFORE)
    file(REMOVE_RECURSE ${UMQTT_TARGET_DIR})
    file(WRITE ${UMQTT_TARGET_DIR}/settings "${UMQTT_SETTINGS}")
endif()

# Rust becomes one object of the firmware itself; micropython.mk says why it is not an archive. Called when the port's
# CMakeLists.txt has come to its end: only then does every port have its target.
function(umqtt_build_rust)
    # The flags of that target's C, for build.rs, which splits them as a shell does.
    set(flags ${UMQTT_TARGET_DIR}/cflags-$<CONFIG>-$<COMPILE_LANGUAGE>)
    set(lines "${CMAKE_C_FLAGS}\n")
    foreach(kind "-I;INCLUDE_DIRECTORIES" "-D;COMPILE_DEFINITIONS" ";COMPILE_OPTIONS")
        list(GET kind 0 flag)
        list(GET kind 1 property)
        set(values $<TARGET_PROPERTY:${MICROPY_TARGET},${property}>)
        string(APPEND lines "$<$<BOOL:${values}>:${flag}'$<JOIN:${values},'\n${flag}'>'>\n")
    endforeach()
    file(GENERATE OUTPUT ${flags} CONTENT "${lines}" TARGET ${MICROPY_TARGET})

    if(UMQTT_RUST_TARGET)
        set(target --target ${UMQTT_RUST_TARGET})
        # The unwind tables of ARM: see micropython.mk.
        set(strip COMMAND ${CMAKE_OBJCOPY} --remove-section=.ARM.ex* ${UMQTT_RUST})
    endif()
    # bindgen reads headers that include generated ones.
    set(generated ${MICROPY_QSTRDEFS_GENERATED} ${MICROPY_MPVERSION} ${MICROPY_ROOT_POINTERS})
    if(MICROPY_ROM_TEXT_COMPRESSION)
        list(APPEND generated ${MICROPY_COMPRESSED_DATA})
    endif()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${UMQTT_DIR}/src/*.rs ${UMQTT_DIR}/cmodule/*.h)
    add_custom_command(
        OUTPUT ${UMQTT_RUST}
        # Make's job server is not open to this command, and cargo would complain of that.
        COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS
            UMQTT_CFLAGS=@${UMQTT_TARGET_DIR}/cflags-$<CONFIG>-C
            UMQTT_PORT_DIR=${CMAKE_CURRENT_SOURCE_DIR}
            UMQTT_CC=${CMAKE_C_COMPILER}
            ${UMQTT_ENVIRONMENT}
            ${UMQTT_CARGO} rustc --locked --quiet
            --manifest-path ${UMQTT_DIR}/Cargo.toml --target-dir ${UMQTT_TARGET_DIR}
            --lib --crate-type staticlib --features ${UMQTT_FEATURES} --profile firmware
            ${target} ${UMQTT_CARGO_FLAGS} -- --emit obj=${UMQTT_RUST}
        ${strip}
        # Cargo leaves the file alone when nothing that it knows of changed; cmake would then ask again each time.
        COMMAND ${CMAKE_COMMAND} -E touch ${UMQTT_RUST}
        DEPENDS ${sources} ${UMQTT_DIR}/Cargo.toml ${UMQTT_DIR}/Cargo.lock ${UMQTT_DIR}/build.rs
            ${UMQTT_TARGET_DIR}/cflags-$<CONFIG>-C
            ${generated}
        COMMENT "Building umqtt's Rust"
        VERBATIM
    )
    target_sources(${MICROPY_TARGET} PRIVATE ${UMQTT_RUST})
    set_source_files_properties(${UMQTT_RUST} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
endfunction()
cmake_language(DEFER CALL umqtt_build_rust)
