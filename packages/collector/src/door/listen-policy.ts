/** Who may reach a door: this machine, or others with a token, or anybody when the operator said so twice. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** What decides. */
export interface ListenChoice {
  readonly host: string;
  /** Whether senders must show a token. */
  readonly hasTokens: boolean;
  /** The second telling; the host itself is the first. */
  readonly allowOpen: boolean;
}

/**
 * Why a door must not listen there, with what to do; `undefined` when it may. A collector that anybody on the network can
 * write to holds whatever anybody wrote.
 */
export function listenProblem({ host, hasTokens, allowOpen }: ListenChoice): string | undefined {
  if (hasTokens || allowOpen || isLoopback(host)) return undefined;
  return (
    `${host === '' ? 'an empty host' : host} is reachable from other machines, and whoever reaches it could write to the ` +
    'ledger: ask for a token (--token-file), or listen on 127.0.0.1, or, where the network itself keeps strangers out, ' +
    'say so with --insecure-listen'
  );
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can connect to `host`. Of names only `localhost` is believed: others are somebody's to change. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return loopback.check(host, 'ipv4');
  if (isIPv6(host)) return loopback.check(host, 'ipv6');
  return host.toLowerCase() === 'localhost';
}
