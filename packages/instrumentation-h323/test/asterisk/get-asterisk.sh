#!/usr/bin/env bash
# Makes a Debian 11 root with Asterisk and its H.323 channel, the last Debian that has it: 300 MB, a minute, as root.
#   apt-get install -y --no-install-recommends mmdebstrap && packages/instrumentation-h323/test/asterisk/get-asterisk.sh
# into $IF_WITNESS_PEERS, else $XDG_CACHE_HOME/if-witness-peers. Nothing of it enters this repository.
set -euo pipefail
folder=${IF_WITNESS_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/if-witness-peers}
mkdir -p "$folder"
# From where this machine has its own packages. Not with security updates: their H.323 channel is not everywhere.
# shellcheck disable=SC2016
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1)
exec mmdebstrap --variant=apt --include=asterisk,asterisk-ooh323 bullseye "$folder/asterisk" "deb $archive bullseye main"
