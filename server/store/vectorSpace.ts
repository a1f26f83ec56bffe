// The vectors of one scope and fingerprint, held small enough to be searched in well under a frame.
// Owns: the three passes of a search. Bits: sign of each number against the space's centre, compared by popcount,
// leaves the vectors that `survivorsOf` says. Bytes: dot products on int8 copies order those. Exact: the caller's float32 vectors,
// read only until no other survivor can be nearer than the k-th found.
// Does not know: where vectors come from, or what an entry is.
// Always true: row numbers only grow, and a vector never changes under its number. Up to `mostSurvivors` vectors the
// result is exact; beyond, only the bits can lose a neighbour (bench/search.ts measures how often).

import { checkLength, cosineDistance } from './vectors.ts';

/**
 * With 38,000 real instructions, mixed up to 100,000, the true nearest neighbour was never worse than the 330th by bits
 * (1,000 held-out queries, all-MiniLM-L6-v2). Among 1,000 to 10,000 others of 600 queries it was the 120th at worst.
 */
const mostSurvivors = 512;
const fewestSurvivors = 256;

function survivorsOf(size: number): number {
  return Math.min(mostSurvivors, Math.max(fewestSurvivors, size >> 6));
}

/** Rounding of float32 norms and sums, in distance. */
const rounding = 1e-6;

export interface VectorRow {
  row: number;
  expiresAt: number;
  vector: Float32Array;
}

export interface Near {
  row: number;
  /** Exact cosine distance. */
  distance: number;
  vector: Float32Array;
}

