import type { MarkedFile } from '../../layers/compare/changed-tree.js';
import type { WastedFile } from '../../layers/compare/wasted-files.js';
import { parentPath } from '../../support/byte-path.js';
import type { ByteString } from '../../support/byte-string.js';
import type { ExploredImage } from './explored-image.js';
import { fileRows, pathOf, type FileRow } from './file-rows.js';
import { ListCursor } from './list-cursor.js';

/** Keys with names; every other is the character that it types. */
export type NamedKey =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'enter'
  | 'tab'
  | 'escape'
  | 'backspace';

export type Pane = 'layers' | 'files' | 'waste';

/** Of lists that are moved through by pages; the view says how long they are. */
const PAGE = 10;

/** What somebody looks at who walks through an image, and what keys change of it. */
export class Explorer {
  readonly image: ExploredImage;
  readonly layerCursor: ListCursor = new ListCursor();
  readonly fileCursor: ListCursor = new ListCursor();
  readonly wasteCursor: ListCursor = new ListCursor();
  #focus: Pane = 'layers';
  /** Whether wasted files are shown where the tree is. */
  #wasteShown = false;
  #open: ReadonlySet<ByteString> = new Set();
  #bySize = false;
  #onlyChanges = false;
  #search = '';
  #typing = false;
  #help = false;
  #rows: { readonly layer: number; readonly rows: readonly FileRow[] } | undefined;

  constructor(image: ExploredImage) {
    this.image = image;
    this.layerCursor.set(image.layers.length - 1, image.layers.length);
  }

  get focus(): Pane {
    return this.#focus;
  }

  get wasteShown(): boolean {
    return this.#wasteShown;
  }

  get layer(): number {
    return this.layerCursor.at;
  }

  get bySize(): boolean {
    return this.#bySize;
  }

  get onlyChanges(): boolean {
    return this.#onlyChanges;
  }

  get search(): string {
    return this.#search;
  }

  /** Whether keys are letters of what is searched for. */
  get typing(): boolean {
    return this.#typing;
  }

  get help(): boolean {
    return this.#help;
  }

