/**
 * ICE candidates as text (RFC 8839 §5.1), counted by type. The text may come from the other side of a signalling channel or
 * from a stack with habits of its own: it is bounded, and what cannot be read is counted as `unknown`.
 */

/** What is said about a candidate. */
export interface Candidate {
  /** `host`, `srflx`, `prflx`, `relay`; anything else is `unknown`. */
  readonly type: string;
  /** `udp` or `tcp`; anything else is `unknown`. */
  readonly protocol: string;
  /** IP address or mDNS name; empty for what cannot be read. */
  readonly address: string;
  readonly port: number;
  readonly priority: number;
}

/** Longer text is no candidate. */
const MAX_CANDIDATE_LENGTH = 1024;
/** More candidates than this are not kept apart. */
const MAX_CANDIDATES = 512;
const SDP_LINE = '\na=candidate:';
const TYPES: ReadonlySet<string> = new Set(['host', 'srflx', 'prflx', 'relay']);
// candidate:foundation component transport priority address port "typ" type; node-datachannel puts `a=` before it.
const PATTERN = /^(?:a=)?candidate:\S+ \d+ (\S+) (\d+) (\S+) (\d+) typ (\S+)/i;

/** Reads a candidate's text. Undefined for the end of candidates, which is empty text. Never throws. */
export function parseCandidate(text: string): Candidate | undefined {
  if (text === '' || text === 'a=end-of-candidates') return undefined;
  const match = text.length > MAX_CANDIDATE_LENGTH ? null : PATTERN.exec(text.trim());
  if (match === null) return { type: 'unknown', protocol: 'unknown', address: '', port: 0, priority: 0 };
  const [, transport, priority, address, port, type] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const protocol = transport.toLowerCase();
  return {
    type: TYPES.has(type.toLowerCase()) ? type.toLowerCase() : 'unknown',
    protocol: protocol === 'udp' || protocol === 'tcp' ? protocol : 'unknown',
    address: address.slice(0, 253).toWellFormed(),
    port: Math.min(Number(port), 65_535),
    priority: Math.min(Number(priority), 0xffff_ffff),
  };
}

/** The candidates of one round of gathering, each counted once however often it is said. */
export class CandidateTally {
  readonly #seen = new Map<string, string>();
  #beyond = 0;

  /** Counts a candidate. @returns whether it is a new one */
  add(candidate: Candidate): boolean {
    const { type, protocol, address, port } = candidate;
    const key = `${protocol} ${address} ${port} ${type}`;
    if (this.#seen.has(key)) return false;
    if (this.#seen.size >= MAX_CANDIDATES) this.#beyond += 1;
    else this.#seen.set(key, type);
    return true;
  }

  /** Counts the candidates that are written in a session description. */
  addFromSdp(sdp: string): void {
    for (let at = sdp.indexOf(SDP_LINE); at >= 0; at = sdp.indexOf(SDP_LINE, at + 1)) {
      const end = sdp.indexOf('\n', at + 1);
      const candidate = parseCandidate(sdp.slice(at + 1, end < 0 ? undefined : end));
      if (candidate !== undefined) this.add(candidate);
    }
  }

  get total(): number {
    return this.#seen.size + this.#beyond;
  }

  /** How many of each type, e.g. `{ host: 3, srflx: 1 }`. */
  byType(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const type of this.#seen.values()) counts[type] = (counts[type] ?? 0) + 1;
    if (this.#beyond > 0) counts.unknown = (counts.unknown ?? 0) + this.#beyond;
    return counts;
  }
}
