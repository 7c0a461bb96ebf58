/** Metrics of the process. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** Adds them. @param version of this software */
export function addProcessMetrics(registry: Registry, version: string): void {
  const registers = [registry];
  new Counter({
    name: 'otelcol_process_uptime',
    help: 'Seconds since the process started.',
    registers,
    collect() {
      this.reset();
      this.inc(process.uptime());
    },
  });
  new Counter({
    name: 'otelcol_process_cpu_seconds',
    help: 'Seconds of processor time, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'otelcol_process_memory_rss',
    help: 'Resident memory, bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  const info = new Gauge({
    name: 'if_witness_build_info',
    help: 'Always 1; what runs is in its labels.',
    labelNames: ['version', 'node'],
    registers,
  });
  info.set({ version, node: process.versions.node }, 1);
}
