# Sourced by run.sh and test.sh: brings a bare Debian 12 or Ubuntu 24.04 machine to a built tree.
# Everything it fetches goes into .deps/ (pinned sources, and a CUDA toolkit where there is no nvcc);
# a second call finds its stamp and does nothing.
#
#   MOESCOPE_CUDA=OFF   leaves the CUDA device out (default ON)

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly MOESCOPE_ROOT=$PWD
readonly MOESCOPE_CUDA=${MOESCOPE_CUDA:-ON}

say() { printf 'moescope: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

readonly BUILD_PACKAGES=(
    g++ cmake ninja-build git ca-certificates pkg-config dpkg-dev ccache
    protobuf-compiler libprotobuf-dev libfmt-dev nlohmann-json3-dev libcli11-dev libsqlite3-dev
    zlib1g-dev libstb-dev libfontconfig-dev libfreetype-dev fonts-dejavu-core
    libx11-dev libxrandr-dev libxinerama-dev libxcursor-dev libxi-dev libxkbcommon-dev libwayland-dev
    libgl-dev libopengl-dev libgl1-mesa-dri)
readonly TEST_PACKAGES=(
    xvfb xauth xdotool x11-utils sway sqlite3 python3 patchelf binutils desktop-file-utils mandoc
    openssh-client openssh-server)
readonly WHEEL_PACKAGES=(python3 python3-venv)

# The toolkit's wheels: one release, so that nvcc, headers and libraries agree.
readonly CUDA_WHEELS=(
    nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-cccl==13.0.85
    nvidia-cuda-cupti==13.0.85)

installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

install_packages() {
    local missing=()
    for package in "$@"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        die "these packages are missing and this is not Debian or Ubuntu: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "these packages are missing and there is no root and no sudo; ask for: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq >&2 ||
        say "the package lists could not be refreshed; going on with the ones there are"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >&2 || die "apt-get could not install: ${missing[*]}"
}

# Debian's mirror as this machine knows it, for a suite it does not have enabled.
debian_mirror() {
    { grep -hsvE '^[[:space:]]*#' /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
        /etc/apt/sources.list.d/*.sources || true; } |
        sed -nE 's|.*(https?://[^ ]+/debian)/?( .*)?$|\1|p' | head -n 1
}

# Dear ImGui, GLFW and Catch2 at the pinned versions from Debian's trixie suite, through an apt
# configuration of our own: the system's lists stay as they are. Elsewhere CMake fetches them.
fetch_sources() {
    local sources=$MOESCOPE_ROOT/.deps/src mirror
    [ -d "$sources/imgui" ] && [ -d "$sources/glfw" ] && [ -d "$sources/catch2" ] && return 0
    mirror=$(debian_mirror)
    if [ -z "$mirror" ] || [ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ]; then
        say "no Debian mirror configured: CMake will fetch Dear ImGui, GLFW and Catch2 from their repositories"
        return 0
    fi
    local apt=$MOESCOPE_ROOT/.deps/apt
    mkdir -p "$apt"/{sources,lists/partial,cache/archives/partial} "$sources" "$apt/download"
    printf 'Types: deb-src\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
        "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg >"$apt/sources/trixie.sources"
    local options=(-oDir::Etc::SourceList=/dev/null -oDir::Etc::SourceParts="$apt/sources"
        -oDir::State::Lists="$apt/lists" -oDir::Cache="$apt/cache" -oAPT::Sandbox::User=)
    say "fetching the sources of Dear ImGui 1.90.1, GLFW 3.4 and Catch2 3.7.1"
    (cd "$apt/download" && apt-get "${options[@]}" update -qq &&
        apt-get "${options[@]}" source -qq imgui=1.90.1+ds-1 glfw3=3.4-3 catch2=3.7.1-0.5) >&2 ||
        die "the sources of Dear ImGui, GLFW and Catch2 could not be fetched from $mirror; check the network"
    for pair in imgui:imgui glfw:glfw3 catch2:catch2; do
        rm -rf "${sources:?}/${pair%%:*}"
        mv "$apt/download/${pair##*:}"-[0-9]*/ "$sources/${pair%%:*}"
    done
    rm -rf "$apt"
}

# Puts a toolkit on PATH: the machine's own, or the wheels in .deps/cuda.
find_cuda() {
    [ "$MOESCOPE_CUDA" = ON ] || return 0
    if command -v nvcc >/dev/null; then return 0; fi
    if [ -x /usr/local/cuda/bin/nvcc ]; then
        export PATH=/usr/local/cuda/bin:$PATH
        return 0
    fi
    local cuda=$MOESCOPE_ROOT/.deps/cuda
    [ -x "$cuda/bin/nvcc" ] || fetch_cuda "$cuda"
    export PATH=$cuda/bin:$PATH CUDACXX=$cuda/bin/nvcc CUDAToolkit_ROOT=$cuda
}

fetch_cuda() {
    local cuda=$1 staging=$MOESCOPE_ROOT/.deps/cuda-staging
    install_packages "${WHEEL_PACKAGES[@]}"
    say "no nvcc found: fetching the CUDA 13.0 toolkit into .deps/cuda (about 600 MB unpacked)"
    rm -rf "$staging"
    python3 -m venv "$staging/venv" && "$staging/venv/bin/pip" install -q --disable-pip-version-check --no-deps \
        --target "$staging/wheels" "${CUDA_WHEELS[@]}" >&2 ||
        die "the CUDA toolkit could not be fetched; install nvcc 12.8 or newer, or build without it: MOESCOPE_CUDA=OFF"
    rm -rf "$cuda"
    mv "$staging/wheels/nvidia/cu13" "$cuda"
    rm -rf "$staging"
    # The wheels carry only versioned library names, and lib where CMake looks for lib64.
    ln -sfn lib "$cuda/lib64"
    (cd "$cuda/lib" && for library in lib*.so.*; do
        [ -e "${library%%.so.*}.so" ] || ln -s "$library" "${library%%.so.*}.so"
    done)
}

# build TARGET...
build() {
    local preset=default
    [ "$MOESCOPE_CUDA" = ON ] || preset=cpu
    readonly MOESCOPE_BUILD=$MOESCOPE_ROOT/build/$preset
    if [ ! -f "$MOESCOPE_BUILD/build.ninja" ]; then
        cmake --preset "$preset" >&2 || die "CMake could not configure the build; the lines above say why"
    fi
    cmake --build "$MOESCOPE_BUILD" --target "$@" >&2 || die "the build failed; the lines above say where"
}

# set_up PACKAGE...: packages, sources, toolkit. What follows is build TARGET...
set_up() {
    local wanted="$* $MOESCOPE_CUDA" stamp=$MOESCOPE_ROOT/.deps/ready
    mkdir -p "$MOESCOPE_ROOT/.deps"
    if ! grep -qxF "$wanted" "$stamp" 2>/dev/null; then
        install_packages "$@"
        fetch_sources
        find_cuda
        echo "$wanted" >>"$stamp"
    else
        find_cuda
    fi
}
