/** Reads little-endian numbers and byte runs one after the other; past the end it answers zero and undefined, never throws. */
export class BinaryReader {
  readonly #data: Buffer;
  #at: number;

  constructor(data: Buffer, at = 0) {
    this.#data = data;
    this.#at = at;
  }

  get left(): number {
    return Math.max(0, this.#data.length - this.#at);
  }

  u8(): number {
    return this.left < 1 ? this.#end() : (this.#data[this.#at++] ?? 0);
  }

  u16(): number {
    if (this.left < 2) return this.#end();
    this.#at += 2;
    return this.#data.readUInt16LE(this.#at - 2);
  }

  u32(): number {
    if (this.left < 4) return this.#end();
    this.#at += 4;
    return this.#data.readUInt32LE(this.#at - 4);
  }

  /** Undefined, and at the end, where there are not so many. */
  bytes(count: number): Buffer | undefined {
    if (this.left < count) {
      this.#end();
      return undefined;
    }
    this.#at += count;
    return this.#data.subarray(this.#at - count, this.#at);
  }

  skip(count: number): void {
    this.#at = Math.min(this.#data.length, this.#at + count);
  }

  #end(): 0 {
    this.#at = this.#data.length;
    return 0;
  }
}
