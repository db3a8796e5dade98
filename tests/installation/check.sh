#!/usr/bin/env bash
# check.sh STEP BUILD PLACE: one check of an installation of BUILD under the folder PLACE.
set -euo pipefail
step=$1 build=$2 place=$3
prefix=$place/moved
CMAKE=${CMAKE:-cmake}

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "SKIPPED: $*" >&2; exit 77; }
says() { grep "$@" >/dev/null; } # reads to the end, unlike grep -q, so that the writer does not fail
have() { command -v "$1" >/dev/null; }

# In an environment with nothing in it but a home.
bare() { env -i HOME="$place/home" "$@"; }

# Runs a folder's programs: version, assets, worker, a measurement and the session's reading back.
try_programs() {
    local root=$1 out=$place/session.moescope
    mkdir -p "$place/home"
    rm -f "$out"
    bare "$root/bin/moescope" --version | says '^moescope [0-9]' || fail "no version"
    bare "$root/bin/moescope-worker" --version | says '^moescope-worker' || fail "no version of the worker"
    bare "$root/bin/moescope" models | says '^Mixtral-8x7B ' || fail "the catalogue was not found"
    bare "$root/bin/moescope" run --experts 4 --hidden 64 --intermediate 64 --top-k 2 --tokens 8 --rank 4 \
        --ops softmax_topk --device cpu --max-seconds 0.05 --out "$out" >/dev/null || fail "nothing was measured"
    bare "$root/bin/moescope" export "$out" --csv "$place/csv" || fail "the session cannot be exported"
    grep -q softmax_topk "$place"/csv/*.csv || fail "the export is empty"
}

step_prefix() {
    rm -rf "$place"
    mkdir -p "$place"
    mkdir -p "$place/home"
    HOME=$place/home XDG_DATA_HOME=$place/first/share "$CMAKE" --install "$build" --prefix "$place/first" >"$place/log" ||
        { cat "$place/log"; fail "cmake --install"; }
    # Into where the desktop looks: it knows the type at once.
    ! have update-mime-database || grep -q x-moescope "$place/first/share/mime/globs2" || fail "the desktop does not know the type yet"
    mv "$place/first" "$prefix"
    for file in bin/moescope bin/moescope-worker share/applications/moescope.desktop \
        share/icons/hicolor/scalable/apps/moescope.svg share/icons/hicolor/48x48/apps/moescope.png \
        share/mime/packages/moescope.xml share/man/man1/moescope.1 share/man/man1/moescope-worker.1 \
        share/bash-completion/completions/moescope share/moescope/models.json; do
        [ -s "$prefix/$file" ] || fail "$file is missing"
    done
    [ -n "$(ls "$prefix/share/moescope/sessions")" ] || fail "the recorded sessions are missing"
}

step_programs() {
    try_programs "$prefix"
    have readelf || skip "readelf is not installed: where libraries are looked for was NOT tested"
    readelf -d "$prefix/bin/moescope" | says 'RUNPATH.*\[$ORIGIN/\.\./lib' || fail "RUNPATH of moescope"
    # The command line needs neither a display nor OpenGL.
    ! readelf -d "$prefix/bin/moescope" | grep -E 'NEEDED.*lib(X|GL|OpenGL|EGL|cuda|nvrtc|cupti)' || fail "moescope needs too much"
}

step_desktop() {
    local share=$prefix/share missing=() types
    if have desktop-file-validate; then
        desktop-file-validate "$share/applications/moescope.desktop" || fail "desktop-file-validate"
    else missing+=(desktop-file-validate); fi
    if have xmllint; then
        xmllint --noout "$share/mime/packages/moescope.xml" "$share/metainfo/moescope.metainfo.xml" \
            "$share/icons/hicolor/scalable/apps/moescope.svg" || fail "xmllint"
    else missing+=(xmllint); fi
    if have appstreamcli; then
        # One warning stands: a name in a domain would have to be a domain of ours.
        ! { appstreamcli validate --no-net "$share/metainfo/moescope.metainfo.xml" || true; } |
            grep -E '^[EW]:' | grep -v cid-desktopapp-is-not-rdns || fail "appstreamcli"
    else missing+=(appstreamcli); fi
    if have update-mime-database; then
        rm -rf "$place/mime"
        mkdir -p "$place/mime/packages"
        cp "$share/mime/packages/moescope.xml" "$place/mime/packages/"
        update-mime-database "$place/mime" 2>"$place/mime.log"
        ! grep -i error "$place/mime.log" || fail "update-mime-database"
        types=$(cat "$place/mime/globs")
        grep -q '^application/x-moescope:\*\.moescope$' <<<"$types" || fail "*.moescope has no type: $types"
        # The desktop entry opens exactly that type.
        grep -q '^MimeType=application/x-moescope;$' "$share/applications/moescope.desktop" || fail "MimeType"
    else missing+=(update-mime-database); fi
    # The mark of the MIME type is the one in the header of a session.
    local session mark
    session=$(ls "$share"/moescope/sessions/*.moescope | head -n 1)
    mark=$(od -An -tx1 -j68 -N4 "$session" | tr -d ' ')
    grep -q "value=\"0x$mark\"" "$share/mime/packages/moescope.xml" || fail "the sessions' mark is $mark"
    [ ${#missing[@]} -lt 4 ] || skip "none of ${missing[*]} is installed"
    [ ${#missing[@]} -eq 0 ] || echo "not installed, so not asked: ${missing[*]}"
}

# What bash would offer for the last of these words.
offers() {
    set +eu # as in a shell that somebody types in
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _moescope 2>/dev/null # compopt minds that nobody is typing
    printf '%s\n' "${COMPREPLY[@]}"
}

commands() { bare "$prefix/bin/moescope" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }

step_completions() {
    local bash_file=$prefix/share/bash-completion/completions/moescope moescope=$prefix/bin/moescope command
    bash -n "$bash_file" || fail "bash -n"
    # shellcheck source=/dev/null
    . "$bash_file"
    offers moescope ru | says -x run || fail "run is not offered"
    offers moescope run --model Mixt | says -x Mixtral-8x7B || fail "models are not offered"
    offers moescope run --ops gate_up,do | says -x gate_up,down || fail "lists are not continued"
    offers moescope --view over | says -x overview || fail "views are not offered"
    # Every option that --help shows is offered.
    local option of_zsh=$prefix/share/zsh/site-functions/_moescope of_fish
    for command in "" $(commands); do
        of_fish=
        ! have fish || of_fish=$(HOME=$place/home fish -c "source $prefix/share/fish/vendor_completions.d/moescope.fish
            complete -C 'moescope $command --'")
        offers moescope $command -- >"$place/offered"
        for option in $(bare "$moescope" $command --help | grep -oE '^ +(-h,)?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
            says -x -- "$option" <"$place/offered" || fail "bash: $command $option is not offered"
            sed -n "/^ *${command:-_moescope()}[ )]/,/;;/p" "$of_zsh" | says -- "'[*]\?$option\[" || fail "zsh: $command $option is not offered"
            ! have fish || says "^$option" <<<"$of_fish" || fail "fish: $command $option is not offered"
        done
    done
    if have zsh; then zsh -n "$prefix/share/zsh/site-functions/_moescope" || fail "zsh -n"; fi
    if have fish; then
        fish -n "$prefix/share/fish/vendor_completions.d/moescope.fish" || fail "fish -n"
        HOME=$place/home fish -c "source $prefix/share/fish/vendor_completions.d/moescope.fish
            complete -C 'moescope run --model Mixt'" | says '^Mixtral-8x7B' || fail "fish offers no models"
    fi
    have zsh && have fish || echo "zsh or fish is not installed: only the others were tested"
}

step_manual() {
    local page=$prefix/share/man/man1/moescope.1 each command
    for each in "$page" "$prefix/share/man/man1/moescope-worker.1"; do
        if have mandoc; then mandoc -T lint -W warning "$each" || fail "mandoc: $each"; fi
        if have groff; then [ -z "$(groff -man -ww -z "$each" 2>&1)" ] || fail "groff: $each"; fi
    done
    for command in $(commands); do
        grep -q "^\.SS $command\$" "$page" || fail "$command is not in the manual"
        for each in $(bare "$prefix/bin/moescope" "$command" --help | grep -oE '^ +--[a-z-]+' | tr -d ' '); do
            grep -qF -- "${each//-/\\-}" "$page" || fail "$command $each is not in the manual"
        done
    done
    for each in $(bare "$prefix/bin/moescope-worker" --help | grep -oE -- '--[a-z-]+'); do
        grep -qF -- "${each//-/\\-}" "$prefix/share/man/man1/moescope-worker.1" || fail "$each is not in the worker's manual"
    done
    have mandoc || have groff || skip "neither mandoc nor groff is installed: only the options were tested"
}

step_library() {
    local work=$place/library pc
    rm -rf "$work"
    mkdir -p "$work/source"
    cat >"$work/source/main.c" <<'C'
#include <moescope/kernels.h>
#include <stdio.h>
int main(void) { return printf("%u\n", (unsigned)ms_abi_version()) < 0; }
C
    cat >"$work/source/CMakeLists.txt" <<'C'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(MoEScopeKernels REQUIRED)
add_executable(user main.c)
target_link_libraries(user PRIVATE MoEScope::kernels)
C
    "$CMAKE" -S "$work/source" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 &&
        "$CMAKE" --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log"; fail "find_package"; }
    "$work/build/user" || fail "the program does not run"
    have pkg-config || skip "pkg-config is not installed: only CMake's package was tested"
    pc=$(dirname "$(find "$prefix" -name moescope_kernels.pc)")
    # shellcheck disable=SC2046
    cc "$work/source/main.c" -o "$work/user" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs moescope_kernels) ||
        fail "pkg-config"
    LD_LIBRARY_PATH=$(PKG_CONFIG_PATH=$pc pkg-config --variable=libdir moescope_kernels) "$work/user" || fail "pkg-config's program"
}

step_archive() {
    have patchelf && have objdump || skip "patchelf or objdump is not installed: the archive was NOT tested"
    place=$place-archive
    rm -rf "$place"
    mkdir -p "$place"
    "$CMAKE" --build "$build" --target archive >"$place/log" 2>&1 || { cat "$place/log"; fail "the archive target"; }
    tar -xzf "$build"/moescope-*-linux-*.tar.gz -C "$place"
    local root
    root=$(echo "$place"/moescope-*)
    try_programs "$root"
    # Nothing of this machine's is loaded but the runtime of C and C++.
    local program
    for program in "$root"/bin/*; do
        ! bare ldd "$program" | grep '=>' | grep -v "$root/" |
            grep -vE '/(libc|libm|libstdc\+\+|libgcc_s|libpthread|librt|libdl|libutil|ld-linux[^/]*)\.so' || fail "$program uses the machine's libraries"
    done
    grep -qE 'glibc [0-9.]+ or newer' "$root/NOTICE" || fail "NOTICE says no glibc"
    # As README has it: no newer libraries than RHEL 9 has.
    ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release ||
        grep -q 'glibc 2.34 .*GLIBCXX_3.4.29 ' "$root/NOTICE" ||
        fail "$(grep glibc "$root/NOTICE"); what asks for more: $(objdump -T "$root"/bin/* "$root"/lib/*.so* 2>/dev/null |
            grep -oE '(GLIBC_2\.(3[5-9]|[4-9].)|GLIBCXX_3\.4\.[3-9].)\) .*' | sort -u | tr '\n' ' ')"
    rm -rf "$place" "$build/archive"
}

"step_$step"
