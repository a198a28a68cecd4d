/** Of a model that takes hundreds. */
const MOST_LISTED = 50

/** Names of fields for an error. */
export function listed(names: readonly string[], separator = ', '): string {
  return (names.length > MOST_LISTED ? [...names.slice(0, MOST_LISTED), '…'] : names).join(separator)
}
