const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** The proxy variables that are set, with passwords, and the user names before them, masked. */
export function proxyFacts(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const names = NAMES.flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name] ?? '';
      return value === '' ? [] : [[name, maskCredentials(value)]];
    }),
  );
}

/** `user:password@` of addresses, with a scheme or without, wherever they are. */
function maskCredentials(value: string): string {
  return value
    .split(',')
    .map((address) => address.replace(/^(\s*(?:[a-z][a-z0-9+.-]*:\/\/)?).*@/i, '$1***@'))
    .join(',');
}
