import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSipMessage } from '../dist/index.js';
import { offer, request, response } from './support.js';

/**
 * RFC 4475 §3.1.1.1, "A Short Tortuous INVITE" (its To, From, CSeq, Via and Contact as printed there; SDP cut to its
 * first line).
 */
const TORTUOUS = `INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 5
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
`.replaceAll('\n', '\r\n');

describe('a message is read', () => {
  test('however tortuously it is written (RFC 4475 §3.1.1.1)', () => {
    expect(parseSipMessage(TORTUOUS)).toEqual({
      method: 'INVITE',
      status: undefined,
      reason: '',
      callId: 'wsinv.ndaksdj@192.0.2.1',
      from: { uri: 'sip:jdrosen@example.com', tag: '98asjd8' },
      to: { uri: 'sip:vivekg@chair-dnrc.example.com', tag: '1918181833n' },
      cseq: 9,
      branch: '390skdjuw',
      contentType: 'application/sdp',
      body: new TextEncoder().encode('v=0\r\n'),
      referTo: undefined,
      expiresSeconds: undefined,
      agent: undefined,
    });
  });

  test('by compact names', () => {
    const compact = [
      'SIP/2.0 200 OK',
      'v: SIP/2.0/TCP a.example.com;branch=z9hG4bKx',
      'f: <sip:a@example.com>;tag=1',
      't: sip:b@example.com;tag=2',
      'i: abc',
      'CSeq: 7 INVITE',
      'm: <sip:b@10.0.0.2>;expires=60',
      'c: application/sdp',
      'l: 3',
      '',
      'v=0 beyond',
    ].join('\r\n');
    expect(parseSipMessage(compact)).toMatchObject({
      ...{
        method: 'INVITE',
        status: 200,
        reason: 'OK',
        callId: 'abc',
        cseq: 7,
        branch: 'z9hG4bKx',
      },
      ...{ from: { uri: 'sip:a@example.com', tag: '1' }, to: { uri: 'sip:b@example.com', tag: '2' } },
      contentType: 'application/sdp',
    });
    expect(Buffer.from(parseSipMessage(compact)!.body!).toString()).toBe('v=0');
    expect(parseSipMessage(compact.replace('7 INVITE', '7 REGISTER'))).toMatchObject({ expiresSeconds: 60 });
  });

  test('with bare LF, and after empty lines', () => {
    const text = `\r\n\r\n${request('BYE', { toTag: 'b' })}`;
    expect(parseSipMessage(text.replaceAll('\r\n', '\n'))).toEqual(parseSipMessage(text));
    expect(parseSipMessage(text)).toMatchObject({ method: 'BYE', to: { tag: 'b' } });
  });

  test.each([
    ['sip:alice:secret@example.com;transport=tcp?Subject=x', 'sip:alice@example.com'],
    ['sip:alice@example.com:5070', 'sip:alice@example.com:5070'],
    ['sip:al;ice@[2001:db8::1]:5070;lr', 'sip:al;ice@[2001:db8::1]:5070'],
    ['tel:+15551234;phone-context=example.com', 'tel:+15551234'],
    ['sips:example.com:5061;x=y', 'sips:example.com:5061'],
  ])('a URI is shown without password, parameters and headers: %s', (uri, shown) => {
    expect(parseSipMessage(request('INVITE', { from: uri }))!.from).toEqual({ uri: shown, tag: 'alice' });
  });

  test('a name in quotes that looks like an address does not deceive', () => {
    const text = request('INVITE').replace('"Alice"', '"<sip:mallory@example.com>;tag=m \\" x"');
    expect(parseSipMessage(text)!.from).toEqual({ uri: 'sip:alice@example.com', tag: 'alice' });
  });
});

describe('what cannot be placed is refused', () => {
  const good = request('INVITE');
  test.each([
    ['nothing', ''],
    ['a keep-alive', '\r\n\r\n'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another version', good.replace('SIP/2.0', 'SIP/3.0')],
    ['a status of four digits', response(200, 'OK').replace('200', '2000')],
    ['a status beyond 699', response(700, 'No')],
    ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => [
      `no ${name}`,
      good.replace(`\r\n${name}:`, '\r\nX-None:'),
    ]),
    ['a CSeq without number', good.replace('CSeq: 1 ', 'CSeq: one ')],
    ['an endless Call-ID', request('INVITE', { callId: 'x'.repeat(257) })],
    ['an endless tag', request('INVITE', { fromTag: 'x'.repeat(257) })],
    ['an endless head', request('INVITE', { headers: [`X: ${'x'.repeat(70_000)}`] })],
  ])('%s', (_, text) => {
    expect(parseSipMessage(text)).toBeUndefined();
    expect(parseSipMessage(Buffer.from(text))).toBeUndefined();
  });
});

interface SipPackage {
  parse(message: Buffer):
    | {
        readonly method?: string;
        readonly status?: number;
        readonly headers: {
          readonly 'call-id': string;
          readonly cseq: { readonly seq: number; readonly method: string };
          readonly via: readonly { readonly params: Readonly<Record<string, string | null>> }[];
          readonly from: { readonly uri: string; readonly params: Readonly<Record<string, string | null>> };
          readonly to: { readonly uri: string; readonly params: Readonly<Record<string, string | null>> };
        };
        readonly content: string;
      }
    | undefined;
}
const sip = createRequire(import.meta.url)('sip') as SipPackage;

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,20}$/);
const uri = fc.stringMatching(/^sip:[a-z0-9]{1,12}@[a-z0-9]{1,12}(\.[a-z]{2,5})?(:[1-9][0-9]{3})?$/);
const party = fc.record({
  name: fc.constantFrom('', '"A B" ', '"<x>;tag=q" ', 'Bob '),
  uri,
  tag: fc.option(token, { nil: undefined }),
});

