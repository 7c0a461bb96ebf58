/**
 * A page in Chromium with the OpenTelemetry web SDK, as docs/recipes.md writes it, sends to `if-witness collect` at another
 * origin.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Stage } from '../interop/stage.js';
import { type LedgerSpan, Witness } from '../interop/witness.js';
import { browserPeer, bundlePage, launchBrowser, servePage } from './pages.js';

// Starting a browser takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** What the page's own code does beside the recipe. */
const SHOP = `
import { trace } from '@opentelemetry/api';
globalThis.placeOrder = (name) => {
  const attributes = { 'witness.trace.id': 'order-' + name, 'shop.page': location.pathname };
  trace.getTracer('shop').startSpan(name, { attributes }).end();
};
globalThis.flush = () => provider.forceFlush();
globalThis.ready = true;
`;

describe('a page in Chromium', () => {
  const stage = new Stage();
  const servers: Server[] = [];
  let witness: Witness;
  let browser: Browser | undefined;
  let page: Page;

  beforeAll(async () => {
    if (!browserPeer.present) return;
    witness = await Witness.start(stage, 'collect-browser');
    const bundle = await bundlePage((await stage.recipe('page.js')) + SHOP);
    // 8080 is the origin that the recipe allows.
    for (const port of [8080, 8081]) {
      const server = servePage('shop', bundle);
      servers.push(server);
      await once(server.listen(await stage.port(port), '127.0.0.1'), 'listening');
    }
    browser = await launchBrowser();
  });
  beforeEach(async (context) => {
    browserPeer.need(context);
    page = await (await browser!.newContext()).newPage();
    return () => page.context().close();
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close();
    await stage.close();
  });

  async function open(port: number): Promise<void> {
    await page.goto(await stage.url(port, '/basket'));
    await page.waitForFunction('globalThis.ready');
  }

  /** The spans of one order, once there are any; undefined after 15 s. */
  async function spansOfOrder(name: string): Promise<LedgerSpan[]> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const spans = witness.spans().filter((span) => span.name === name);
      if (spans.length > 0 || Date.now() > deadline) return spans;
      await delay(200);
    }
  }

  test('sends its spans into the ledger', async () => {
    await open(8080);
    await page.evaluate('placeOrder("paid"), flush()');
    expect(witness.spans()).toMatchObject([
      { name: 'paid', attributes: { 'witness.trace.id': 'order-paid', 'shop.page': '/basket' } },
    ]);
    expect(witness.home.trace('order-paid').entries).toMatchObject([{ event: 'paid' }]);
    witness.expectValid();
  });

  test('sends what it still holds when it is left', async () => {
    await open(8080);
    await page.evaluate('placeOrder("left")');
    await page.goto('about:blank');
    expect(await spansOfOrder('left')).toHaveLength(1);
  });

  test('of an origin that is not allowed is refused, and nothing of it is stored', async () => {
    const before = witness.spans();
    await open(8081);
    const refused = page.waitForEvent('requestfailed');
    await page.evaluate('placeOrder("foreign"), void flush().catch(() => {})');
    expect((await refused).url()).toBe(await stage.url(4318, '/v1/traces'));
    expect(witness.spans()).toEqual(before);
    witness.expectValid();
  });
});
