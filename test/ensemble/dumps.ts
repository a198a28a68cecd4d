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
    tree_info: trees.map((tree_structure, tree_index) => ({ tree_index, tree_structure })),
    ...overrides,
  }
}

export const leaf = (leaf_value: number, leaf_index = 0): DumpNode => ({ leaf_value, leaf_index })

export function split(
  options: DumpNode,
  left: DumpNode = leaf(-1, 0),
  right: DumpNode = leaf(1, 1),
): DumpNode {
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
