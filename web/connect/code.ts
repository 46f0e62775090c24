/** Drawing the moving code. */

import { correction, generate } from "lean-qr";

const QUIET_ZONE = 4;

export interface Fit {
  /** Device pixels a module. Whole, so that every module has the same width. */
  readonly module: number;
  /** CSS pixels of the whole picture, quiet zone included. */
  readonly side: number;
}

/** The largest crisp drawing of `modules` modules (quiet zone included) in `box` CSS pixels. */
export function fit(modules: number, box: number, pixelRatio: number): Fit {
  const module = Math.max(1, Math.floor((box * pixelRatio) / modules));
  return { module, side: (module * modules) / pixelRatio };
}

export class CodePicture {
  readonly #canvas: HTMLCanvasElement;
  readonly #box: HTMLElement;
  #text = "";
  // Later frames of a journey are longer by a digit. The picture must not change its size for that.
  #version = 1;

  constructor(canvas: HTMLCanvasElement, box: HTMLElement) {
    this.#canvas = canvas;
    this.#box = box;
    new ResizeObserver(() => this.#draw()).observe(box);
  }

  show(text: string): void {
    this.#text = text;
    this.#draw();
  }

  /** Takes a code that no longer counts off the page. */
  clear(): void {
    this.#text = "";
    this.#draw();
  }

  #draw(): void {
    const canvas = this.#canvas;
    canvas.hidden = this.#text === "";
    if (canvas.hidden || this.#box.clientWidth === 0) return;
    const code = generate(this.#text, {
      minCorrectionLevel: correction.M,
      maxCorrectionLevel: correction.M,
      minVersion: this.#version,
    });
    this.#version = (code.size - 17) / 4;
    const modules = code.size + 2 * QUIET_ZONE;
    const { module, side } = fit(modules, this.#box.clientWidth, window.devicePixelRatio);
    const pen = canvas.getContext("2d");
    if (pen === null) return;
    canvas.width = canvas.height = module * modules;
    canvas.style.width = canvas.style.height = `${side}px`;
    const colours = getComputedStyle(canvas);
    pen.fillStyle = colours.backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = colours.color;
    for (let y = 0; y < code.size; y++) {
      for (let x = 0; x < code.size; x++) {
        if (!code.get(x, y)) continue;
        pen.fillRect((x + QUIET_ZONE) * module, (y + QUIET_ZONE) * module, module, module);
      }
    }
  }
}
