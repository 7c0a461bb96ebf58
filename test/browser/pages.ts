/** Pages for headless Chromium: one bundled script each, served on loopback. */
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { type Peer, peer } from '../peers.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's package `chromium`. */
export const browserPeer: Peer = peer('chromium', [CHROMIUM, '--version']);

/** Starts Chromium, with further flags. */
export function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
}

/** A server, not listening yet, of pages whose only script is `bundle`. */
export function servePage(title: string, bundle: string): Server {
  const page = `<!doctype html><title>${title}</title><script type="module" src="/page.js"></script>`;
  return createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? bundle : page);
  });
}

/** A module's source with all that it imports, as one script for browsers. @throws for any `node:` import. */
export async function bundlePage(source: string): Promise<string> {
  // A file that is not there, in a folder from which packages are found.
  const entry = join(import.meta.dirname, 'page.js');
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? source : null),
      },
    ],
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  return output[0].code;
}
