/** A small reader of Prometheus' text format (version 0.0.4), strict enough to notice what a scraper would refuse. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

/** Families by name. @throws Error at a line that is neither HELP, TYPE, sample nor empty, or that stands where it must not. */
export function parsePrometheus(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, { name: string; help: string; type: string; samples: Sample[] }>();
  let current: { name: string; help: string; type: string; samples: Sample[] } | undefined;
  for (const line of text.split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (line === '') continue;
    if (help !== null) {
      const [, name, words] = help as unknown as [string, string, string];
      if (families.has(name)) throw new Error(`${name} comes twice`);
      current = { name, help: words, type: '', samples: [] };
      families.set(name, current);
    } else if (type !== null) {
      if (current?.name !== type[1] || current?.type !== '') throw new Error(`TYPE without its HELP: ${line}`);
      current!.type = type[2]!;
    } else if (sample !== null) {
      const [, name, labels, value] = sample as unknown as [string, string, string | undefined, string];
      if (current === undefined || !isOf(name, current)) throw new Error(`a sample outside its family: ${line}`);
      current.samples.push({ name, labels: parseLabels(labels ?? ''), value: parseValue(value) });
    } else throw new Error(`not understood: ${line}`);
  }
  return families;
}

/** The value of the one sample with that name and those labels. */
export function sampleValue(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const samples = [...parsePrometheus(text).values()].flatMap((family) => family.samples);
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length !== 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`);
  return found[0]!.value;
}

function isOf(sample: string, { name, type }: { name: string; type: string }): boolean {
  return (
    sample === name || (type === 'histogram' && [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample))
  );
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [whole, name, value] = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)",?/.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`not labels: ${rest}`);
    if (Object.hasOwn(labels, name!)) throw new Error(`the label ${name} comes twice`);
    labels[name!] = value!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    rest = rest.slice(whole.length);
  }
  return labels;
}

function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) throw new Error(`not a value: ${text}`);
  return Number(text);
}
