/** As much of a document as the report needs, so that what people read is tested without a browser. */
class Element {
  readonly attributes: Record<string, string> = {};
  readonly children: (Element | string)[] = [];
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  setAttribute(key: string, value: string): void {
    this.attributes[key] = value;
  }

  append(...children: (Element | string)[]): void {
    this.children.push(...children);
  }
}

Object.assign(globalThis, { document: { createElement: (name: string) => new Element(name) } });

/** What a reader sees of it, in order. */
export function text(elements: HTMLElement[]): string {
  return (elements as unknown as (Element | string)[]).map((each) => (typeof each === "string" ? each : text(each.children as unknown as HTMLElement[]))).join("\n");
}
