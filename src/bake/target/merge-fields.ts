import { uniqueEntries } from './entry.js';
import { specOf, type EntryField, type FieldName, type Fields, type FieldValue } from './field.js';

/** What a target has that inherits from another, or that two files have. */
export function mergeFields(base: Fields, over: Fields): Fields {
  const merged = new Map(base);
  for (const [name, value] of over) merged.set(name, mergeValue(name, base.get(name), value));
  return merged;
}

function mergeValue(name: FieldName, base: FieldValue | undefined, over: FieldValue): FieldValue {
  if (over.kind === 'map' && base?.kind === 'map') return { kind: 'map', map: new Map([...base.map, ...over.map]) };
  if (specOf(name).adds !== true) return over;
  return addedValue(name, base, over);
}

/** Of lists and entries, those of both. */
function addedValue(name: FieldName, base: FieldValue | undefined, over: FieldValue): FieldValue {
  if (over.kind === 'list' && base?.kind === 'list') return { kind: 'list', list: [...base.list, ...over.list] };
  if (over.kind !== 'entries' || base?.kind !== 'entries') return over;
  return { kind: 'entries', entries: uniqueEntries(name as EntryField, [...base.entries, ...over.entries]) };
}

/** Without what is there twice or is empty. A network of the host needs leave, which is asked for here. */
export function normalizeFields(fields: Fields): Fields {
  const normal = new Map([...fields].map(([name, value]) => [name, normalValue(name, value)]));
  const network = fields.get('network');
  if (network?.kind === 'text' && network.text === 'host') {
    const given = normal.get('entitlements');
    const list = [...(given?.kind === 'list' ? given.list : []), 'network.host'];
    normal.set('entitlements', { kind: 'list', list: [...new Set(list)] });
  }
  return normal;
}

function normalValue(name: FieldName, value: FieldValue): FieldValue {
  switch (value.kind) {
    case 'list':
      return { kind: 'list', list: [...new Set(value.list)].filter((item) => item !== '') };
    case 'entries':
      return { kind: 'entries', entries: uniqueEntries(name as EntryField, value.entries) };
    case 'map':
      if (name !== 'contexts') return value;
      return { kind: 'map', map: new Map([...value.map].filter(([, item]) => item !== '')) };
    case 'text':
    case 'truth':
      return value;
  }
}
