/**
 * A model's dump → how much its splits gained, feature by feature: LightGBM's importance of the type `gain`. Only the dump has it, and
 * nothing is computed with it: what is missing counts as 0.
 */
interface DumpNode {
  readonly split_feature?: number
  readonly split_gain?: number
  readonly left_child?: DumpNode
  readonly right_child?: DumpNode
}

/** @param dump the parsed JSON of a model that `compileModel` takes */
export function splitGains(dump: unknown, featureCount: number): Float64Array {
  const gains = new Float64Array(featureCount)
  const { tree_info } = dump as { readonly tree_info: readonly { readonly tree_structure: DumpNode }[] }
  const open = tree_info.map(({ tree_structure }) => tree_structure)
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.split_feature === undefined) continue
    gains[node.split_feature]! += node.split_gain ?? 0
    for (const child of [node.left_child, node.right_child]) if (child) open.push(child)
  }
  return gains
}
