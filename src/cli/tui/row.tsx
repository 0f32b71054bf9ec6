import { Box, Text, type TextProps } from 'ink';
import type { ReactElement } from 'react';
import type { ViewRow } from '../progress/layout.js';

const STYLES: Readonly<Record<ViewRow['tone'], TextProps>> = {
  heading: { bold: true },
  finished: { color: 'blue' },
  running: {},
  failed: { color: 'red' },
  detail: { dimColor: true },
  warning: { color: 'yellow' },
};

export interface RowProps {
  readonly row: ViewRow;
  readonly color: boolean;
}

/** One line, cut where the terminal ends and never wrapped, so that a view has as many lines as it has rows. */
export function Row({ row, color }: RowProps): ReactElement {
  const style = color ? STYLES[row.tone] : {};
  return (
    <Box justifyContent="space-between" height={1}>
      <Box flexShrink={1} overflow="hidden">
        <Text {...style} wrap="truncate-end">
          {row.text}
        </Text>
      </Box>
      <Box flexShrink={0} marginLeft={1}>
        <Text {...style}>{row.right}</Text>
      </Box>
    </Box>
  );
}
