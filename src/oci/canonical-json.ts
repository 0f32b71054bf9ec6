/**
 * JSON with sorted member names and no white space: equal values give equal bytes. Members that are `undefined` are left out.
 * For keys and for documents of our own; a document from elsewhere is never written again.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
