/**
 * The peers of these tests. They are looked for where `get-peers.sh` puts them, `$XDG_CACHE_HOME/if-witness-peers`, before
 * the ordinary path.
 */
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Peer, peer } from '../peers.js';

/** Where `get-peers.sh` puts peers; `IF_WITNESS_PEERS` names another folder. */
export const peersFolder: string =
  process.env.IF_WITNESS_PEERS ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'if-witness-peers');

// For everything that these tests start, too.
process.env.PATH = [join(peersFolder, 'bin'), join(peersFolder, 'python/bin'), process.env.PATH].join(delimiter);

/** A file that `get-peers.sh` made. */
export function peerFile(name: string): string {
  return join(peersFolder, name);
}

const javaAgentJar = peerFile('java/opentelemetry-javaagent.jar');

export const python: Peer = peer('the OpenTelemetry SDK of Python', [
  'python3',
  '-c',
  'import opentelemetry.distro, opentelemetry.processor.baggage, opentelemetry.exporter.otlp.proto.grpc, ' +
    'opentelemetry.sdk.version as v; print(v.__version__)',
]);
export const goService: Peer = peer('the OpenTelemetry SDK of Go', ['go-service', '--version']);
export const javaAgent: Peer = peer('the OpenTelemetry agent of Java', ['java', '-jar', javaAgentJar]);
export const telemetrygen: Peer = peer('telemetrygen', ['telemetrygen', '--help']);
export const otelcol: Peer = peer('the OpenTelemetry Collector', ['otelcol', '--version']);
export const litewitness: Peer = peer('litewitness', ['litewitness', '--help']);
export const sshAgent: Peer = peer('ssh-agent', [
  'sh',
  '-c',
  'command -v ssh-agent && command -v ssh-add && command -v ssh-keygen',
]);
export const tesseraLog: Peer = peer("Tessera's posix-oneshot", ['posix-oneshot', '--help']);
export const jaeger: Peer = peer('Jaeger', ['jaeger', 'version']);
export const goTlog: Peer = peer("Go's packages of notes and logs", ['go-tlog', '--version']);
export const tesseraFsck: Peer = peer('the fsck of Tessera', ['tessera-fsck', '--help']);
