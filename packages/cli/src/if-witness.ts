/** The command line `if-witness`. Importing this file runs it. */
import { IF_WITNESS } from './if-witness-commands.js';
import { runProgram } from './program.js';

await runProgram(IF_WITNESS, process.argv.slice(2));
