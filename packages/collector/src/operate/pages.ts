/** The operator's pages of the HTTP door. */
import type { Registry } from 'prom-client';
import type { Page } from '../door/entrance.js';
import type { Health } from './health.js';

/** By path. The first two need no token: probes have none. `/metrics` needs one where senders do. */
export function operatorPages(health: Health, registry: Registry): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    ['/healthz', async () => health.alive()],
    ['/readyz', async () => health.ready()],
    ['/metrics', async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() })],
  ]);
}
