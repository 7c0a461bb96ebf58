#!/usr/bin/env bash
# Installs the programs that docs/recipes.md was run with, and those that check our logs, pinned, by ordinary package managers:
#   test/interop/get-peers.sh [python] [go] [telemetrygen] [otelcol] [jaeger] [java] [tlog] [tessera] [litewitness] [tessera-log]
# (default: all of them)
# into $IF_WITNESS_PEERS, else $XDG_CACHE_HOME/if-witness-peers. Nothing of it enters this repository.
# Needs python3 for python; a JDK 17 and mvn for java; go 1.26 for all others. litewitness is run with the ssh-agent of OpenSSH.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${IF_WITNESS_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/if-witness-peers}
mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export GOBIN=$folder/bin CGO_ENABLED=0
python_release=1.45.1 python_beta=0.66b1
collector=v0.161.0
jaeger=v1.76.0 # the tag under which the module has Jaeger 2.13.0
javaagent=2.33.1
litewitness=v0.9.0 # the newest that Go 1.26 builds
tessera=v1.0.4

get_python() {
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check \
    "opentelemetry-distro==$python_beta" "opentelemetry-processor-baggage==$python_beta" \
    "opentelemetry-exporter-otlp-proto-http==$python_release" "opentelemetry-exporter-otlp-proto-grpc==$python_release"
}

get_go() {
  (cd "$here/peers/go-service" && go build -o "$GOBIN/go-service" .)
}

get_telemetrygen() {
  go install "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@$collector"
}

get_otelcol() {
  go install "go.opentelemetry.io/collector/cmd/builder@$collector"
  cp "$here/peers/otelcol-builder.yaml" "$work"
  (cd "$work" && "$GOBIN/builder" --config otelcol-builder.yaml)
  cp "$work/otelcol/otelcol" "$GOBIN"
}

get_jaeger() {
  # `go install` refuses modules with replace directives; as a tool of an own module it builds.
  mkdir "$work/jaeger"
  cd "$work/jaeger"
  go mod init peer/jaeger
  go get -tool "github.com/jaegertracing/jaeger/cmd/jaeger@$jaeger"
  go build -o "$GOBIN/jaeger" github.com/jaegertracing/jaeger/cmd/jaeger
}

get_litewitness() {
  go install "filippo.io/torchwood/cmd/litewitness@$litewitness"
}

get_tessera-log() {
  go install "github.com/transparency-dev/tessera/cmd/examples/posix-oneshot@$tessera"
}

get_java() {
  mvn -q -B dependency:copy "-DoutputDirectory=$work/java" -Dmdep.stripVersion=true \
    "-Dartifact=io.opentelemetry.javaagent:opentelemetry-javaagent:$javaagent"
  mkdir -p "$folder/java"
  cp "$work/java/opentelemetry-javaagent.jar" "$folder/java"
  javac -d "$work/classes" "$here/peers/Service.java"
  jar --create --file "$folder/java/service.jar" --main-class Service -C "$work/classes" .
}

get_tlog() {
  (cd "$here/peers/go-tlog" && go build -o "$GOBIN/go-tlog" .)
}

get_tessera() {
  GOBIN=$work/tessera go install "github.com/transparency-dev/tessera/cmd/fsck@$tessera"
  cp "$work/tessera/fsck" "$GOBIN/tessera-fsck"
}

[ $# -gt 0 ] || set -- python go telemetrygen otelcol jaeger java tlog tessera litewitness tessera-log
failed=()
for name in "$@"; do
  case $name in
    python | go | telemetrygen | otelcol | jaeger | java | tlog | tessera | litewitness | tessera-log) ;;
    *) echo "get-peers.sh: there is no $name" >&2 && exit 2 ;;
  esac
  echo "== $name"
  # One that cannot be had does not keep the others away. (`if ( … )` would switch `-e` off inside.)
  set +e
  (set -e; "get_$name")
  [ $? -eq 0 ] || failed+=("$name")
  set -e
done
[ ${#failed[@]} -eq 0 ] || { echo "get-peers.sh: could not get ${failed[*]}" >&2; exit 1; }
