import { printable } from './pdf-text.js';

/** As much of pdfkit's document as we use; the library is loaded when a PDF is asked for. */
export type PdfDocument = PDFKit.PDFDocument;

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
}

export const INK = '#1a2230';
export const MUTED = '#667085';
const LINE = '#d0d5dd';
const BAND = '#eef2f7';
export const ACCENT = '#1f4e79';

const WIDTH = 612; // US letter, in points
const HEIGHT = 792;
export const MARGIN = 48;
export const CONTENT_WIDTH = WIDTH - 2 * MARGIN;
const BOTTOM = HEIGHT - 64;
const ROW_HEIGHT = 14;
const ROW_SIZE = 8;
const REGULAR = 'Helvetica';
export const BOLD = 'Helvetica-Bold';

interface Style {
  size?: number;
  font?: string;
  color?: string;
}

/** Draws from the top to the bottom of pages; begins another when one is full. */
export class Sheet {
  y = MARGIN;

  constructor(readonly document: PdfDocument) {}

  /** One line of text that is never broken. @param x its left, or its right when it is aligned so */
  text(text: string, x: number, y: number, align: Column['align'] = 'left', style: Style = {}) {
    const { document } = this;
    document
      .font(style.font ?? REGULAR)
      .fontSize(style.size ?? ROW_SIZE)
      .fillColor(style.color ?? INK);
    const shown = printable(text);
    const left = align === 'left' ? x : x - document.widthOfString(shown);
    document.text(shown, left, y, { lineBreak: false });
  }

  /** The text as far as it fits. */
  fitting(text: string, width: number, style: Style = {}): string {
    const { document } = this;
    document.font(style.font ?? REGULAR).fontSize(style.size ?? ROW_SIZE);
    let shown = printable(text);
    if (document.widthOfString(shown) <= width) return shown;
    while (shown !== '' && document.widthOfString(`${shown}…`) > width) shown = shown.slice(0, -1);
    return `${shown}…`;
  }

  rule(y: number, color = LINE): void {
    this.document
      .moveTo(MARGIN, y)
      .lineTo(WIDTH - MARGIN, y)
      .lineWidth(0.5)
      .strokeColor(color)
      .stroke();
  }

  heading(title: string): void {
    this.makeRoom(3 * ROW_HEIGHT + 16);
    this.text(title, MARGIN, this.y, 'left', { font: BOLD, size: 11, color: ACCENT });
    this.y += 18;
  }

  /** A paragraph of one line. */
  note(text: string): void {
    this.makeRoom(ROW_HEIGHT);
    this.text(text, MARGIN, this.y, 'left', { color: MUTED });
    this.y += ROW_HEIGHT;
  }

  tableHead(columns: readonly Column[]): void {
    this.document.rect(MARGIN, this.y, CONTENT_WIDTH, ROW_HEIGHT + 2).fill(BAND);
    this.cells(
      columns,
      columns.map(({ title }) => title),
      { font: BOLD, color: MUTED },
      this.y + 5,
    );
    this.y += ROW_HEIGHT + 4;
  }

  /** A row; on a new page the table's head comes again. */
  tableRow(columns: readonly Column[], texts: readonly string[], style: Style = {}): void {
    if (this.makeRoom(ROW_HEIGHT)) this.tableHead(columns);
    this.cells(columns, texts, style, this.y + 2);
    this.y += ROW_HEIGHT;
  }

  /** @returns true when it had to begin a page */
  makeRoom(height: number): boolean {
    if (this.y + height <= BOTTOM) return false;
    this.document.addPage();
    this.y = MARGIN;
    return true;
  }

  /** The foot of every page; when all of them are there. */
  footers(left: string): void {
    const { start, count } = this.document.bufferedPageRange();
    for (let page = 0; page < count; page += 1) {
      this.document.switchToPage(start + page);
      this.rule(HEIGHT - 48);
      const style = { size: 7.5, color: MUTED };
      this.text(left, MARGIN, HEIGHT - 40, 'left', style);
      this.text(`Page ${page + 1} of ${count}`, WIDTH - MARGIN, HEIGHT - 40, 'right', style);
    }
  }

  /** Smaller where a number is too long for its column: no digit of it may be missing. */
  private sized(text: string, columnWidth: number, style: Style): Style {
    this.document.font(style.font ?? REGULAR).fontSize(ROW_SIZE);
    const room = columnWidth - 2 * CELL_PADDING;
    const width = this.document.widthOfString(printable(text));
    return width <= room
      ? style
      : { ...style, size: Math.max(LEAST_SIZE, (ROW_SIZE * room) / width) };
  }

  private cells(
    columns: readonly Column[],
    texts: readonly string[],
    style: Style,
    y: number,
  ): void {
    let x = MARGIN;
    for (const [index, { width, align }] of columns.entries()) {
      const text = texts[index] ?? '';
      const edge = align === 'left' ? x + CELL_PADDING : x + width - CELL_PADDING;
      if (text !== '') this.text(text, edge, y, align, this.sized(text, width, style));
      x += width;
    }
  }
}

const CELL_PADDING = 4;
const LEAST_SIZE = 4;
