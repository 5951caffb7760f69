/** Where the page is. Everything that a person would want to send to somebody or come back to is in the URL. */

export interface Route {
  path: string;
  query: URLSearchParams;
}

/** An address that is no text, such as /runs/50%, names nothing, but is shown as it is. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

const read = (): Route => ({
  path: decoded(location.pathname).replace(/(.)\/$/, "$1"),
  query: new URLSearchParams(location.search),
});

let route = $state.raw<Route>(read());

export const here = (): Route => route;

const BOARD = "ganvas-board"; // of this tab of the browser
let left = $state.raw(sessionStorage.getItem(BOARD));

/** The board of Ideas that was looked at last, unless it is looked at now: its tab leads to the question then. */
export const board = (): string | null => (route.path === "/ideas" || route.path === "/" ? null : left);

function remember(): void {
  if (route.path !== "/ideas") return;
  left = location.pathname + location.search;
  sessionStorage.setItem(BOARD, left);
}
remember();

/** Goes to a URL of this page; `replace` for what is no step of its own, such as a slider's. */
export function go(url: string, { replace = false, keep = false }: { replace?: boolean; keep?: boolean } = {}): void {
  if (url === location.pathname + location.search) return;
  const moved = new URL(url, location.href).pathname !== location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", url);
  route = read();
  remember();
  if (moved && !keep) {
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

/** The present URL with some of its query changed; null takes a name out. */
export function turned(changes: Record<string, string | number | null>, path = route.path): string {
  const query = new URLSearchParams(path === route.path ? route.query : "");
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Takes clicks on links within the page; the browser keeps the others, and those with a key held. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element).closest?.("a");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const url = new URL(link.href, location.href);
  const elsewhere = link.target || link.hasAttribute("download") || url.origin !== location.origin;
  if (elsewhere || /^\/(i|files|api)\//.test(url.pathname) || url.hash) return;
  event.preventDefault();
  go(url.pathname + url.search);
}

addEventListener("popstate", () => {
  route = read();
  remember();
});
