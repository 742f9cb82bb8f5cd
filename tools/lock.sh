#!/bin/sh
# Resolve pyproject.toml into the hash-pinned locks that tools/toolchain.py installs from. Versions in a lock are kept unless an
# argument says otherwise: --upgrade, or --upgrade-package NAME. A lock names no registry: the machine's own settings do.
set -eu
cd "$(dirname "$0")/.."
resolve() {
    lock=$1; shift
    .toolchain/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --custom-compile-command "make lock" -o "tools/$lock" "$@"
}
resolve requirements.lock pyproject.toml --all-extras --group dev "$@"
resolve prove.lock --group prove "$@"
resolve uv.lock --group uv "$@"
resolve build.lock --group build "$@"
resolve node.lock --group node "$@"
resolve model.lock --group model --no-deps "$@"
