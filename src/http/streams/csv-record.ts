/**
 * The lines of one CSV record → its cells. Strict: a cell is quoted as a whole or not at all.
 */
export type Added = { readonly cells: readonly string[] } | 'open' | { readonly fault: string }

export class CsvRecord {
  #cells: string[] = []
  /** What is read of the cell whose quote is open. */
  #quoted: string | null = null

  /**
   * @param line without its line feed
   * @returns the cells, if the line completes them, and then the record is as new; `open` if the next line belongs to them, too
   */
  add(line: string): Added {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    if (this.#quoted === null && !text.includes('"')) return { cells: text.split(',') }
    let at = 0
    for (;;) {
      if (this.#quoted !== null || text[at] === '"') {
        const next = this.#readQuoted(text, this.#quoted === null ? at + 1 : at)
        if (next === 'open') {
          this.#quoted += line.slice(text.length) + '\n'
          return 'open'
        }
        at = next
        if (at < text.length && text[at] !== ',')
          return { fault: 'expected a comma or the end of the line after a quoted cell' }
      } else {
        const comma = text.indexOf(',', at)
        const cell = text.slice(at, comma === -1 ? text.length : comma)
        if (cell.includes('"')) return { fault: 'expected a cell with a quote in it to be quoted' }
        this.#cells.push(cell)
        at += cell.length
      }
      if (at === text.length) return this.#complete()
      at++
    }
  }

  /** @returns where the cell ends; `open` if it does not end in this line */
  #readQuoted(text: string, from: number): number | 'open' {
    let cell = this.#quoted ?? ''
    for (let at = from; ;) {
      const quote = text.indexOf('"', at)
      if (quote === -1) {
        this.#quoted = cell + text.slice(at)
        return 'open'
      }
      cell += text.slice(at, quote)
      if (text[quote + 1] !== '"') {
        this.#cells.push(cell)
        this.#quoted = null
        return quote + 1
      }
      cell += '"'
      at = quote + 2
    }
  }

  #complete(): Added {
    const cells = this.#cells
    this.#cells = []
    return { cells }
  }
}
