// What `tsbuild --version` pays for: only static imports count.
module.exports = {
  forbidden: [
    {
      name: 'startup-stays-light',
      comment: 'load it with import() where it is used',
      severity: 'error',
      from: { path: '^src/cli/main\\.ts$' },
      to: { path: 'node_modules', reachable: true },
    },
  ],
  options: {
    ...require('./.dependency-cruiser.cjs').options,
    tsPreCompilationDeps: false,
    exclude: { dynamic: true },
  },
};
