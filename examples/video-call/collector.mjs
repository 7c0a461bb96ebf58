/** `if-witness collect` as a process of its own, on any port that is free. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { programPath } from './command-lines.mjs';

export class Collector {
  /** @throws when it does not listen, with what it said */
  static async start(home, forward) {
    const args = ['collect', '--home', home, '--port', '0', '--no-grpc', '--log-format', 'json'];
    if (forward !== undefined) args.push('--forward', forward);
    const child = spawn(process.execPath, [programPath('if-witness'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const { event, http } = line.startsWith('{') ? JSON.parse(line) : {};
      if (event === 'collector.started') return new Collector(child, http);
    }
    throw new Error(`the collector did not start: ${said.join('\n')}`);
  }

  constructor(child, url) {
    this.process = child;
    this.url = url;
    // It goes on writing its log, and must not wait for a reader.
    child.stderr.resume();
  }

  /** An ordinary stop. @param isForwarding waits first until the backend has all of it */
  async stop(isForwarding) {
    if (isForwarding) await this.#drained();
    const exit = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const [exitCode] = await exit;
    if (exitCode !== 0) throw new Error(`the collector ended with exit code ${exitCode}`);
  }

  async #drained() {
    for (let i = 0; i < 100; i++) {
      const metrics = await (await fetch(new URL('/metrics', this.url))).text();
      if (/^otelcol_exporter_queue_size\{.*\} 0$/m.test(metrics)) return;
      await sleep(100);
    }
    throw new Error('the backend does not take the spans');
  }
}
