/** The npm package `sip` 0.0.6: its `logger` option is called with every message, parsed. */
import { plainUri, printable } from './header-values.js';
import { transportOf } from './jssip-source.js';
import type { SipEndpoint, SipMessage, SipParty } from './sip-message.js';
import type { SipObserver } from './sip-observer.js';

/** A From, To, Contact or Refer-To of that package. */
export interface SipPackageAddress {
  readonly uri: unknown;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** What is used of its messages. */
export interface SipPackageMessage {
  readonly method?: string | undefined;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Octets as characters 0…255. */
  readonly content?: string | undefined;
}

/** What is used of where its messages come from and go. */
export interface SipPackageRemote {
  readonly protocol?: string | undefined;
  readonly address?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly local?: { readonly address?: string | undefined; readonly port?: number | undefined } | undefined;
}

/** What its `logger` option takes. */
export interface SipPackageLogger {
  readonly send: (message: SipPackageMessage, target: SipPackageRemote) => void;
  readonly recv: (message: SipPackageMessage, remote: SipPackageRemote) => void;
}

/**
 * A logger for `sip.create({ logger: observingSipLogger(observer) }, …)`.
 * @param local this end, which the package does not always know. Default: what it says
 */
export function observingSipLogger(observer: SipObserver, local?: SipEndpoint): SipPackageLogger {
  const observe = (message: SipPackageMessage, remote: SipPackageRemote, direction: 'sent' | 'received'): void => {
    const parsed = messageOf(message);
    if (parsed === undefined) return;
    observer.observeParsed(parsed, {
      direction,
      transport: transportOf(String(remote.protocol)),
      local: local ?? endpoint(remote.local),
      peer: endpoint({ address: remote.address ?? remote.host, port: remote.port }),
    });
  };
  return {
    send: (message, target) => safely(() => observe(message, target, 'sent')),
    recv: (message, remote) => safely(() => observe(message, remote, 'received')),
  };
}

function messageOf(message: SipPackageMessage): SipMessage | undefined {
  const { headers } = message;
  const cseq = headers.cseq as { readonly seq?: unknown; readonly method?: unknown } | undefined;
  const via = (headers.via as readonly { readonly params?: Readonly<Record<string, unknown>> }[] | undefined)?.[0];
  const callId = headers['call-id'];
  const from = partyOf(headers.from);
  const to = partyOf(headers.to);
  if (typeof callId !== 'string' || callId === '' || callId.length > 256 || from === undefined || to === undefined)
    return undefined;
  if (typeof cseq?.seq !== 'number' || typeof cseq.method !== 'string' || via === undefined) return undefined;
  const status = message.status === undefined || message.method !== undefined ? undefined : Number(message.status);
  const contact = (headers.contact as readonly SipPackageAddress[] | undefined)?.[0]?.params?.expires;
  const expires = headers.expires ?? contact;
  const agent = headers['user-agent'] ?? headers.server;
  const referTo = headers['refer-to'] as SipPackageAddress | undefined;
  return {
    method: message.method ?? cseq.method,
    status,
    reason: status === undefined ? '' : printable(message.reason ?? ''),
    callId: printable(callId, 256),
    from,
    to,
    cseq: cseq.seq,
    branch: text(via.params?.branch) ?? '',
    contentType: headers['content-type'] === undefined ? undefined : printable(String(headers['content-type'])),
    body: message.content ? Uint8Array.from(message.content, (char) => char.charCodeAt(0)) : undefined,
    referTo: referTo === undefined ? undefined : partyOf(referTo)?.uri,
    expiresSeconds: /^\d{1,10}$/.test(String(expires)) ? Number(expires) : undefined,
    agent: typeof agent === 'string' ? printable(agent) : undefined,
  };
}

function partyOf(value: unknown): SipParty | undefined {
  if (typeof value === 'string') return { uri: plainUri(value), tag: undefined };
  const address = value as SipPackageAddress | undefined;
  if (address?.uri === undefined) return undefined;
  return { uri: plainUri(uriText(address.uri)), tag: text(address.params?.tag) };
}

/** Applications may give the package a parsed URI. */
function uriText(uri: unknown): string {
  if (typeof uri === 'string') return uri;
  const { schema, user, host, port } = uri as Readonly<Record<string, unknown>>;
  return `${schema ?? 'sip'}:${user === undefined ? '' : `${user}@`}${host}${port ? `:${port}` : ''}`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= 256 ? value.toWellFormed() : undefined;
}

function endpoint(
  of: { readonly address?: string | undefined; readonly port?: number | undefined } | undefined,
): SipEndpoint | undefined {
  return of?.address === undefined ? undefined : { address: of.address, port: of.port };
}

/** The package calls its logger in the middle of sending. */
function safely(observe: () => void): void {
  try {
    observe();
  } catch {
    // A message of a shape that is not known is not observed.
  }
}
