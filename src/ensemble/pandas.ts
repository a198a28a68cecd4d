/**
 * `pandas_categorical`: the categories of a table that a model was trained on, one list a column of that kind, in the order of the
 * columns. A category's code is its place in the list. The file does not name the columns: they are those that it calls categorical, if
 * these are as many and their codes fit; else the caller has to name them.
 */
import { ModelFormatError, show } from './errors.ts'

export type Category = string | number | boolean

export interface PandasCategories {
  readonly lists: readonly (readonly Category[])[]
  /** Of each list, its column; null where the file leaves it open. */
  readonly columns: readonly number[] | null
}

/**
 * @param value what stands behind `pandas_categorical`, parsed
 * @param candidates the columns that the file calls categorical, with the greatest code of each
 */
export function readCategories(
  value: unknown,
  candidates: readonly { readonly column: number; readonly greatest: number }[],
): PandasCategories | null {
  if (value === undefined || value === null) return null
  if (!Array.isArray(value) || !value.every((list) => Array.isArray(list) && list.every(isCategory)))
    throw new ModelFormatError('pandas_categorical', 'expected null or a list of lists of categories')
  const lists = value as Category[][]
  if (lists.length === 0) return null
  const fits =
    candidates.length === lists.length && candidates.every(({ greatest }, at) => greatest < lists[at]!.length)
  return { lists, columns: fits ? candidates.map(({ column }) => column) : null }
}

const isCategory = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** @param names of all columns with categories, by the caller, who knows them */
export function nameColumns(
  categories: PandasCategories | null,
  names: readonly string[],
  featureNames: readonly string[],
): PandasCategories {
  const lists = categories?.lists ?? []
  const columns = names.map((name) => featureNames.indexOf(name))
  if (
    lists.length !== names.length ||
    columns.some((column, at) => column < 0 || column <= (columns[at - 1] ?? -1))
  )
    throw new RangeError(
      `expected pandasColumns to be ${lists.length} of the model's features, in their order, got ${show(names.join(', '))}`,
    )
  return { lists, columns }
}

/** Category → code, by column. A type counts: "7" is not 7. */
export function codesOf(
  categories: PandasCategories | null,
): ReadonlyMap<number, ReadonlyMap<Category, number>> {
  const { lists, columns } = categories ?? { lists: [], columns: [] }
  return new Map(
    columns?.map((column, at) => [column, new Map(lists[at]!.map((category, code) => [category, code]))]),
  )
}

/** The code of a category; NaN if it is missing or was not there in training, as LightGBM's `predict` of a table. */
export function codeOf(value: unknown, codes: ReadonlyMap<Category, number>, name: string): number {
  if (value === null || value === undefined) return NaN
  if (!isCategory(value))
    throw new TypeError(`a row, ${show(name)}: expected a category or null, got ${show(value)}`)
  const code = codes.get(value as Category)
  if (
    code === undefined &&
    typeof value === 'number' &&
    !Number.isNaN(value) &&
    typeof codes.keys().next().value === 'string'
  )
    throw new TypeError(`a row, ${show(name)}: expected one of the categories, which are texts, got ${value}`)
  return code ?? NaN
}
