// What an installation that did not end well leaves: no native module anywhere.
const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...more) => {
  if (!request.endsWith('.node')) return resolve.call(Module, request, ...more);
  throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
};
