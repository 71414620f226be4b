# Chores; `just` lists them.

_default:
    @just --list

# Format everything
fmt:
    cargo fmt --all

# What CI says about style: formatting and clippy, warnings denied
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The documentation of all crates, warnings denied
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Dependencies that nothing uses (cargo-machete)
unused:
    cargo machete

# All tests; `just test -p hourglass-proto` for those of one crate
test *arguments:
    cargo test {{ if arguments == "" { "--workspace" } else { arguments } }} --locked

# Run scenarios: all, or those named
scenarios *names:
    cargo run --locked -- run {{ names }}

# The scenario target through cargo nextest, as CI does
nextest *arguments:
    cargo nextest run --workspace --locked --test scenarios {{ arguments }}

# Compile the contracts and write their artefacts (Node.js)
contracts:
    cd fixtures/contracts && npm ci && npm run build

# Compare the contracts with the real ones, from artefacts that you have compiled with Foundry
[no-cd]
contracts-differential artefacts *options:
    npm --prefix "{{ justfile_directory() }}/fixtures/contracts" ci
    node "{{ justfile_directory() }}/fixtures/contracts/differential/main.mjs" "{{ artefacts }}" {{ options }}

# Write the JSON Schemas of scenario files and of what commands write
schema:
    cargo run --locked -- schema --output harness/schema

# Look at changed snapshots, one by one (cargo-insta)
snapshots:
    cargo insta review --workspace

# Which dependencies may be used
deny:
    cargo deny --locked check bans licenses sources

# Known vulnerabilities of dependencies (fetches the RustSec database)
advisories:
    cargo deny --locked check advisories

# Everything that CI runs; `just ci --quick` without what has to be installed, `just ci docker` one of its parts
ci *arguments:
    .ci/run {{ arguments }}

# What takes too long for every change: `just nightly kills` runs one of runs, stress, kills, fuzz, ignored, large, advisories
nightly *stages:
    .ci/nightly {{ stages }}

# What a release publishes, made and checked here, in target/dist; `just release archive` one stage
release *stages:
    .ci/release {{ stages }}

# Workflows and scripts (actionlint, ShellCheck)
workflows:
    actionlint
    shellcheck -x .ci/run .ci/nightly .ci/release .devcontainer/prepare .github/actions/harness/install .github/actions/harness/prepare .github/actions/harness/run