describe('the `sip` package reads the same', () => {
  test('out of any well-formed message', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('INVITE', 'BYE', 'ACK', 'FOO'),
        fc.option(fc.integer({ min: 100, max: 699 }), { nil: undefined }),
        ...([party, party, token, fc.nat(2 ** 31 - 1), token, fc.string()] as const),
        fc.constantFrom(['From', 'To', 'Via', 'Call-ID'], ['f', 't', 'v', 'i'], ['FROM', 'tO', 'vIA', 'call-id']),
        (method, status, from, to, callId, cseq, branch, body, [fromName, toName, viaName, idName]) => {
          const show = ({ name, uri, tag }: typeof from): string =>
            `${name}<${uri}>${tag === undefined ? '' : `;tag=${tag}`}`;
          const text = [
            status === undefined ? `${method} sip:x@y SIP/2.0` : `SIP/2.0 ${status} Why`,
            `${viaName}: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=${branch}, SIP/2.0/TCP x;branch=other`,
            `${fromName}: ${show(from)}`,
            `${toName} : ${show(to)}`,
            `${idName}:${callId}`,
            `CSeq: ${cseq}  ${method}`,
            `Content-Length: ${Buffer.byteLength(body)}`,
            '',
            body,
          ].join('\r\n');
          const theirs = sip.parse(Buffer.from(text))!;
          const ours = parseSipMessage(text)!;
          expect({ ...parseSipMessage(Buffer.from(text)), body: undefined }).toEqual({ ...ours, body: undefined });
          expect([ours.method, ours.status]).toEqual([theirs.headers.cseq.method, theirs.status]);
          expect([ours.callId, ours.cseq]).toEqual([theirs.headers['call-id'], theirs.headers.cseq.seq]);
          expect(ours.branch).toBe(theirs.headers.via[0]!.params.branch);
          for (const [mine, other] of [
            [ours.from, theirs.headers.from],
            [ours.to, theirs.headers.to],
          ] as const) {
            expect(mine).toEqual({ uri: other.uri, tag: other.params.tag ?? undefined });
          }
          expect(Buffer.from(ours.body ?? '').toString('latin1')).toBe(theirs.content);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('hostile octets', () => {
  const seeds = [TORTUOUS, request('INVITE', offer), response(200, 'OK', { ...offer, toTag: 'b' })];
  const mutation = fc.array(
    fc.record({
      at: fc.nat(1_200),
      drop: fc.nat(40),
      put: fc.oneof(
        fc.constantFrom(
          '\r\n',
          '\n',
          '\r',
          ' ',
          '\t',
          ';',
          ',',
          '"',
          '\\',
          '<',
          '>',
          ':',
          '@',
          '=',
          '\0',
          'é',
          '\ud800',
          'tag=',
        ),
        fc.string({ maxLength: 5 }),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  );

  test('never throw, keep their bounds, and are the same as text and as octets', () => {
    fc.assert(
      fc.property(fc.constantFrom(...seeds), mutation, (seed, edits) => {
        const text = edits
          .reduce((now, { at, drop, put }) => now.slice(0, at) + put + now.slice(at + drop), seed)
          .toWellFormed();
        const fromText = parseSipMessage(text);
        const fromOctets = parseSipMessage(Buffer.from(text));
        expect(fromOctets === undefined).toBe(fromText === undefined);
        if (fromText === undefined || fromOctets === undefined) return;
        const { body: textBody, ...head } = fromText;
        const { body: octetBody, ...sameHead } = fromOctets;
        expect(head).toEqual(sameHead);
        expect(Buffer.from(textBody ?? '').equals(Buffer.from(octetBody ?? ''))).toBe(true);
        expect(head.callId.length).toBeLessThanOrEqual(256);
        expect(`${head.reason}${head.from.uri}${head.to.uri}${head.callId}`).not.toMatch(/[\u0000-\u001f\u007f]/);
      }),
      { numRuns: 3_000 },
    );
  });

  test('of any kind never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
        parseSipMessage(octets);
      }),
      { numRuns: 2_000 },
    );
  });

  test('that repeat a separator a million times take no more than linear time', () => {
    for (const evil of [';', ',', '"', '<', ' ', '\t', '\r\n ', '\r\n', '\r\nx', '\\', '@', ':']) {
      const message = (times: number): string =>
        request('INVITE', { headers: [`Contact: ${evil.repeat(times)}`] }).replace(
          'From: ',
          `From: ${evil.repeat(times)}`,
        );
      const cost = (times: number): number => {
        const startNs = process.hrtime.bigint();
        for (let i = 0; i < 20; i++) parseSipMessage(message(times));
        return Number(process.hrtime.bigint() - startNs);
      };
      cost(2_000);
      // Sixteen times the length; a quadratic parser would take 256 times as long.
      expect(Math.min(cost(16_000), cost(16_000))).toBeLessThan(100 * Math.max(cost(1_000), 200_000));
    }
  });
});
