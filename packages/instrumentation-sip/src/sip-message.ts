/** What the observer keeps of a message: enough to place it in a call, nothing secret. RFC 3261. */

/** Name and tag of a From or To. */
export interface SipParty {
  /** URI without display name, password, parameters and headers; at most 512 characters. E.g. `sip:alice@example.com`. */
  readonly uri: string;
  /** Absent in a request that opens a dialog (To), and from RFC 2543 stacks. */
  readonly tag: string | undefined;
}

/** A message that can be placed: it has all that RFC 3261 §8.1.1 requires except Max-Forwards. */
export interface SipMessage {
  /** Of the start line, else of CSeq. E.g. `INVITE`. */
  readonly method: string;
  /** 100…699; absent in a request. */
  readonly status: number | undefined;
  /** Reason phrase, printable, at most 64 characters; empty in a request. */
  readonly reason: string;
  readonly callId: string;
  readonly from: SipParty;
  readonly to: SipParty;
  readonly cseq: number;
  /** Branch of the topmost Via; empty from RFC 2543 stacks. */
  readonly branch: string;
  readonly contentType: string | undefined;
  /** The body's octets, cut to Content-Length; absent when empty. It is digested, never recorded. */
  readonly body: Uint8Array | undefined;
  /** URI of Refer-To (RFC 3515), reduced like a party's. */
  readonly referTo: string | undefined;
  /** Of a REGISTER and its answers: seconds, of Expires or else of the first Contact's `expires`. */
  readonly expiresSeconds: number | undefined;
  /** User-Agent or Server, printable, at most 64 characters. */
  readonly agent: string | undefined;
}

/** Which way a message went: from here, to here, or past an observer that is neither end (a mirror port, HEP). */
export type SipDirection = 'sent' | 'received' | 'passing';

/** Transports that have a Via name, lower case (RFC 3261 §20.42, RFC 7118). */
export type SipTransport = 'udp' | 'tcp' | 'tls' | 'sctp' | 'ws' | 'wss';

/** One end of a hop. */
export interface SipEndpoint {
  /** IP address or host name. */
  readonly address: string;
  readonly port?: number | undefined;
}
