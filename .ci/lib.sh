# What .ci/run and .ci/nightly have in common; sourced by them, from the root of the repository.
# shellcheck shell=bash

readonly nextest=0.9.151 deny=0.20.2
mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
readonly target tools=$target/tools

# Snapshots are compared and never written; a test that needs what the machine lacks fails instead of being left out.
export INSTA_UPDATE=no HARNESS_REQUIRE=process
# Nothing is compiled twice here, and the data for doing so are gigabytes.
export CARGO_INCREMENTAL=0
# One that was made before saves ten minutes of making it.
if [[ -z ${HARNESS_NODE_IMAGE_ARCHIVE-} ]]; then
  for archive in ../shared/node-image/*.tar.zst; do
    if [[ -f $archive ]]; then export HARNESS_NODE_IMAGE_ARCHIVE=$archive; fi
  done
fi
# Our own tools come first, those of the machine serve when they have the same version.
export PATH=$tools/bin:$PATH

summary=()

# stage HEADING COMMAND…: runs the command and says how long it took.
stage() {
  local heading=$1 started=$SECONDS
  shift
  printf '\n=== %s\n' "$heading"
  if ! "$@"; then
    printf '\n=== failed after %d s: %s\n' $((SECONDS - started)) "$heading" >&2
    return 1
  fi
  summary+=("$(printf '%5d s  %s' $((SECONDS - started)) "$heading")")
  printf '=== %d s: %s\n' $((SECONDS - started)) "$heading"
}

# has TOOL VERSION: whether `cargo TOOL` is there in that version.
has() { cargo "$1" --version 2>/dev/null | grep -qE "^cargo-$1 $2( |\$)"; }

# Built without optimisation and debug information: they are run once, and building them is what takes time.
install() {
  CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --locked --debug --root "$tools" "$@" >"$tools/$1.log" 2>&1
}

install_nextest() {
  mkdir -p "$tools"
  has nextest "$nextest" || install "cargo-nextest@$nextest" --no-default-features --features default-no-update
}

install_deny() {
  mkdir -p "$tools"
  has deny "$deny" || install "cargo-deny@$deny"
}

# Built of the same sources just before it is called.
harness() { "$target/debug/harness" "$@"; }

# What tests of containers and clusters need.
set_up_machine() {
  stage 'Anvil' harness setup anvil || return
  stage 'Docker engine' harness setup docker || return
  stage 'Kubernetes' harness setup kubernetes
}
