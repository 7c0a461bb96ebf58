/** What flags, variables and the file say, before it is known whether it makes sense. */
import { resolve } from 'node:path';
import type { Findings } from './config-problem.js';
import { nearestWord } from './nearest-word.js';
import { flagOf, type SettingName, settingNames, variableOf } from './settings.js';
import type { GivenText } from './yaml-reader.js';

/** A backend as one source gives it. */
export interface GivenForward {
  readonly source: string;
  /** Texts by key of the file. Undefined: the key is there, and what is wrong with its value was said. */
  readonly texts: ReadonlyMap<string, GivenText | undefined>;
  readonly headers: readonly (GivenText & { readonly key: string })[];
}

/** What one source says. Lists replace those of weaker sources as a whole. */
export interface Given {
  readonly settings: ReadonlyMap<SettingName, readonly GivenText[]>;
  readonly forwards: readonly GivenForward[] | undefined;
}

/** Flags by the name of their setting; repeatable ones have several texts. */
export type ConfigFlags = {
  readonly [K in SettingName | 'forward' | 'config']?: string | readonly string[] | undefined;
};

type Env = Readonly<Record<string, string | undefined>>;

const LISTS: readonly string[] = ['cors_origin', 'forward'];

/** What the flags say. Their paths are seen from where the command runs. */
export function givenByFlags(flags: ConfigFlags): Given {
  return collect((name) => {
    const texts = flags[name] ?? [];
    return (typeof texts === 'string' ? [texts] : texts).map((text) => ({ text, source: flagOf(name) }));
  });
}

/** What the variables say; empty ones count as unset, lists are separated by commas. */
export function givenByEnv(env: Env, findings: Findings): Given {
  warnOfUnknown(env, findings);
  return collect((name) => {
    const source = variableOf(name);
    const text = env[source]?.trim() ?? '';
    const texts = LISTS.includes(name) ? text.split(',').map((item) => item.trim()) : [text];
    return texts.filter((item) => item !== '').map((item) => ({ text: item, source }));
  });
}

/** A path of the file is seen from the folder that the file is in. */
export function besideFile(file: string, { text, source }: GivenText): GivenText {
  return { text: text === '' ? '' : resolve(file, '..', text), source };
}

function collect(read: (name: SettingName | 'forward') => GivenText[]): Given {
  const settings = new Map<SettingName, readonly GivenText[]>();
  let forwards: GivenForward[] | undefined;
  for (const name of settingNames) {
    const texts = read(name);
    if (texts.length === 0) continue;
    if (name === 'forward') {
      forwards = texts.map((given) => ({ source: given.source, texts: new Map([['url', given]]), headers: [] }));
    } else settings.set(name, texts);
  }
  return { settings, forwards };
}

/** Only a warning: Kubernetes sets variables of its own beside a service called if-witness-collect. */
function warnOfUnknown(env: Env, findings: Findings): void {
  const known = [...settingNames, 'config' as const].map(variableOf);
  for (const name of Object.keys(env)) {
    if (!name.startsWith('IF_WITNESS_COLLECT_') || known.includes(name)) continue;
    const near = nearestWord(name, known);
    findings.warning(name, 'no setting has this name', near === undefined ? undefined : `did you mean ${near}?`);
  }
}
