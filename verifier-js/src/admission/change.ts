/** Changes of the state that can be taken back: a batch that is refused leaves nothing behind. */
export class Change {
  private readonly undo: (() => void)[] = [];

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    const there = map.has(key);
    map.set(key, value);
    this.undo.push(() => (there ? map.set(key, before as V) : map.delete(key)));
  }

  add<V>(set: Set<V>, value: V): void {
    if (set.has(value)) return;
    set.add(value);
    this.undo.push(() => set.delete(value));
  }

  set<T extends object, K extends keyof T>(object: T, field: K, value: T[K]): void {
    const before = object[field];
    const there = field in object;
    object[field] = value;
    this.undo.push(() => {
      if (there) object[field] = before;
      else delete object[field];
    });
  }

  drop<T extends object, K extends keyof T>(object: T, field: K): void {
    if (!(field in object)) return;
    const before = object[field];
    delete object[field];
    this.undo.push(() => { object[field] = before; });
  }

  /** What was changed there is taken back with this. */
  follow(other: Change): void {
    this.undo.push(() => other.takeBack());
  }

  takeBack(): void {
    while (this.undo.length > 0) this.undo.pop()!();
  }
}
