declare const TSBUILD_VERSION: string | undefined;

/** Of this package: put in by the bundler, else the one in package.json, which a contract test compares. */
export const VERSION: string = typeof TSBUILD_VERSION === 'string' ? TSBUILD_VERSION : '0.1.0';
