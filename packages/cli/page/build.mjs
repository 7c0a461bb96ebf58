/**
 * `node packages/cli/page/build.mjs [FILE]`: the page as one file, `dist/verify-page.html` unless told. The same sources give the
 * same octets: nothing of this machine, no time and no path goes in.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const here = import.meta.dirname;
const read = (name) => readFileSync(join(here, name), 'utf8');

/** The page's text. */
export async function buildPage() {
  const bundle = await rolldown({
    input: join(here, 'src/page.ts'),
    platform: 'browser',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({ format: 'iife', minify: true, comments: { legal: false } });
  await bundle.close();
  if (output.length !== 1) throw new Error('the page must be one script');
  // The parser of HTML ends a script at the first, wherever it stands, and makes U+FFFD of the others.
  const script = output[0].code.trim().replaceAll('</script', '<\\/script').replaceAll('\0', '\\x00');
  if (script.includes('\r')) throw new Error('the script would not survive in a page');
  const style = read('page.css').trim();
  const { version } = JSON.parse(read('../package.json'));
  const parts = { script, style, version, 'script-hash': csp(script), 'style-hash': csp(style) };
  const page = read('page.html');
  const missing = Object.keys(parts).filter((name) => !page.includes(`{{${name}}}`));
  if (missing.length > 0) throw new Error(`page.html has no place for ${missing.join(', ')}`);
  return page.replace(/(?:\/\*)?\{\{([a-z-]+)\}\}(?:\*\/)?/g, (_, name) => parts[name]);
}

function csp(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

if (import.meta.filename === process.argv[1]) {
  const file = process.argv[2] ?? join(here, '../dist/verify-page.html');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await buildPage());
}
