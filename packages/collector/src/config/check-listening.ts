/** Whether the doors may listen where they are told to, and whether a backend is the collector itself. */

import { isLoopback, listenProblem } from '../door/listen-policy.js';
import type { ForwardTarget } from '../forward/forward-target.js';
import type { Findings } from './config-problem.js';
import type { SettingName, SettingValues } from './settings.js';

type At = (name: SettingName | 'forward') => string;

/** @param at who gave a setting */
export function checkListening(
  values: SettingValues,
  forwards: readonly ForwardTarget[],
  at: At,
  findings: Findings,
): void {
  const { host, port, grpc_port, insecure_listen, token_file } = values;
  const grpcHost = values.grpc_host ?? host;
  const doors: [SettingName, string][] = [['host', host]];
  if (values.grpc && grpcHost !== host) doors.push(['grpc_host', grpcHost]);
  for (const [name, doorHost] of doors) {
    const choice = { host: doorHost, hasTokens: token_file !== undefined, allowOpen: insecure_listen };
    const problem = listenProblem(choice);
    if (problem !== undefined) findings.problem(at(name), problem);
    else if (!isLoopback(doorHost)) warnOfOpenDoor(doorHost, at(name), values, findings);
  }
  if (values.grpc && grpcHost === host && grpc_port === port && port !== 0) {
    findings.problem(
      at('grpc_port'),
      `OTLP/gRPC and OTLP/HTTP cannot share port ${port}`,
      'give another, or --no-grpc',
    );
  }
  for (const { url, name } of forwards) {
    if (isItself(new URL(url), host, port)) {
      findings.problem(at('forward'), `the backend ${name} is this collector itself`, 'name another address');
    }
  }
}

function warnOfOpenDoor(host: string, source: string, values: SettingValues, findings: Findings): void {
  if (values.token_file === undefined) {
    findings.warning(source, `whoever reaches ${host} can write to the ledger`, 'give --token-file');
  } else if (values.tls_cert === undefined) {
    findings.warning(source, 'spans and tokens cross the network unencrypted', 'give --tls-cert and --tls-key');
  }
}

function isItself(url: URL, host: string, port: number): boolean {
  if (Number(url.port || (url.protocol === 'https:' ? 443 : 80)) !== port) return false;
  const target = url.hostname.replace(/^\[|\]$/g, '');
  const hearsLoopback = isLoopback(host) || host === '0.0.0.0' || host === '::';
  return target === host || (isLoopback(target) && hearsLoopback);
}