  rows(): readonly FileRow[] {
    const { layer } = this;
    if (this.#rows?.layer !== layer) {
      const shape = { open: this.#open, bySize: this.#bySize, onlyChanges: this.#onlyChanges, search: this.#search };
      this.#rows = { layer, rows: fileRows(this.image.treeOf(layer), shape) };
    }
    return this.#rows.rows;
  }

  selectedFile(): MarkedFile | undefined {
    return this.rows()[this.fileCursor.at]?.file;
  }

  selectedWaste(): WastedFile | undefined {
    return this.image.waste.files[this.wasteCursor.at];
  }

  /** @param page lines of a list that are shown @returns whether it was the last key */
  press(key: string, page: number = PAGE): boolean {
    if (this.#typing) this.#type(key);
    else if (this.#help) this.#help = false;
    else if (key === 'q') return true;
    else if (!this.#move(key, page)) this.#act(key);
    return false;
  }

  #type(key: string): void {
    if (key === 'enter') this.#typing = false;
    else if (key === 'escape') {
      this.#typing = false;
      this.#searchFor('');
    } else if (key === 'backspace') this.#searchFor(Array.from(this.#search).slice(0, -1).join(''));
    else if (!NAMED_KEYS.has(key)) this.#searchFor(this.#search + key);
  }

  #searchFor(text: string): void {
    this.#search = text;
    this.#reshape();
    this.fileCursor.set(0, 1);
  }

  #move(key: string, page: number): boolean {
    const by = MOVES[key];
    if (by === undefined) return false;
    const [cursor, length] = this.#list();
    cursor.move(by * (key.startsWith('page') ? page : 1), length);
    return true;
  }

  #list(): readonly [ListCursor, number] {
    if (this.#focus === 'layers') return [this.layerCursor, this.image.layers.length];
    if (this.#focus === 'waste') return [this.wasteCursor, this.image.waste.files.length];
    return [this.fileCursor, this.rows().length];
  }

  #act(key: string): void {
    const actions: Readonly<Record<string, () => void>> = {
      tab: () => {
        this.#focus = this.#focus === 'layers' ? (this.#wasteShown ? 'waste' : 'files') : 'layers';
      },
      s: () => {
        this.#bySize = !this.#bySize;
        this.#keepSelected();
      },
      d: () => {
        this.#onlyChanges = !this.#onlyChanges;
        this.#keepSelected();
      },
      w: () => {
        this.#wasteShown = !this.#wasteShown;
        this.#focus = this.#wasteShown ? 'waste' : 'files';
      },
      '/': () => {
        this.#wasteShown = false;
        this.#focus = 'files';
        this.#typing = true;
      },
      '?': () => {
        this.#help = true;
      },
      escape: () => {
        if (this.#search === '') this.#wasteShown = false;
        else this.#searchFor('');
        if (this.#focus === 'waste') this.#focus = 'files';
      },
      enter: () => {
        this.#enter();
      },
      right: () => {
        this.#right();
      },
      left: () => {
        this.#left();
      },
    };
    const name = SYNONYMS[key] ?? key;
    if (Object.hasOwn(actions, name)) actions[name]?.();
  }

  #enter(): void {
    const waste = this.selectedWaste();
    if (this.#focus === 'layers') this.#focus = this.#wasteShown ? 'waste' : 'files';
    else if (this.#focus === 'waste' && waste !== undefined) this.#reveal(waste.path, waste.layers.at(-1) ?? 0);
    else if (this.#focus === 'files') {
      const file = this.selectedFile();
      if (file === undefined) return;
      if (this.#search !== '') this.#reveal(pathOf(file), this.layer);
      else this.#fold(pathOf(file), file.entry.type === 'directory');
    }
  }

  #right(): void {
    const file = this.selectedFile();
    if (this.#focus !== 'files') this.#enter();
    else if (file?.entry.type === 'directory' && !this.#open.has(pathOf(file))) this.#fold(pathOf(file), true);
    else this.fileCursor.move(1, this.rows().length);
  }

  #left(): void {
    const file = this.selectedFile();
    if (this.#focus === 'layers') return;
    if (this.#focus === 'waste' || file === undefined) {
      this.#focus = 'layers';
      return;
    }
    const path = pathOf(file);
    const parent = file.parent;
    if (this.#search === '' && this.#open.has(path)) this.#fold(path, true);
    else if (this.#search !== '' || parent?.parent === undefined) this.#focus = 'layers';
    else this.#select(parent);
  }

  #fold(path: ByteString, isDirectory: boolean): void {
    if (!isDirectory) return;
    const open = new Set(this.#open);
    if (!open.delete(path)) open.add(path);
    this.#open = open;
    this.#keepSelected();
  }

  /** Shows a file in the tree of a layer. */
  #reveal(path: ByteString, layer: number): void {
    this.layerCursor.set(layer, this.image.layers.length);
    const open = new Set(this.#open);
    for (let parent = parentPath(path); parent !== ''; parent = parentPath(parent)) open.add(parent);
    this.#open = open;
    this.#search = '';
    this.#wasteShown = false;
    this.#focus = 'files';
    this.#reshape();
    const names = path.split('/') as ByteString[];
    let file: MarkedFile | undefined = this.image.treeOf(layer);
    for (const name of names) file = file?.children.find((child) => child.name === name);
    if (file !== undefined) this.#select(file);
  }

  #keepSelected(): void {
    const file = this.selectedFile();
    this.#reshape();
    if (file !== undefined) this.#select(file);
  }

  #select(file: MarkedFile): void {
    const rows = this.rows();
    const at = rows.findIndex((row) => row.file === file);
    if (at >= 0) this.fileCursor.set(at, rows.length);
  }

  #reshape(): void {
    this.#rows = undefined;
  }
}

const NAMED_KEYS: ReadonlySet<string> = new Set<NamedKey>([
  ...(['up', 'down', 'left', 'right', 'page-up', 'page-down', 'home', 'end'] as const),
  ...(['enter', 'tab', 'escape', 'backspace'] as const),
]);

const MOVES: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  'page-up': -1,
  'page-down': 1,
  home: -Infinity,
  g: -Infinity,
  end: Infinity,
  G: Infinity,
};

const SYNONYMS: Readonly<Record<string, string>> = { h: 'left', l: 'right', ' ': 'enter' };
