/** Go's path.Match for names: `*`, `?`, `[a-z]`, and a backslash before what means itself. */
export function globMatches(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/\\.|\[\^?[^\]]+\]|[^\w-]/g, (piece) => {
    if (piece === '*') return '.*';
    if (piece === '?') return '.';
    if (piece.length > 2 && piece.startsWith('[')) return piece.replaceAll('\\', '\\\\');
    return (piece.startsWith('\\') ? piece.slice(1) : piece).replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  try {
    return new RegExp(`^(?:${source})$`, 's').test(name);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

export function isGlob(pattern: string): boolean {
  return /[*?[\]]/.test(pattern);
}