export class VectorSpace {
  readonly dimensions: number;
  readonly #words: number;
  #size = 0;
  #rows = new Float64Array(0);
  /** -Infinity once the row is removed. */
  #expiresAt = new Float64Array(0);
  #bytes = new Int8Array(0);
  /** What one step of `#bytes` stands for, by vector. */
  #scales = new Float32Array(0);
  /** Norm of what `#bytes` leaves out, by vector: bounds the error of its dot products. */
  #residuals = new Float32Array(0);
  /** Mean of the vectors when there were enough of them to need bits; null before. */
  #centre: Float32Array | null = null;
  #bits = new Int32Array(0);

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.#words = Math.ceil(dimensions / 96) * 3;
  }

  /** The highest row number ever added; 0 before the first. */
  get lastRow(): number {
    return this.#size === 0 ? 0 : this.#rows[this.#size - 1]!;
  }

  /** What it occupies in memory. */
  get sizeBytes(): number {
    const perVector = 24 + this.dimensions + (this.#centre === null ? 0 : this.#words * 4);
    return 2000 + this.#rows.length * perVector;
  }

  /** Makes room for this many vectors at once. */
  reserve(count: number): void {
    if (count > this.#rows.length) this.#resize(count);
  }

  /** @throws vector-length-mismatch */
  add({ row, expiresAt, vector }: VectorRow): void {
    checkLength(vector.length, this.dimensions);
    if (this.#size === this.#rows.length) this.#resize(Math.ceil(this.#size * 1.5) + 8);
    const slot = this.#size++;
    this.#rows[slot] = row;
    this.#expiresAt[slot] = expiresAt;
    this.#writeBytes(slot, vector);
    if (this.#centre !== null) this.#writeBits(slot, this.#centre);
    else if (this.#size > mostSurvivors) this.#startBits();
  }

  remove(row: number): void {
    const slot = this.#slotOf(row);
    if (slot !== -1) this.#expiresAt[slot] = -Infinity;
  }

  /**
   * The k nearest unexpired vectors, nearest first. `read` gives the float32 vector of a row, null when it has gone.
   * @throws vector-length-mismatch
   */
  nearest(query: Float32Array, k: number, now: number, read: (row: number) => Float32Array | null): Near[] {
    checkLength(query.length, this.dimensions);
    const slots = this.#survivors(query, now);
    const atLeast = slots.map(slot => this.#atLeast(query, slot));
    const found: Near[] = [];
    while (true) {
      const next = smallest(atLeast);
      const worst = found.length < k ? Infinity : found[k - 1]!.distance;
      if (next === -1 || atLeast[next]! > worst) return found;
      atLeast[next] = Infinity;
      const row = this.#rows[slots[next]!]!;
      const vector = read(row);
      if (vector !== null) insert(found, { row, distance: cosineDistance(query, vector), vector }, k);
    }
  }

  #survivors(query: Float32Array, now: number): number[] {
    const live: number[] = [];
    if (this.#centre === null || this.#size <= mostSurvivors) {
      for (let slot = 0; slot < this.#size; slot++) if (this.#expiresAt[slot]! > now) live.push(slot);
    } else {
      this.#collectByBits(this.#bitsOf(query, this.#centre), now, live);
    }
    return live;
  }

  /** The slots with the fewest differing bits. */
  #collectByBits(query: Int32Array, now: number, into: number[]): void {
    const bits = this.#bits;
    const expiresAt = this.#expiresAt;
    const size = this.#size;
    const never = this.dimensions + 1;
    const differing = new Uint16Array(size);
    const histogram = new Uint32Array(never);
    let dead = 0;
    for (let slot = 0, at = 0; slot < size; slot++, at += query.length) {
      if (expiresAt[slot]! <= now) {
        differing[slot] = never;
        dead++;
        continue;
      }
      const count = differingBits(bits, at, query);
      differing[slot] = count;
      histogram[count]!++;
    }

    const wanted = survivorsOf(size);
    let limit = 0;
    for (let sum = histogram[0]!; sum < wanted && limit < this.dimensions; sum += histogram[limit]!) limit++;
    let atLimit = wanted;
    for (let count = 0; count < limit; count++) atLimit -= histogram[count]!;
    for (let slot = 0; slot < size; slot++) {
      const count = differing[slot]!;
      if (count < limit || (count === limit && atLimit-- > 0)) into.push(slot);
    }
    if (dead * 8 > size) this.#compactAfter(into, now);
  }

  /** Drops dead slots; `slots` (ascending, all live) are renumbered with them. */
  #compactAfter(slots: number[], now: number): void {
    let to = 0;
    let next = 0;
    for (let from = 0; from < this.#size; from++) {
      const isLast = from === this.#size - 1;
      if (this.#expiresAt[from]! <= now && !isLast) continue;
      if (slots[next] === from) slots[next++] = to;
      this.#move(from, to++);
    }
    this.#size = to;
  }

  #move(from: number, to: number): void {
    this.#rows[to] = this.#rows[from]!;
    this.#expiresAt[to] = this.#expiresAt[from]!;
    this.#scales[to] = this.#scales[from]!;
    this.#residuals[to] = this.#residuals[from]!;
    this.#bytes.copyWithin(to * this.dimensions, from * this.dimensions, (from + 1) * this.dimensions);
    this.#bits.copyWithin(to * this.#words, from * this.#words, (from + 1) * this.#words);
  }

  /** A distance that the exact one is not below. */
  #atLeast(query: Float32Array, slot: number): number {
    const bytes = this.#bytes;
    const end = query.length - (query.length % 4);
    const from = slot * this.dimensions;
    // Four sums, because each addition would wait for the one before.
    let dot = 0;
    let second = 0;
    let third = 0;
    let fourth = 0;
    for (let i = 0, at = from; i < end; i += 4, at += 4) {
      dot += query[i]! * bytes[at]!;
      second += query[i + 1]! * bytes[at + 1]!;
      third += query[i + 2]! * bytes[at + 2]!;
      fourth += query[i + 3]! * bytes[at + 3]!;
    }
    for (let i = end; i < query.length; i++) dot += query[i]! * bytes[from + i]!;
    dot += second + third + fourth;
    return 1 - dot * this.#scales[slot]! - this.#residuals[slot]! - rounding;
  }

  #writeBytes(slot: number, vector: Float32Array): void {
    const bytes = this.#bytes;
    const at = slot * this.dimensions;
    let largest = 0;
    for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]!));
    const scale = Math.fround(largest / 127) || 1;
    let residual = 0;
    for (let i = 0; i < vector.length; i++) {
      // floor(x + 0.5) rounds; truncating what was made positive is the fastest floor.
      const step = ((vector[i]! / scale + 128.5) | 0) - 128;
      const left = vector[i]! - step * scale;
      bytes[at + i] = step;
      residual += left * left;
    }
    this.#scales[slot] = scale;
    this.#residuals[slot] = Math.sqrt(residual);
  }

  #startBits(): void {
    const centre = new Float32Array(this.dimensions);
    for (let slot = 0; slot < this.#size; slot++) {
      const weight = this.#scales[slot]! / this.#size;
      for (let i = 0; i < centre.length; i++) centre[i]! += this.#bytes[slot * this.dimensions + i]! * weight;
    }
    this.#centre = centre;
    this.#bits = new Int32Array(this.#rows.length * this.#words);
    for (let slot = 0; slot < this.#size; slot++) this.#writeBits(slot, centre);
  }

  #writeBits(slot: number, centre: Float32Array): void {
    const { dimensions } = this;
    const bytes = this.#bytes;
    const scale = this.#scales[slot]!;
    const from = slot * dimensions;
    for (let word = 0; word < this.#words; word++) {
      const first = word * 32;
      let bits = 0;
      for (let i = first; i < first + 32 && i < dimensions; i++) {
        if (bytes[from + i]! * scale > centre[i]!) bits |= 1 << (i - first);
      }
      this.#bits[slot * this.#words + word] = bits;
    }
  }

  #bitsOf(query: Float32Array, centre: Float32Array): Int32Array {
    const bits = new Int32Array(this.#words);
    for (let i = 0; i < query.length; i++) if (query[i]! > centre[i]!) bits[i >> 5]! |= 1 << (i & 31);
    return bits;
  }

  /** By bisection, since row numbers only grow; -1 when it is not here. */
  #slotOf(row: number): number {
    let low = 0;
    let high = this.#size - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#rows[middle]!;
      if (found === row) return middle;
      if (found < row) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #resize(capacity: number): void {
    this.#rows = resized(this.#rows, new Float64Array(capacity));
    this.#expiresAt = resized(this.#expiresAt, new Float64Array(capacity));
    this.#scales = resized(this.#scales, new Float32Array(capacity));
    this.#residuals = resized(this.#residuals, new Float32Array(capacity));
    this.#bytes = resized(this.#bytes, new Int8Array(capacity * this.dimensions));
    if (this.#centre !== null) this.#bits = resized(this.#bits, new Int32Array(capacity * this.#words));
  }
}

