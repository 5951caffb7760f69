/** Whether keys of one letter act everywhere. Who speaks to a computer turns them off, as words press them, too. */

const NAME = "letters";

function kept(): boolean {
  try {
    return localStorage.getItem(NAME) !== "off";
  } catch {
    return true;
  }
}

let on = $state(kept());

export const letters = {
  get on(): boolean {
    return on;
  },
  turn(wanted: boolean): void {
    on = wanted;
    try {
      localStorage.setItem(NAME, wanted ? "on" : "off");
    } catch {
      // Then it holds for this visit.
    }
  },
};
