/**
 * C2SP tlog-policy: which logs and witnesses are known, and which of the witnesses must have cosigned a checkpoint.
 * Source: c2sp.org/tlog-policy. Stricter in two: the last line ends with a newline too, so that a file that was cut is not
 * taken for one that asks for less; and keys of algorithms that cannot be checked here are refused, not passed over.
 */
import { textOfUtf8 } from './bytes.js';
import { FormatError } from './format-error.js';
import { parseCosignerVkey, parseVkey, type VerifierKey } from './vkey.js';

/** A policy file is at most this many octets. */
export const MAX_POLICY_OCTETS = 1_048_576;

/** A log whose checkpoints are accepted. The name of its key is its origin. */
export interface PolicyLog {
  readonly key: VerifierKey;
  readonly vkey: string;
  readonly url: string | undefined;
}

/** A witness that may be counted. */
export interface PolicyWitness {
  /** What the policy calls it; the name in its key can be another. */
  readonly name: string;
  readonly key: VerifierKey;
  readonly vkey: string;
  readonly url: string | undefined;
}

/** Who must have cosigned. */
export type Quorum =
  | { readonly kind: 'none' }
  | { readonly kind: 'witness'; readonly witness: PolicyWitness }
  | { readonly kind: 'group'; readonly name: string; readonly least: number; readonly members: readonly Quorum[] };

/** A policy as parsed. */
export interface Policy {
  /** None: any log, which is then known from elsewhere. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

/** Reads a policy file. @throws FormatError `policy.malformed`, with the number of the line. */
export function parsePolicy(octets: Uint8Array): Policy {
  if (octets.length > MAX_POLICY_OCTETS) throw malformed('it has more than 1,048,576 octets');
  // Names are opaque octets: one character for each, so that no decoding makes two of them one.
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  if (!text.endsWith('\n')) throw malformed('the last line does not end with a newline: is the end missing?');
  const reader = new PolicyReader();
  for (const [i, line] of text.slice(0, -1).split('\n').entries()) {
    try {
      reader.line(line);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw malformed(`line ${i + 1}: ${error.message}`, error);
    }
  }
  return reader.end();
}

/** Whether those who cosigned are enough. */
export function isQuorumMet(quorum: Quorum, hasCosigned: (witness: PolicyWitness) => boolean): boolean {
  switch (quorum.kind) {
    case 'none':
      return true;
    case 'witness':
      return hasCosigned(quorum.witness);
    case 'group':
      return quorum.members.filter((member) => isQuorumMet(member, hasCosigned)).length >= quorum.least;
  }
}

/** A quorum for people: `alice`, `2 of (alice, bob, all of (x, y))`, `nobody`. Names are foreign text. */
export function renderQuorum(quorum: Quorum): string {
  if (quorum.kind === 'none') return 'nobody';
  if (quorum.kind === 'witness') return quorum.witness.name;
  const { least, members } = quorum;
  if (members.length === 1) return renderQuorum(members[0]!);
  const share = least === members.length ? 'all' : least === 1 ? 'any' : String(least);
  return `${share} of (${members.map(renderQuorum).join(', ')})`;
}

class PolicyReader {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  /** Witnesses and groups share one namespace. */
  readonly #defined = new Map<string, Quorum>();
  readonly #members = new Set<string>();
  #quorum: Quorum | undefined;

  line(line: string): void {
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(line)) throw malformedLine('it holds a control character');
    const items = line.split(/[ \t]+/).filter((item) => item !== '');
    const [keyword, ...rest] = items;
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(rest);
    else if (keyword === 'witness') this.#witness(rest);
    else if (keyword === 'group') this.#group(rest);
    else if (keyword === 'quorum') this.#setQuorum(rest);
    else throw malformedLine(`expected log, witness, group or quorum, not ${JSON.stringify(keyword.slice(0, 40))}`);
  }

  end(): Policy {
    if (this.#quorum === undefined) {
      throw malformed('there is no quorum line: write `quorum NAME`, or `quorum none` to ask for no cosignature');
    }
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }

  #log(items: readonly string[]): void {
    const [vkeyOctets, url, ...more] = items;
    if (vkeyOctets === undefined || more.length > 0) throw malformedLine('expected `log VKEY [URL]`');
    const vkey = textOf(vkeyOctets);
    const key = parseVkey(vkey);
    if (this.#logs.some((other) => isSameKey(other.key, key))) throw malformedLine('this log key is listed before');
    this.#logs.push({ key, vkey, url: url === undefined ? undefined : shown(url) });
  }

  #witness(items: readonly string[]): void {
    const [octets, vkeyOctets, url, ...more] = items;
    if (octets === undefined || vkeyOctets === undefined || more.length > 0)
      throw malformedLine('expected `witness NAME VKEY [URL]`');
    const vkey = textOf(vkeyOctets);
    const key = parseCosignerVkey(vkey);
    // Two names for one key would be counted as two.
    if (this.#witnesses.some((other) => isSameKey(other.key, key)))
      throw malformedLine('this witness key is listed before');
    const witness = { name: shown(octets), key, vkey, url: url === undefined ? undefined : shown(url) };
    this.#define(octets, { kind: 'witness', witness });
    this.#witnesses.push(witness);
  }

  #group(items: readonly string[]): void {
    const [octets, share, ...names] = items;
    if (octets === undefined || share === undefined || names.length === 0)
      throw malformedLine('expected `group NAME any|all|N MEMBER…`');
    const least =
      share === 'any'
        ? 1
        : share === 'all'
          ? names.length
          : /^[1-9][0-9]{0,6}$/.test(share)
            ? Number(share)
            : Number.NaN;
    if (!(least <= names.length))
      throw malformedLine(`expected any, all or a number from 1 to ${names.length} before the members`);
    const members = names.map((name) => {
      const member = this.#named(name);
      // Else one witness could count twice.
      if (this.#members.has(name)) throw malformedLine(`${quote(name)} is a member of a group already`);
      this.#members.add(name);
      return member;
    });
    this.#define(octets, { kind: 'group', name: shown(octets), least, members });
  }

  #setQuorum(items: readonly string[]): void {
    const [name, ...more] = items;
    if (name === undefined || more.length > 0) throw malformedLine('expected `quorum NAME`');
    if (this.#quorum !== undefined) throw malformedLine('a second quorum line');
    this.#quorum = name === 'none' ? { kind: 'none' } : this.#named(name);
  }

  #define(name: string, meaning: Quorum): void {
    if (name === 'none') throw malformedLine('the name none is taken');
    if (this.#defined.has(name)) throw malformedLine(`${quote(name)} is defined before`);
    this.#defined.set(name, meaning);
  }

  #named(name: string): Quorum {
    const meaning = this.#defined.get(name);
    if (meaning === undefined) throw malformedLine(`no line above defines ${quote(name)}`);
    return meaning;
  }
}

function isSameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.publicKey.every((octet, i) => octet === b.publicKey[i]);
}

/** The text that octets are the UTF-8 of. */
function textOf(octets: string): string {
  return textOfUtf8(Uint8Array.from(octets, (char) => char.charCodeAt(0)));
}

/** For people: UTF-8 where it is that. */
function shown(octets: string): string {
  try {
    return textOf(octets);
  } catch {
    return octets;
  }
}

function quote(octets: string): string {
  return JSON.stringify(shown(octets).slice(0, 80));
}

function malformedLine(what: string): FormatError {
  return new FormatError('policy.malformed', what);
}

function malformed(what: string, cause?: unknown): FormatError {
  return new FormatError('policy.malformed', `not a policy: ${what}`, cause === undefined ? undefined : { cause });
}
