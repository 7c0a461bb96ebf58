/** The command line `if-optimise`. Importing this file runs it. */
import { IF_OPTIMISE } from './if-optimise-commands.js';
import { runProgram } from './program.js';

await runProgram(IF_OPTIMISE, process.argv.slice(2));
