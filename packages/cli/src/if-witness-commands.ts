/** The commands of `if-witness`. */
import type { ProgramSpec } from './program.js';

/** Their names, what they are for, and where they are. */
export const IF_WITNESS: ProgramSpec = {
  name: 'if-witness',
  summary: 'Writes events into a signed ledger, and proves that nobody changed them.',
  examples: [
    'if-witness log --event sip_invite_sent --component IF.witness.sip --trace-id session-flow-001',
    'if-witness trace session-flow-001',
    'if-witness verify',
  ],
  commands: [
    { name: 'log', summary: 'Write one event, or many, into the ledger.', load: () => import('./commands/log.js') },
    {
      name: 'exec',
      summary: 'Run a command and write what became of it into the ledger.',
      load: () => import('./commands/exec.js'),
    },
    { name: 'trace', summary: 'Show everything under a trace id.', load: () => import('./commands/trace.js') },
    { name: 'cost', summary: 'Show tokens and cost.', load: () => import('./commands/cost.js') },
    { name: 'verify', summary: 'Judge the ledger.', load: () => import('./commands/verify.js') },
    { name: 'export', summary: 'Write entries out as JSON, CSV or OTLP.', load: () => import('./commands/export.js') },
    {
      name: 'import',
      summary: 'Restore a ledger, or an export of one, into a new ledger.',
      load: () => import('./commands/import.js'),
    },
    { name: 'ingest', summary: 'Write the spans of OTLP files.', load: () => import('./commands/ingest.js') },
    {
      name: 'replay',
      summary: 'Send a trace from the ledger to an OTLP backend.',
      load: () => import('./commands/replay.js'),
    },
    {
      name: 'redact',
      summary: 'Erase payloads, and leave a signed entry that says so.',
      load: () => import('./commands/redact.js'),
    },
    {
      name: 'proof',
      summary: 'Write a proof that an entry is in the ledger.',
      load: () => import('./commands/proof.js'),
    },
    {
      name: 'anchor',
      summary: 'Print the newest checkpoint, to be kept elsewhere.',
      load: () => import('./commands/anchor.js'),
    },
    {
      name: 'witness',
      summary: 'Cosign the ledgers of others.',
      load: () => import('./commands/witness.js'),
    },
    { name: 'keys', summary: 'List, show or rotate the keys of the ledger.', load: () => import('./commands/keys.js') },
    {
      name: 'collect',
      summary: 'Receive spans over OTLP, and forward them.',
      load: () => import('./commands/collect.js'),
    },
    {
      name: 'doctor',
      summary: 'Find what is wrong with this installation, and say how to mend it.',
      load: () => import('./commands/doctor.js'),
    },
    {
      name: 'completion',
      summary: 'Print a completion script for a shell.',
      load: () => import('./commands/completion.js'),
    },
  ],
};
