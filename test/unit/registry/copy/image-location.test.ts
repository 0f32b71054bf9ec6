import { describe, expect, test } from 'vitest';
import { formatImageLocation, parseImageLocation } from '../../../../src/registry/copy/image-location.js';

describe('parseImageLocation()', () => {
  test.each([
    ['docker://debian', 'docker://docker.io/library/debian:latest'],
    ['docker://localhost:5000/x/y:1', 'docker://localhost:5000/x/y:1'],
    ['docker-archive:a.tar', 'docker-archive:/here/a.tar'],
    ['docker-archive:/abs/a.tar:x:1', 'docker-archive:/abs/a.tar:x:1'],
    ['oci-archive:../a.tar:1.0', 'oci-archive:/a.tar:1.0'],
    ['oci:folder:', 'oci:/here/folder'],
    ['oci:folder:docker.io/library/x:1', 'oci:/here/folder:docker.io/library/x:1'],
    ['store:oci:1', 'oci:1'],
    ['debian:12', 'debian:12'],
    ['localhost:5000/x', 'localhost:5000/x'],
    ['4f06b3c1', '4f06b3c1'],
  ])('reads %s', (text, shown) => {
    const location = parseImageLocation(text, '/here');
    expect(formatImageLocation(location)).toBe(shown);
  });

  test.each(['docker:debian', 'docker://', 'docker-archive:', 'oci::x', 'dir:x', 'docker-daemon:x:1', '', 'store:'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseImageLocation(text, '/here')).toThrow(/^cannot/);
    },
  );
});
