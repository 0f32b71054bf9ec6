import { configInvalid } from './config-file.js';

export type Table = Readonly<Record<string, unknown>>;

/** @throws `CONFIG_INVALID` naming file and line */
export async function parseToml(file: string, text: string): Promise<Table> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw configInvalid(file, 'it is no TOML', { line: error.line, cause: error });
  }
}
