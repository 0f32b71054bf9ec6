const LONGEST = 120;

/** A value of the user's as error messages show it: in quotes, cut short, and with nothing in it that a terminal obeys. */
export function quoted(value: string): string {
  const cut = value.length > LONGEST ? `${value.slice(0, LONGEST)}...` : value;
  return `"${cut.replace(/\p{Cc}/gu, ' ')}"`;
}
