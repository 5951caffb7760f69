/** Where the focus is when what had it goes or is disabled: near by, and not lost to the top of the page. */

let trail: Element[] = []; // what had it last, and all that this lies in
let stand: HTMLElement | null = null; // what has it in its place

function took({ target }: FocusEvent): void {
  if (target === stand) return;
  trail = [];
  for (let one = target as Element | null; one; one = one.parentElement) trail.push(one);
}

function look(): void {
  const [last, ...around] = trail;
  const now = document.activeElement;
  if (last?.isConnected && !last.matches(":disabled")) {
    if (now && now === stand) (last as HTMLElement).focus({ preventScroll: true }); // as it can be pressed again
    return;
  }
  if (!last || (now !== last && now !== document.body)) return;
  const near = around.find((one) => one.isConnected);
  const main = document.getElementById("main");
  stand = (near?.contains(main) ? main : near) as HTMLElement;
  if (!stand.hasAttribute("tabindex")) stand.tabIndex = -1;
  stand.focus({ preventScroll: true });
}

export function holdFocus(): void {
  addEventListener("focusin", took);
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ["disabled"] });
}
