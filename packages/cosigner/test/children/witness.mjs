// A witness in a process of its own: FOLDER [die-before-answer]. Says its port on stdout.
import { startWitnessServer } from '../../dist/index.js';

const [folder, mode] = process.argv.slice(2);
const server = await startWitnessServer({
  folder,
  port: 0,
  onEvent: (event) => {
    // Its state is on disk, its answer not yet on the way.
    if (mode === 'die-before-answer' && event.type === 'answered' && event.status === 200)
      process.kill(process.pid, 'SIGKILL');
  },
});
console.log(server.port);
