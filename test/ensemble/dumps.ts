/**
 * Small models in LightGBM's dump format, for tests.
 */
export type DumpNode = Record<string, unknown>

export function dumpOf(trees: DumpNode[], overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'tree',
    version: 'v4',
    num_class: 1,
    num_tree_per_iteration: 1,
    label_index: 0,
    max_feature_idx: 1,
    objective: 'regression',
    average_output: false,
    feature_names: ['a', 'b'],
    tree_info: trees.map((tree, tree_index) => ({ tree_index, tree_structure: numberLeaves(tree) })),
    ...overrides,
  }
}

export const leaf = (leaf_value: number): DumpNode => ({ leaf_value })

export function split(options: DumpNode, left: DumpNode = leaf(-1), right: DumpNode = leaf(1)): DumpNode {
  return {
    split_index: 0,
    split_feature: 0,
    threshold: 0.5,
    decision_type: '<=',
    default_left: true,
    missing_type: 'None',
    ...options,
    left_child: left,
    right_child: right,
  }
}

/** Gives each leaf that has no number the next one, as LightGBM does. */
function numberLeaves(tree: DumpNode): DumpNode {
  const open = [tree]
  let next = 0
  for (let node = open.pop(); node; node = open.pop()) {
    if ('leaf_value' in node) node['leaf_index'] ??= next++
    else if (node['left_child'] && node['right_child'])
      open.push(node['left_child'] as DumpNode, node['right_child'] as DumpNode)
  }
  return tree
}
