import { isList, isMap, kindOf, toText, toTruth, ValueError, type Value } from '../value.js';
import { decodeEntries } from './entry.js';
import { specOf, type EntryField, type FieldName, type FieldValue } from './field.js';

/** What an attribute of a target says; `undefined` for null, which is as if it were not there. @throws `ValueError` */
export function decodeField(name: FieldName, value: Value): FieldValue | undefined {
  if (value === null) return undefined;
  switch (specOf(name).kind) {
    case 'text':
      return { kind: 'text', text: toText(value) };
    case 'truth':
      return { kind: 'truth', truth: toTruth(value) };
    case 'list':
      return { kind: 'list', list: textsOf(value) };
    case 'map':
      return { kind: 'map', map: mapOfTexts(value) };
    case 'entries':
      return { kind: 'entries', entries: decodeEntries(name as EntryField, value) };
  }
}

/** @throws `ValueError` */
export function textsOf(value: Value): readonly string[] {
  if (!isList(value)) throw new ValueError(`a list is wanted, not ${kindOf(value)}`);
  return value.map(toText);
}

function mapOfTexts(value: Value): ReadonlyMap<string, string> {
  if (!isMap(value)) throw new ValueError(`a map is wanted, not ${kindOf(value)}`);
  return new Map([...value].flatMap(([key, item]) => (item === null ? [] : [[key, toText(item)] as const])));
}

/** What a reference to the field gives; null where it is not set. */
export function valueOfField(field: FieldValue | undefined): Value {
  switch (field?.kind) {
    case undefined:
      return null;
    case 'text':
      return field.text;
    case 'truth':
      return field.truth;
    case 'list':
      return field.list;
    case 'map':
      return field.map;
    case 'entries':
      return field.entries;
  }
}
