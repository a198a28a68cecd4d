/**
 * Shipments of one process overlap, and are stored in their order.
 */
import t from 'tap'
import { OutOfTurnError, ShippingOrder, type Turn } from '../../src/prediction-log/shipping-order.ts'

/** A shipment whose steps are said, and whose transaction ends when it is told to. */
function shipmentOf(said: string[], name: string) {
  const insert = Promise.withResolvers<void>()
  const ship = async (turn: Turn): Promise<string> => {
    said.push(`${name} copied`)
    await turn.insertNext()
    await insert.promise
    said.push(`${name} inserted`)
    return name
  }
  return { ship, insert }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test('the next one is copied while this one is inserted, and inserted after it', async (t) => {
  const [order, said]: [ShippingOrder, string[]] = [new ShippingOrder(), []]
  const [first, second] = [shipmentOf(said, 'first'), shipmentOf(said, 'second')]
  const shipped = [order.run(first.ship), order.run(second.ship)]
  second.insert.resolve()
  await settled()
  t.same(said, ['first copied', 'second copied'])
  first.insert.resolve()
  t.same(await Promise.all(shipped), ['first', 'second'])
  t.same(said.slice(2), ['first inserted', 'second inserted'])
})

t.test('one that needs another transaction is waited for', async (t) => {
  const [order, said]: [ShippingOrder, string[]] = [new ShippingOrder(), []]
  const again = Promise.withResolvers<void>()
  const first = order.run(async (turn) => {
    await turn.insertNext()
    turn.giveUp()
    await again.promise
    said.push('first inserted')
  })
  const second = shipmentOf(said, 'second')
  second.insert.resolve()
  const shipped = order.run(second.ship)
  await settled()
  t.same(said, ['second copied'], 'and is rolled back')
  again.resolve()
  await first
  t.equal(await shipped, 'second')
  t.same(said, ['second copied', 'first inserted', 'second copied', 'second inserted'])
})

t.test('one that fails takes the next one with it, and no later one', async (t) => {
  const [order, said]: [ShippingOrder, string[]] = [new ShippingOrder(), []]
  const first = order.run(async (turn) => {
    await turn.insertNext()
    throw new Error('the server is away')
  })
  const second = order.run(shipmentOf(said, 'second').ship)
  await t.rejects(first, { message: 'the server is away' })
  await t.rejects(second, { message: 'the server is away' })
  const third = shipmentOf(said, 'third')
  third.insert.resolve()
  t.equal(await order.run(third.ship), 'third')
  t.notOk(said.includes('second inserted'))
})

t.test('one that fails before it has copied anything holds up nobody', async (t) => {
  const order = new ShippingOrder()
  const first = order.run(() => Promise.reject(new Error('no such file')))
  await t.rejects(first, { message: 'no such file' })
  await t.rejects(
    order.run(() => Promise.reject(new OutOfTurnError('once too often'))),
    OutOfTurnError,
  )
  t.equal(await order.run(async () => 'well'), 'well')
})
