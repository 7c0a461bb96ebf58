/** A gRPC door in a process of its own: says its port, then, asked, how much memory the process ever had (KiB). */
import { startGrpcDoor } from '../dist/door/grpc-door.js';
import { ByteBudget } from '../dist/index.js';

const [memoryBytes, maxBodyBytes] = process.argv.slice(2).map(Number);
const stored = { outcome: 'stored', rejected: 0, message: '' };
const intake = { memory: new ByteBudget(memoryBytes), take: async () => stored };
const door = await startGrpcDoor({
  ...{ host: '127.0.0.1', port: 0, intake, maxBodyBytes, tokens: undefined, tls: undefined },
});
process.on('message', () => process.send({ maxRssKiB: process.resourceUsage().maxRSS, held: intake.memory.held }));
process.on('disconnect', () => process.exit());
process.send({ port: door.port });
