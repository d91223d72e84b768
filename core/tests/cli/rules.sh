#!/bin/sh
# A driver that keeps every rule. A test puts what its driver does wrong in the place of the
# marked line.
say() { printf '%s\n' "$1"; }
result() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
error() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":1000,\"message\":\"$2\",\"data\":{\"kind\":\"$1\"}}}"; }
progress() { say "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"step\":\"$1\",\"message\":\"$2\"}}"; }
describe() { result "{\"protocolVersion\":$1,\"name\":\"odd\",\"version\":\"1\",\"capabilities\":{\"methods\":[$methods],\"features\":[$features]},\"configSchema\":$schema}"; }
forever() { tail -f /dev/null; }
methods=
features=
schema={}
initialize() { describe 1; }
status() { result '{"state":"ready","exists":true}'; }
start() { result '{"change":"created"}'; }
stop() { result '{"change":"stopped"}'; }
destroy() { result '{"change":"destroyed"}'; }
cancel() { :; }
# (here)
while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  method=${line#*\"method\":\"}; method=${method%%\"*}
  "$method"
done
