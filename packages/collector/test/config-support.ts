/** What the tests of configuration share: folders with files in them, and every finding of a configuration. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigError,
  type ConfigProblem,
  type ConfigSources,
  type ResolvedConfig,
  resolveConfig,
} from '@infrafabric/collector';
import { onTestFinished } from 'vitest';

/** A folder that is gone after the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'collector-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file in a folder of its own, mode 0600. */
export function fileOf(text: string, name = 'file', mode = 0o600): string {
  const file = join(tempFolder(), name);
  writeFileSync(file, text, { mode });
  return file;
}

/** Resolves with a home that does not exist, so that nothing of the machine counts. */
export function resolved(sources: ConfigSources, home = join(tempFolder(), 'home')): ResolvedConfig {
  return resolveConfig({ ...sources, env: { IF_WITNESS_HOME: home, ...sources.env } });
}

/** The problems of a configuration; none when it can be used. */
export function problemsOf(sources: ConfigSources): readonly ConfigProblem[] {
  try {
    resolved(sources);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** The problems of a file's text. Their sources have `file` in place of its path. */
export function problemsOfYaml(text: string, env: Readonly<Record<string, string>> = {}): ConfigProblem[] {
  const file = fileOf(text, 'c.yaml');
  const problems = problemsOf({ flags: { config: file }, env });
  return problems.map((problem) => ({ ...problem, source: problem.source.replace(file, 'file') }));
}

/** A self-signed certificate with its key, made by openssl; valid for `days` from now. */
export function certificate(days = 30): { readonly cert: string; readonly key: string } {
  const folder = tempFolder();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...request, ...subject, '-days', String(days), '-keyout', key, '-out', cert], {
    stdio: 'pipe',
  });
  return { cert, key };
}
