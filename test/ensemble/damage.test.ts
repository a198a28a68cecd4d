/**
 * Files that lost a byte. `tree_sizes` in the header tells, wherever in the trees it was; the header's own numbers contradict
 * each other. LightGBM 4.7 refuses no loss that is taken here.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseModel } from '../../src/ensemble/index.ts'

const good = readFileSync('test/fixtures/models/04-good.txt', 'utf8')
const firstTree = good.indexOf('Tree=0')
const end = good.indexOf('end of trees')
const without = (at: number): string => good.slice(0, at) + good.slice(at + 1)

t.test('one byte lost of a leaf value', (t) => {
  parseModel(good)
  const lost = readFileSync('test/fixtures/models/04-one-byte-lost.txt', 'utf8')
  const message =
    'model file, tree 3 (line 69): expected 1076 bytes, as tree_sizes in the header says, got 1075: the file was changed or damaged'
  t.throws(() => parseModel(lost), { name: 'ModelFormatError', message })
  t.throws(() => parseModel(lost.replaceAll('\n', '\r\n')), { message })
  t.equal(parseModel(good.replaceAll('\n', '\r\n')).treeCount, 8)
  t.equal(
    parseModel(good.replace(/^tree_sizes=.*\n/m, '')).treeCount,
    8,
    'as LightGBM: the line may be missing',
  )
  t.end()
})

t.test('any byte lost of the trees', (t) => {
  const taken: number[] = []
  for (let at = firstTree; at < end; at++) if (isTaken(without(at))) taken.push(at)
  t.strictSame(taken, [])
  t.end()
})

t.test('any byte lost of a number in the header', (t) => {
  const taken = new Set<string>()
  for (let at = 0; at < firstTree; at++) {
    if (!/[-+.\d]/.test(good[at]!) || !isTaken(without(at))) continue
    taken.add(/^[^=]*/.exec(good.slice(good.lastIndexOf('\n', at - 1) + 1))![0])
  }
  // None of them is read for a prediction, and LightGBM takes them, too.
  t.strictSame([...taken], ['version', 'num_class', 'label_index', 'feature_names', 'feature_infos'])
  t.end()
})

function isTaken(text: string): boolean {
  try {
    parseModel(text)
    return true
  } catch (error) {
    if ((error as Error).name !== 'ModelFormatError') throw error
    return false
  }
}
