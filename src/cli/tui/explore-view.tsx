import { Box, Text, type TextProps } from 'ink';
import type { ReactElement } from 'react';
import { exploreFrame, pageOf, type FramePane, type FrameRow } from '../explore/explore-layout.js';
import type { Explorer } from '../explore/explorer.js';

const STYLES: Readonly<Record<FrameRow['tone'], TextProps>> = {
  heading: { bold: true },
  plain: {},
  dim: { dimColor: true },
  added: { color: 'green' },
  changed: { color: 'yellow' },
  removed: { color: 'red' },
};

export interface ExploreViewProps {
  readonly explorer: Explorer;
  readonly rows: number;
  readonly columns: number;
  readonly color: boolean;
  readonly utf8: boolean;
}

/** Layers and files of an image, on all lines of a terminal but the last. */
export function ExploreView({ explorer, rows, columns, color, utf8 }: ExploreViewProps): ReactElement {
  const { title, panes, footer } = exploreFrame(explorer, { rows, columns, utf8 });
  return (
    <Box flexDirection="column" width={columns} height={Math.max(1, rows - 1)} overflow="hidden">
      <Line row={title} color={color} />
      <Box height={pageOf(rows) + 1} overflow="hidden">
        {panes.map((pane, index) => (
          <PaneBox key={index} pane={pane} color={color} isFirst={index === 0} />
        ))}
      </Box>
      <Line row={footer} color={color} />
    </Box>
  );
}

function PaneBox({
  pane: { width, focused, rows },
  color,
  isFirst,
}: {
  readonly pane: FramePane;
  readonly color: boolean;
  readonly isFirst: boolean;
}): ReactElement {
  return (
    <Box flexDirection="column" width={width} flexShrink={0} marginLeft={isFirst ? 0 : 1} overflow="hidden">
      {rows.map((row, index) => (
        <Line key={index} row={row} color={color} focused={focused} />
      ))}
    </Box>
  );
}

/** One line, cut where its pane ends and never wrapped. */
function Line({
  row,
  color,
  focused = false,
}: {
  readonly row: FrameRow;
  readonly color: boolean;
  readonly focused?: boolean;
}): ReactElement {
  const style: TextProps = { ...(color ? STYLES[row.tone] : {}), inverse: color && row.selected && focused };
  return (
    <Box justifyContent="space-between" height={1} flexShrink={0}>
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
