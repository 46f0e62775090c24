/** Building the page from nodes and text, never from markup in a string. */

type Child = Node | string | undefined;

export interface Attributes {
  readonly class?: string | undefined;
  readonly id?: string;
  readonly type?: string;
  readonly name?: string;
  readonly value?: string;
  readonly role?: string;
  readonly tabindex?: string;
  readonly hidden?: boolean;
  readonly inputmode?: string;
  readonly autocomplete?: string;
  readonly spellcheck?: string;
  readonly autocapitalize?: string;
  readonly maxlength?: string;
  readonly pattern?: string;
  readonly "aria-label"?: string;
  readonly "aria-labelledby"?: string;
  readonly "aria-describedby"?: string;
  readonly "aria-hidden"?: string;
  readonly "aria-live"?: string;
}

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** The one heading of a screen; it takes the focus when the screen appears. */
export function heading(text: string): HTMLHeadingElement {
  return h("h1", { tabindex: "-1" }, text);
}

export function button(kind: string, label: Child, press: (event: MouseEvent) => void): HTMLButtonElement {
  const element = h("button", { class: kind, type: "button" }, label);
  element.addEventListener("click", press);
  return element;
}

/** Two ways out of the same weight, side by side. */
export function pair(left: HTMLElement, right: HTMLElement): HTMLElement {
  return h("div", { class: "pair" }, left, right);
}
