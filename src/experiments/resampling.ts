/**
 * A seed → for each user, how often he is drawn. The same seed gives the same draws on every machine. Either a bootstrap: Poisson with
 * mean 1, each user independent of the others (Chamandy et al. 2012, "Estimating uncertainty for massive data streams"), or a
 * new deal: once with a given chance, else not at all.
 */

/** A draw is 16 bits, so that one number gives two: each chance is off by less than 1 in 65,536. */
const DRAWS = 0x10000

/** Fills `weights`; the next call goes on where this one ended. */
export type Draw = (weights: Uint8Array) => void

export const poissonDraws = (seed: number): Draw => draws(seed, POISSON)

export const dealDraws = (seed: number, chance: number): Draw =>
  draws(seed, new Uint8Array(DRAWS).fill(1, 0, Math.round(chance * DRAWS)))

/** Quantiles of Poisson(1) at the middle of each draw. */
const POISSON = new Uint8Array(DRAWS)
for (let draw = 0, count = 0, chance = Math.exp(-1), cumulated = chance; draw < DRAWS; draw++) {
  while ((draw + 0.5) / DRAWS > cumulated) cumulated += chance /= ++count
  POISSON[draw] = count
}

function draws(seed: number, countOfDraw: Uint8Array): Draw {
  const state = Int32Array.from({ length: 4 }, splitmix32(seed))
  return (weights) => {
    // xoshiro128** (Blackman & Vigna 2018)
    let [a, b, c, d] = state as unknown as [number, number, number, number]
    for (let i = 0; i < weights.length; i += 2) {
      const scrambled = Math.imul(b, 5)
      const bits = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
      const shifted = b << 9
      c ^= a
      d ^= b
      b ^= c
      a ^= d
      c ^= shifted
      d = (d << 11) | (d >>> 21)
      weights[i] = countOfDraw[bits & 0xffff]!
      weights[i + 1] = countOfDraw[bits >>> 16]! // behind the end of an odd length nothing is written
    }
    state.set([a, b, c, d])
  }
}

/** As Java's SplittableRandom (Steele et al. 2014), with 32 bits. */
function splitmix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
}
