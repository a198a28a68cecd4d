/**
 * Rows that could not be predicted → a CSV of its own, with the line, the reason and the row; the file, too, where there are several. It is made with the first of them.
 */
import { csvCell } from '../formats/index.ts'
import type { Output } from './output.ts'
import type { Fault } from './piece.ts'

export class FaultList {
  count = 0
  readonly #open: () => Promise<Output>
  readonly #namesFiles: boolean
  #output: Output | null = null

  constructor(open: () => Promise<Output>, namesFiles: boolean) {
    this.#open = open
    this.#namesFiles = namesFiles
  }

  /** @param firstLine of what the faults' lines are counted from */
  async add(faults: readonly Fault[], firstLine: number, file: string): Promise<void> {
    if (faults.length === 0) return
    const isFirst = this.#output === null
    this.#output ??= await this.#open()
    this.count += faults.length
    const place = this.#namesFiles ? `${csvCell(file)},` : ''
    const lines = faults.map(
      ({ line, error, row }) => `${place}${firstLine + line},${csvCell(error)},${csvCell(row)}\n`,
    )
    await this.#output.write(
      Buffer.from(`${isFirst ? `${this.#namesFiles ? 'file,' : ''}line,error,row\n` : ''}${lines.join('')}`),
    )
  }

  async finish(): Promise<void> {
    await this.#output?.finish()
  }

  async discard(): Promise<void> {
    await this.#output?.discard()
  }
}
