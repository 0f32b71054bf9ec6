/** The value of a JSON text, or `undefined` when it is none. For text that may be something else; nothing else is caught. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
