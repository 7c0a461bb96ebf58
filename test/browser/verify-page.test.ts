/** The page that `verify --page` writes, opened from the disk in Chromium: what it says of bundles, good and hostile. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Home } from '../cli/run.js';
import { browserPeer, launchBrowser } from './pages.js';

// Starting a browser takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const HOSTILE = '<img src=x onerror=alert(1)>\u202e\u001b[31m</script>';

/** What a browser does when files are dropped on a page. */
const DROP = `(files) => {
  const dataTransfer = new DataTransfer();
  for (const [name, base64] of files)
    dataTransfer.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
  document.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
}`;

describe('the page', () => {
  const home = new Home();
  const file = home.beside('verify.html');
  const bundle = home.beside('call.bundle');
  const anchor = home.beside('anchor.note');
  let key = '';
  let browser: Browser | undefined;
  let page: Page;
  let requests: string[];
  let faults: string[];

  beforeAll(async () => {
    if (!browserPeer.present) return;
    home.log('call_started', 'call', '--payload', '{"callee": "bob"}', '--tokens-in', '3', '--cost', '0.0015');
    home.log(HOSTILE, 'call', '--payload', JSON.stringify({ note: HOSTILE }));
    writeFileSync(anchor, home.witness(['anchor']).stdout);
    home.log('other', 'elsewhere');
    expect(
      home.witness(['export', '--format', 'bundle', '--trace-id', 'call', '--anchor', anchor, '--output', bundle])
        .exitCode,
    ).toBe(0);
    expect(home.witness(['verify', '--page', file])).toMatchObject({ exitCode: 0, stdout: '' });
    key = home.witness(['keys', 'show']).stdout.trim();
    browser = await launchBrowser();
  });
  beforeEach(async (context) => {
    browserPeer.need(context);
    page = await (await browser!.newContext()).newPage();
    requests = [];
    faults = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => faults.push(message.text()));
    page.on('dialog', (dialog) => faults.push(dialog.message()));
    await page.goto(pathToFileURL(file).href);
    return () => page.context().close();
  });
  afterAll(() => browser?.close());

  const give = (...files: string[]): Promise<void> => page.setInputFiles('#files', files);
  const verdict = async (): Promise<string | null> => {
    await page.waitForSelector('.report');
    return page.textContent('.verdict .word');
  };
  const text = async (): Promise<string> => (await page.textContent('#result')) ?? '';

  test('says what a bundle is by the key that it is given', async () => {
    await page.fill('#key', key);
    await give(bundle);
    expect(await verdict()).toBe('VALID');
    expect(await page.textContent('.meaning')).toMatch(
      /^3 entries are here, out of 4 that the signed checkpoint covers/,
    );
    expect(await text()).toContain('that nothing was left out');
    expect(await page.locator('tbody tr:not(.details)').count()).toBe(3);
    expect(await page.locator('tbody tr').nth(2).textContent()).toMatch(/^1\d{4}-.*call_startedtest0\.0015 USDhere$/);
    await page.click('text=call_started');
    expect(await page.textContent('.details:not([hidden])')).toContain(
      '"witness.payload": "{\\"callee\\": \\"bob\\"}"',
    );
    expect(requests).toEqual([pathToFileURL(file).href]);
    expect(faults).toEqual([]);
  });

  test('without a key cannot tell, and can once it has one; the key may be a file', async () => {
    await give(bundle);
    expect(await verdict()).toBe('INCOMPLETE');
    expect(await page.textContent('h2')).toBe('Cannot tell: no key');
    const keyFile = home.beside('witness.vkey');
    writeFileSync(keyFile, `${key}\n`);
    await give(keyFile);
    await page.waitForSelector('.report.valid');
    await page.fill('#key', 'nonsense');
    await page.waitForSelector('#key[aria-invalid=true]');
    expect(await page.textContent('#key-hint')).toContain('Not a verifier key');
    expect(await text()).toBe('');
  });

  test('says that a changed bundle is not valid, which entry, and whose key it is not', async () => {
    const lines = readFileSync(bundle, 'utf8').split('\n');
    const at = lines.findIndex((line) => line.startsWith('{"entry"') && line.endsWith('"seq":1}'));
    const line = JSON.parse(lines[at]!) as { entry: string };
    const entry = Buffer.from(line.entry, 'base64').toString().replace('"cost":"1500000000"', '"cost":"1500000001"');
    expect(entry).toContain('1500000001');
    const changed = home.beside('changed.bundle');
    const edited = JSON.stringify({ ...line, entry: Buffer.from(entry).toString('base64') });
    writeFileSync(changed, lines.with(at, edited).join('\n'));
    await page.fill('#key', key);
    await give(changed);
    expect(await verdict()).toBe('INVALID');
    expect(await page.textContent('.problems')).toContain('entry 1Hash chain broken at entry 1');
    expect(await page.textContent('.entries .note')).toContain('believe none of it');
    const other = new Home();
    other.log('e', 't');
    await page.fill('#key', other.witness(['keys', 'show']).stdout.trim());
    await give(bundle);
    await page.locator('.problems', { hasText: 'no signature by' }).waitFor();
    expect(await page.textContent('.verdict .word')).toBe('INVALID');
  });

  test('compares an anchor that is dropped with the bundle and the key', async () => {
    const files = [bundle, anchor].map((name) => [name, readFileSync(name).toString('base64')]);
    files.push(['some.txt', Buffer.from(key).toString('base64')]);
    await page.evaluate(`(${DROP})(${JSON.stringify(files)})`);
    expect(await verdict()).toBe('VALID');
    expect(await page.textContent('h2')).toBe('As it was signed, and anchored');
    expect(await page.textContent('#chosen')).toContain('anchor');
  });

  test('asks for the cosignatures of a policy that is given', async () => {
    const folder = new URL('../vectors/bundles/', import.meta.url);
    const golden = (name: string): string => fileURLToPath(new URL(name, folder));
    const [goldenKey] = readFileSync(golden('keys'), 'utf8').split('\n');
    await page.fill('#key', goldenKey!);
    await give(golden('selection.bundle'), golden('policy'));
    expect(await verdict()).toBe('VALID');
    expect(await page.textContent('h2')).toBe('As it was signed, and witnessed');
    expect(await text()).toContain('the first 10 entries by alice, bob; policy asks for all of (alice, bob)');
    const strangers = home.beside('strangers');
    const [alice] = readFileSync(golden('policy'), 'utf8').match(/^witness alice .*$/m)!;
    writeFileSync(strangers, `log ${key}\n${alice}\nquorum alice\n`);
    await give(strangers);
    await page.waitForSelector('.report.incomplete');
    expect(await page.textContent('h2')).toBe('Cannot tell: the policy is not met');
  });

  test('shows hostile text as text', async () => {
    await page.fill('#key', key);
    await give(bundle);
    expect(await verdict()).toBe('VALID');
    await page.locator('tbody tr:not(.details)').nth(2).click();
    const shown = await text();
    expect(shown).toContain('<img src=x onerror=alert(1)>\\u{202e}\\u{1b}[31m</script>');
    expect(shown).not.toMatch(/[\u202e\u001b]/);
    expect(await page.locator('#result img, #result script').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('says of any other file that it is no bundle', async () => {
    const junk = home.beside('junk');
    for (const octets of ['', 'junk\n', `${'['.repeat(3_000_000)}\n`, readFileSync(bundle).subarray(0, 2_000)]) {
      writeFileSync(junk, octets);
      await page.reload();
      await give(junk);
      expect(await verdict()).toBe('INVALID');
      expect(await page.textContent('.problems')).toContain('not a');
    }
    expect(faults).toEqual([]);
  });

  test('is forbidden the network by its own policy', async () => {
    const asked = await page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)");
    expect(asked).toBe('TypeError');
    expect(faults.join()).toContain('Content Security Policy');
    expect(requests.filter((url) => url.startsWith('http'))).toEqual([]);
  });
});
