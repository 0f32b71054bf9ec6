/** With characters as wide as those of Graphviz's Courier; the first is the one that our own pictures are drawn with. */
export const FONT_FAMILIES = 'DejaVu Sans Mono,Liberation Mono,Menlo,Courier New,monospace';
