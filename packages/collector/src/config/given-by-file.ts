/** What the configuration file says. docs/operating.md describes it. */
import { resolve } from 'node:path';
import { isMap, type Node } from 'yaml';
import type { Findings } from './config-problem.js';
import { besideFile, type Given, type GivenForward } from './given.js';
import { readNamedFile } from './secret-files.js';
import { type SettingName, settingNames } from './settings.js';
import { type GivenText, YamlReader } from './yaml-reader.js';

const PATHS: readonly string[] = [
  'home',
  'ledger',
  'token_file',
  'tls_cert',
  'tls_key',
  'headers_file',
  'anchor_dir',
  'anchor_policy',
];

/** Keys of a backend. */
export const forwardKeys: readonly string[] = [
  'name',
  'url',
  'headers',
  'headers_file',
  'content_type',
  'compression',
  'timeout',
  'max_behind',
  'max_request',
];

/** Reads the file. An empty one says nothing. */
export function givenByFile(
  { text: file, source }: GivenText,
  env: Readonly<Record<string, string | undefined>>,
  findings: Findings,
): Given {
  const text = readNamedFile(file, source, findings);
  return text === undefined ? { settings: new Map(), forwards: undefined } : givenByYaml(file, text, env, findings);
}

/** The same for the text of a file. @param file says where its paths are seen from, and is named in findings */
export function givenByYaml(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  findings: Findings,
): Given {
  const settings = new Map<SettingName, readonly GivenText[]>();
  let forwards: GivenForward[] | undefined;
  const reader = new YamlReader(file, env, findings);
  const top = reader.parse(text);
  for (const { key, source, value } of top === undefined ? [] : reader.mapping(top, settingNames, 'the file')) {
    if (key === 'forward') forwards = reader.items(value).map((item) => forwardOf(reader, file, item, source));
    else {
      const nodes = key === 'cors_origin' ? reader.items(value) : [value];
      settings.set(key as SettingName, textsOf(reader, file, key, nodes, source));
    }
  }
  return { settings, forwards };
}

function textsOf(
  reader: YamlReader,
  file: string,
  key: string,
  nodes: readonly (Node | null)[],
  at: string,
): GivenText[] {
  return nodes.flatMap((node) => {
    const given = reader.text(node, at);
    if (given === undefined) return [];
    return [PATHS.includes(key) ? besideFile(resolve(file), given) : given];
  });
}

/** A backend is a mapping, or its URL alone. */
function forwardOf(reader: YamlReader, file: string, node: Node | null, at: string): GivenForward {
  const texts = new Map<string, GivenText | undefined>();
  const source = node === null ? at : reader.sourceOf(node);
  let headers: GivenForward['headers'] = [];
  if (!isMap(node)) return { source, texts: texts.set('url', reader.text(node, at)), headers };
  for (const { key, source, value } of reader.mapping(node, forwardKeys, 'a backend')) {
    if (key === 'headers') headers = reader.texts(value, 'headers');
    else texts.set(key, textsOf(reader, file, key, [value], source)[0]);
  }
  return { source, texts, headers };
}
