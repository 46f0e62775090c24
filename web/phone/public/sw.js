// Makes the app installable, and lets it open without a network to say that there is none.
// It keeps the page and its built files. It never keeps an answer of the phone API, nor sees one.

const CACHE = "phone-1";
const PAGE = "/phone";
const MOST_FILES = 30;

self.addEventListener("install", (event) => {
  event.waitUntil(self.skipWaiting());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === PAGE) event.respondWith(page(request));
  else if (pathname.startsWith("/static/") || pathname === "/brand.css") event.respondWith(file(request, pathname));
});

// The network first: the page names the files of the newest build.
async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await cache.put(PAGE, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}

// A built file's name changes with its content, so a kept one is never old. The colours' may be.
async function file(request, pathname) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept && pathname !== "/brand.css") return kept;
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(cache, request, answer.clone());
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

// The oldest files leave, so that builds do not pile up on a phone.
async function keep(cache, request, answer) {
  await cache.put(request, answer);
  const files = (await cache.keys()).filter((one) => new URL(one.url).pathname.startsWith("/static/"));
  for (const one of files.slice(0, Math.max(0, files.length - MOST_FILES))) await cache.delete(one);
}