/**
 * Popcount of the difference, three words at a time: a carry-save adder makes two counts of three, so that two
 * popcounts do the work of three.
 */
function differingBits(bits: Int32Array, at: number, query: Int32Array): number {
  let count = 0;
  for (let word = 0; word < query.length; word += 3) {
    const a = bits[at + word]! ^ query[word]!;
    const b = bits[at + word + 1]! ^ query[word + 1]!;
    const c = bits[at + word + 2]! ^ query[word + 2]!;
    const either = a ^ b;
    const ones = either ^ c;
    const twos = (a & b) | (either & c);
    count += Math.imul(countsByByte(ones) + 2 * countsByByte(twos), 0x01010101) >>> 24;
  }
  return count;
}

function countsByByte(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return (fours + (fours >>> 4)) & 0x0f0f0f0f;
}

/** Index of the smallest number below Infinity; -1 when there is none. Few are taken from a few hundred, so none are sorted. */
function smallest(numbers: readonly number[]): number {
  let best = -1;
  let value = Infinity;
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i]! < value) {
      value = numbers[i]!;
      best = i;
    }
  }
  return best;
}

/** Keeps `found` the k nearest, nearest first. */
function insert(found: Near[], near: Near, k: number): void {
  let at = found.length;
  while (at > 0 && found[at - 1]!.distance > near.distance) at--;
  found.splice(at, 0, near);
  if (found.length > k) found.pop();
}

function resized<T extends Float64Array | Float32Array | Int8Array | Int32Array>(from: T, to: T): T {
  to.set(from.subarray(0, to.length));
  return to;
}
