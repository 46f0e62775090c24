/** The form that takes the answer back to the app that asked: sent at once, and once. */

function sendOnce(): void {
  const [arrival] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  // Whoever comes back to this page by "Back" has been there; the button still sends it again.
  if (arrival?.type === "back_forward") return;
  document.querySelector<HTMLFormElement>("form[data-answer]")?.requestSubmit();
}

sendOnce();
