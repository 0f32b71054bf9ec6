import { parseGoBoolean } from '../../go-boolean.js';
import type { DeviceFlag } from '../../instruction.js';
import { quoted } from '../../quoted.js';
import { didYouMean } from '../../suggestion.js';
import { readCsvFields } from '../values/csv-fields.js';
import type { Flag } from '../flags.js';
import { type RawInstruction, syntaxError } from '../raw-instruction.js';

const HINT =
  'Write --device=vendor.com/class=name, and ",required" behind it if the build is to fail without the device.';

/** BuildKit's ParseDevice: the first field that is no option is the name, be there an equals sign in it or not. */
export function parseDevice(raw: RawInstruction, flag: Flag): DeviceFlag {
  const { value, source } = flag;
  const refuse: Refusal = (state, hint = HINT) => syntaxError(raw, state, { source, hint });
  const fields = readCsvFields(value);
  if (fields === undefined) throw refuse(value === '' ? '--device is empty' : 'the quotes in --device do not match');
  let device: DeviceFlag = { name: '', required: false };
  for (const { text } of fields) device = withField(device, text, refuse);
  if (device.name === '') throw refuse('--device names no device');
  return device;
}

type Refusal = (state: string, hint?: string) => Error;

function withField(device: DeviceFlag, text: string, refuse: Refusal): DeviceFlag {
  const [, written = '', value] = /^([^=]*)(?:=([^]*))?$/.exec(text) ?? [];
  const key = written.toLowerCase();
  if (key === 'required') {
    const required = parseGoBoolean(value ?? 'true');
    if (required !== undefined) return { ...device, required };
    throw refuse(`required is either true or false, not ${quoted(value ?? '')}`);
  }
  const name = key === 'name' && value !== undefined ? value : text;
  if (device.name === '') return { ...device, name };
  if (name !== text) throw refuse(`${quoted(device.name)} and ${quoted(name)} are two names`);
  throw refuse(`--device has no option ${quoted(written)}`, didYouMean(key, ['name', 'required']) ?? HINT);
}
