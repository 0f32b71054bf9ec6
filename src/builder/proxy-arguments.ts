const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'] as const;

/**
 * The proxy variables that are given as build arguments, which no ARG needs to declare. A step sees them in both cases, since
 * programs differ in which one they read.
 */
export function proxyArguments(buildArgs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const given = NAMES.flatMap((name) => {
    const value = buildArgs[name] ?? buildArgs[name.toLowerCase()];
    return value === undefined ? [] : [[name, value] as const, [name.toLowerCase(), value] as const];
  });
  return Object.fromEntries(given);
}
