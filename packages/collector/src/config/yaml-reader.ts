/**
 * The configuration file as YAML 1.2: positions of everything, unknown keys refused, values read as the texts that they are,
 * so that a port or a size means the same here as in a flag. Which settings there are is not known here.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml';
import type { Findings } from './config-problem.js';
import { expandEnv } from './expand-env.js';
import { nearestWord } from './nearest-word.js';

/** A text and where it stands. */
export interface GivenText {
  readonly text: string;
  readonly source: string;
}

/** A key of a mapping with its value. */
export interface YamlEntry {
  readonly key: string;
  readonly source: string;
  readonly value: Node | null;
}

/** Reads one file. What is wrong goes to the findings. */
export class YamlReader {
  readonly #file: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #findings: Findings;
  readonly #lines = new LineCounter();

  constructor(file: string, env: Readonly<Record<string, string | undefined>>, findings: Findings) {
    this.#file = file;
    this.#env = env;
    this.#findings = findings;
  }

  /** The top of the document; undefined when it is empty or cannot be read. */
  parse(text: string): Node | undefined {
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' });
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      this.#findings.problem(this.#at(pos[0]), `not YAML that is understood: ${message.split('\n')[0]}`);
    }
    const { contents } = document;
    const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
    return isEmpty || document.errors.length > 0 ? undefined : contents;
  }

  /** Where a node stands: `file:line:column`. */
  sourceOf(node: Node | null): string {
    return node?.range ? this.#at(node.range[0]) : this.#file;
  }

  /** The entries of a mapping; keys that are not known are problems. */
  mapping(node: Node | null, known: readonly string[], what: string): YamlEntry[] {
    if (!isMap<Scalar, Node | null>(node)) {
      this.#findings.problem(this.sourceOf(node), `${what} is not a mapping of keys to values`);
      return [];
    }
    const entries: YamlEntry[] = [];
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const source = this.sourceOf(key);
      if (known.includes(name)) entries.push({ key: name, source, value });
      else this.#unknown(name, source, known);
    }
    return entries;
  }

  /** Entries of a mapping whose keys are free, such as headers, with their texts. */
  texts(node: Node | null, what: string): (GivenText & { readonly key: string })[] {
    if (!isMap<Scalar, Node | null>(node)) {
      this.#findings.problem(this.sourceOf(node), `${what} is not a mapping of names to texts`);
      return [];
    }
    return node.items.flatMap(({ key, value }) => {
      const given = this.text(value, this.sourceOf(key));
      return given === undefined ? [] : [{ key: isScalar(key) ? String(key.value) : '', ...given }];
    });
  }

  /** Items of a list; a single value is a list of one. */
  items(node: Node | null): (Node | null)[] {
    return isSeq<Node | null>(node) ? node.items : [node];
  }

  /** A single value as text, with variables put in. @param otherwise where it would stand when there is none. */
  text(node: Node | null, otherwise: string): GivenText | undefined {
    const source = node?.range ? this.sourceOf(node) : otherwise;
    if (isAlias(node)) this.#findings.problem(source, 'an alias is not taken here', 'write the value out');
    else if (!isScalar(node)) this.#findings.problem(source, 'a single value is expected here');
    else if (node.value === null) this.#findings.problem(source, 'the value is missing', 'give one, or remove the key');
    else {
      // `0x10` stays `0x10`, and `1e3` stays `1e3`: a flag would not take them either.
      const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
      const expanded = this.#findings.attempt(source, () => expandEnv(text, this.#env));
      if (expanded !== undefined) return { text: expanded, source };
    }
    return undefined;
  }

  #unknown(name: string, source: string, known: readonly string[]): void {
    const near = nearestWord(name, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
    this.#findings.problem(source, `unknown key ${JSON.stringify(name.slice(0, 80))}`, hint);
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#file}:${line}:${col}`;
  }
}
