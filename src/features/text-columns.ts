/**
 * The columns of a plan that one text field alone decides → their cells, remembered for the texts that come again: there are two
 * platforms and some sixty countries, and folding and looking up takes longer than the trees.
 */
import type { Row } from '../inputs/index.ts'
import type { Cell, Column } from './operators.ts'

/** Texts come from outside: a memory of them has to end somewhere. Then it begins anew. */
const MOST_TEXTS = 2000

export class TextColumns {
  readonly #field: number
  readonly #places: Int32Array
  readonly #cells: readonly Cell[]
  readonly #known = new Map<string | null, Float64Array>()

  /**
   * @param field its position in a row
   * @param places the indexes of its columns, in their order
   */
  constructor(field: number, places: readonly number[], columns: readonly Column[]) {
    this.#field = field
    this.#places = Int32Array.from(places)
    this.#cells = places.map((at) => columns[at]!.cell)
  }

  fill(row: Row, cells: Float64Array): void {
    const places = this.#places
    const values = this.#known.get(row[this.#field] as string | null) ?? this.#learn(row, cells)
    for (let i = 0; i < places.length; i++) cells[places[i]!] = values[i]!
  }

  #learn(row: Row, cells: Float64Array): Float64Array {
    const places = this.#places
    const values = new Float64Array(places.length)
    for (let i = 0; i < places.length; i++) {
      values[i] = this.#cells[i]!(row, cells)
      // A later one may read it.
      cells[places[i]!] = values[i]!
    }
    if (this.#known.size >= MOST_TEXTS) this.#known.clear()
    this.#known.set(row[this.#field] as string | null, values)
    return values
  }
}
