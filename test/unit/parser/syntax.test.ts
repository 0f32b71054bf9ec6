import { describe, expect, test } from 'vitest';
import { errorOf, parse } from './parsing.js';

describe('the frontend that a file asks for is noted', () => {
  test.each<[string, string | undefined]>([
    ['# syntax=docker/dockerfile:1\nFROM a', 'docker/dockerfile:1'],
    [
      '#  SyntaX  = registry.example/docker/dockerfile-upstream@sha256:00 \r\nFROM a',
      'registry.example/docker/dockerfile-upstream@sha256:00',
    ],
    ['# escape=`\n# syntax=x/y with words\nFROM a', 'x/y'],
    ['\uFEFF# syntax=x\nFROM a', 'x'],
    ['#!/usr/bin/env builder\n# syntax=x\nFROM a', 'x'],
    ['# a comment\n# syntax=x\nFROM a', undefined],
    ['\n# syntax=x\nFROM a', undefined],
    ['# other=1\n# syntax=x\nFROM a', undefined],
    ['# syntax=\nFROM a', undefined],
    ['FROM a', undefined],
  ])('%j', (text, frontend) => {
    expect(parse(text).syntax?.frontend).toBe(frontend);
  });

  test('with its place', () => {
    expect(parse('# escape=`\n# syntax=x \nFROM a').syntax?.source).toMatchObject({
      start: { line: 2, column: 1 },
      end: { line: 2, column: 11 },
    });
  });
});

test.each([
  ['//syntax=example/mopy\napiVersion: v1', 'example/mopy'],
  ['#!x\n// syntax = example/mopy\nFROM a', 'example/mopy'],
  ['{"syntax": "example/pack:1", "x": [1]}', 'example/pack:1'],
  ['\uFEFF \n{ "syntax": "x" }', 'x'],
])('a file in the language of another frontend is refused by its name: %j', (text, frontend) => {
  const error = errorOf(() => parse(text));
  expect(error).toMatchObject({
    code: 'DOCKERFILE_UNSUPPORTED',
    message: `cannot read "Dockerfile": it is written for the frontend "${frontend}"`,
  });
  expect(error.source?.start.column).toBe(1);
});

test.each(['//syntax=docker/dockerfile:1\nFROM a', '// comment\nFROM a', '{"syntax": 1}', '{"syntax": "x"'])(
  '%j is a Dockerfile with a mistake',
  (text) => {
    expect(errorOf(() => parse(text))).toMatchObject({
      code: 'DOCKERFILE_SYNTAX',
      message: expect.stringContaining('there is no such instruction') as string,
    });
  },
);
