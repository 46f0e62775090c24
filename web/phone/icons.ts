/** Line drawings on a 24 by 24 grid; `.icon` gives them stroke and size. */

const SHAPES = {
  scan: [
    "M4 8V6a2 2 0 0 1 2-2h2",
    "M16 4h2a2 2 0 0 1 2 2v2",
    "M20 16v2a2 2 0 0 1-2 2h-2",
    "M8 20H6a2 2 0 0 1-2-2v-2",
    "M4 12h16",
  ],
  screen: ["M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z", "M12 17v4", "M8 21h8"],
  person: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M4.5 20.5a7.5 7.5 0 0 1 15 0"],
  plus: ["M12 5v14", "M5 12h14"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  warning: ["M12 4.2L21 19.5H3z", "M12 10v4", "M12 16.9v.1"],
  checked: ["M12 3l7.5 2.8v5.4c0 4.4-3 7.9-7.5 9.8-4.5-1.9-7.5-5.4-7.5-9.8V5.8z", "M8.7 12l2.4 2.4 4.2-4.6"],
  unchecked: ["M12 3l7.5 2.8v5.4c0 4.4-3 7.9-7.5 9.8-4.5-1.9-7.5-5.4-7.5-9.8V5.8z", "M12 8v4.5", "M12 15.9v.1"],
  accounts: ["M4 6.5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1z", "M3 10.5h18", "M6.5 15h4"],
  balances: [
    "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
    "M14.8 9.2a3.4 3.4 0 1 0 0 5.6",
    "M8 11h4.2",
    "M8 13.2h4.2",
  ],
  transactions: ["M4 8.5h14", "M14.5 5l3.5 3.5-3.5 3.5", "M20 15.5H6", "M9.5 12L6 15.5 9.5 19"],
  later: [
    "M5.5 5.5h13a1.5 1.5 0 0 1 1.5 1.5v11.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18.5V7a1.5 1.5 0 0 1 1.5-1.5z",
    "M4 10h16",
    "M8.5 3.5v3.5",
    "M15.5 3.5v3.5",
  ],
  once: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z", "M12 7.5V12l3 2"],
  locked: [
    "M7 10.5h10a1.5 1.5 0 0 1 1.5 1.5v6.5A1.5 1.5 0 0 1 17 20H7a1.5 1.5 0 0 1-1.5-1.5V12A1.5 1.5 0 0 1 7 10.5z",
    "M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5",
  ],
  key: ["M8.5 15.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M12.5 11.5H21", "M17.5 11.5v3.5"],
  camera: [
    "M4 8h3.5L9 5.5h6L16.5 8H20a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z",
    "M12 16.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6z",
  ],
  cloud: ["M7 18.5a4.3 4.3 0 0 1-.6-8.56A6 6 0 0 1 18 9.7a4.4 4.4 0 0 1-.8 8.8z", "M4 4l16 16"],
  phone: ["M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3z", "M11 17.8h2"],
  bell: ["M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15z", "M10 20.5h4"],
  fewer: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z", "M8 12h8"],
  letters: [
    "M4 6.5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1z",
    "M6.8 10.3v.1",
    "M10.3 10.3v.1",
    "M13.7 10.3v.1",
    "M17.2 10.3v.1",
    "M8 14h8",
  ],
  next: ["M9 5.5l6.5 6.5L9 18.5"],
} as const;

export type IconName = keyof typeof SHAPES;

const SVG = "http://www.w3.org/2000/svg";

/** A decoration: screen readers pass it by. */
export function icon(name: IconName): SVGSVGElement {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    drawing.append(path);
  }
  return drawing;
}
