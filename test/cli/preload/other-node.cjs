// What Node does with a native module that was built for another version of it.
process.dlopen = (_module, filename) => {
  throw Object.assign(new Error(`The module '${filename}'\nwas compiled against a different Node.js version`), {
    code: 'ERR_DLOPEN_FAILED',
  });
};
