"use strict";

/* The analysis's model in the browser: one noise, any object, kernel and threshold. */
const maskModel = (() => {
  /** Uniform numbers in (0, 1), the same for the same seed (mulberry32). */
  function uniform(seed) {
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  }

  /** Noise of one sample: its part along the signal, and the energy of the rest. */
  function drawNoise(positions, channels, seed) {
    const random = uniform(seed);
    const normal = () =>
      Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    const along = Float64Array.from({ length: positions }, normal);
    const across = new Float64Array(positions);
    for (let i = 0; i < positions; i++)
      for (let c = 1; c < channels; c++) across[i] += normal() ** 2;
    return { along, across };
  }

  function disc(radius, side) {
    const middle = side >> 1;
    return Uint8Array.from({ length: side * side }, (_, i) => {
      const x = (i % side) - middle, y = Math.floor(i / side) - middle;
      return x * x + y * y <= radius * radius ? 1 : 0;
    });
  }

  function energy(noise, support, strength, channels) {
    const signal = Math.sqrt(strength * channels);
    return noise.along.map((a, i) =>
      Math.sqrt((a + signal * support[i]) ** 2 + noise.across[i]));
  }

  /** Balanced Laplacian of Gaussian of unit norm. */
  function laplacianOfGaussian(sigma) {
    const reach = Math.ceil(3 * sigma), size = 2 * reach + 1;
    const weights = Float64Array.from({ length: size * size }, (_, i) => {
      const x = (i % size) - reach, y = Math.floor(i / size) - reach;
      const u = (x * x + y * y) / (2 * sigma * sigma);
      return (1 - u) * Math.exp(-u);
    });
    const mean = weights.reduce((a, b) => a + b) / weights.length;
    const norm = Math.hypot(...weights.map((w) => w - mean));
    return { size, weights: weights.map((w) => (w - mean) / norm) };
  }

  function reflect(i, side) {
    return i < 0 ? -i : i >= side ? 2 * side - 2 - i : i;
  }

  function response(map, side, { size, weights }) {
    const reach = size >> 1, wide = side + 2 * reach;
    const padded = new Float64Array(wide * wide);
    for (let y = 0; y < wide; y++)
      for (let x = 0; x < wide; x++)
        padded[y * wide + x] =
          map[reflect(y - reach, side) * side + reflect(x - reach, side)];
    const result = new Float64Array(side * side);
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        let sum = 0;
        for (let j = 0; j < size; j++)
          for (let i = 0; i < size; i++)
            sum += weights[j * size + i] * padded[(y + j) * wide + x + i];
        result[y * side + x] = sum;
      }
    return result;
  }

  function mask(r, threshold) {
    const mean = r.reduce((a, b) => a + b) / r.length;
    const s = Math.sqrt(r.reduce((a, b) => a + (b - mean) ** 2, 0) / r.length);
    return Uint8Array.from(r, (v) => (v > threshold * s ? 1 : 0));
  }

  function rates(m, support) {
    let on = 0, hits = 0, kept = 0;
    m.forEach((bit, i) => { on += support[i]; kept += bit; hits += bit & support[i]; });
    const occupancy = on / m.length;
    return { p: hits / on, q: (kept - hits) / (m.length - on), occupancy };
  }

  function gain(p, q, occupancy) {
    const cost = occupancy * p + (1 - occupancy) * q;
    return cost > 0 ? (p * p) / cost : NaN;
  }

  return {
    uniform, drawNoise, disc, energy, laplacianOfGaussian, response, mask, rates, gain,
  };
})();
