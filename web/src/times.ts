/** The four times, with what each is good for. */
export const TIMES = [
  { minutes: 3, text: "3 min", what: "first look" },
  { minutes: 10, text: "10 min", what: "good start" },
  { minutes: 30, text: "30 min", what: "better" },
  { minutes: 120, text: "2 h", what: "best here" },
] as const;
