/** Names of the headers that place a message in a call. */

/** What a header is called in here; `ignored` is read over. */
export type Header =
  | 'via'
  | 'from'
  | 'to'
  | 'callId'
  | 'cseq'
  | 'contact'
  | 'length'
  | 'type'
  | 'expires'
  | 'referTo'
  | 'agent'
  | 'ignored';

/** Headers that are read, by lower-case name and by compact form (RFC 3261 §7.3.3, RFC 3515). */
const HEADERS: ReadonlyMap<string, Header> = new Map<string, Header>([
  ['via', 'via'],
  ['v', 'via'],
  ['from', 'from'],
  ['f', 'from'],
  ['to', 'to'],
  ['t', 'to'],
  ['call-id', 'callId'],
  ['i', 'callId'],
  ['cseq', 'cseq'],
  ['contact', 'contact'],
  ['m', 'contact'],
  ['content-length', 'length'],
  ['l', 'length'],
  ['content-type', 'type'],
  ['c', 'type'],
  ['expires', 'expires'],
  ['refer-to', 'referTo'],
  ['r', 'referTo'],
  ['user-agent', 'agent'],
  ['server', 'agent'],
]);

/** The same as nearly all stacks write them, by length, and what a call does not need: found without copying the name. */
const USUAL: readonly (readonly (readonly [name: string, header: Header])[])[] = Array.from(
  { length: 25 },
  (_, length) =>
    (
      [
        ['Via', 'via'],
        ['From', 'from'],
        ['To', 'to'],
        ['Call-ID', 'callId'],
        ['CSeq', 'cseq'],
        ['Contact', 'contact'],
        ['Content-Length', 'length'],
        ['Content-Type', 'type'],
        ['User-Agent', 'agent'],
        ['Server', 'agent'],
        ['Max-Forwards', 'ignored'],
        ['Record-Route', 'ignored'],
        ['Route', 'ignored'],
        ['Allow', 'ignored'],
        ['Supported', 'ignored'],
      ] as const
    ).filter(([name]) => name.length === length),
);

/** The header whose name is at a place of a head; undefined for one that is not read. @param end where its colon is */
export function headerAt(head: string, at: number, end: number): Header | undefined {
  const usual = USUAL[end - at];
  if (usual === undefined) return undefined;
  for (const [name, header] of usual) if (head.startsWith(name, at)) return header;
  return HEADERS.get(head.slice(at, end).trimEnd().toLowerCase());
}
