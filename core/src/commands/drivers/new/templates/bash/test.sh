#!/usr/bin/env bash
# Tests the driver: by a cluster's life, and where caproni is on PATH by the rules of the protocol.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")"
driver=$PWD/caproni-driver-{{name}}
CAPRONI_STATE_DIR=$(mktemp -d)
export CAPRONI_STATE_DIR
trap 'rm -rf "$CAPRONI_STATE_DIR"' EXIT

# Asks for these methods, one after the other; prints what of each result the filter of jq finds.
ask() {
    local filter=$1 method id=1
    shift
    {
        echo '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersions":[1],"host":{"name":"test","version":"1"}}}'
        for method; do
            echo "{\"jsonrpc\":\"2.0\",\"id\":$((id++)),\"method\":\"$method\",\"params\":{\"profile\":\"demo\",\"config\":{}}}"
        done
    } | timeout 60 "$driver" | jq -r "select(.id) | .result // . | $filter"
}

expect() {
    local expected=$1
    shift
    diff <(printf '%s\n' "$expected") <(ask "$@") || { echo "FAILED: $*"; exit 1; }
}

expect '{{name}}
stopped, false
created
none
ready, true
stopped
stopped, true
started
destroyed
stopped, false' '.name // .change // "\(.state), \(.exists)"' \
    status start start status stop status start destroy status
echo 'ok: a cluster lives from start to destroy'

if command -v caproni >/dev/null; then
    caproni drivers check --destructive "$driver"
    echo 'ok: it breaks no rule'
else
    echo 'skipped: the rules are checked where caproni is on PATH'
fi
