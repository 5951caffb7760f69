/** The five lessons of the playground: what they say, and the setting that each starts from. */
import type { PlaneAsk, Shape } from "./api.ts";

export interface Lesson {
  title: string;
  /** Parts in asterisks are strong. */
  text: string[];
  attempt: string;
  start: PlaneAsk;
}

export const START: PlaneAsk = { shape: "ring", loss: "relativistic", r1: 0.19, seed: 0 };

export const LESSONS: Lesson[] = [
  {
    title: "Two players, one plane",
    text: [
      "The *generator* starts as a blob in the middle. The *critic* colours the plane: green where it believes in data, ochre where it believes in fakes.",
      "Every blue point slides along its arrow, towards greener ground. As the points move, the critic has to repaint. When nothing is left to tell apart, the arrows shrink.",
    ],
    attempt: "Try: watch Critic right as the points come to lie on the spots. At which share is it only guessing?",
    start: START,
  },
  {
    title: "Modes that go missing",
    text: [
      "The data are twenty-five spots, and the generator may please its critic with some of them. The critic judges every point by itself, so nothing in the *minimax* loss asks for the others.",
      "The *relativistic* loss sets each made point against a real one, so that a spot nobody makes stays a place where real wins. Here that alone is not enough: while nothing keeps the critic gentle, spots stay missing with both.",
    ],
    attempt: "Try: watch Spots found for 500 steps. Then set the slider to 0.2 and start again, with either loss.",
    start: { ...START, shape: "grid", loss: "minimax", r1: 0 },
  },
  {
    title: "A critic that is too sure",
    text: [
      "With nothing to keep it gentle the critic draws hard borders between green and ochre. They are steep, so the arrows stay long even where the points have arrived.",
      "The *penalty* asks for gentle slopes at the data and at what is made. The arrows shrink, and a spot that was missing is found.",
    ],
    attempt: "Try: after 300 steps move the slider from 0 to 0.2 while it runs. How soon do the arrows shrink?",
    start: { ...START, loss: "nonsaturating", r1: 0 },
  },
  {
    title: "Distance as a loss",
    text: [
      "Instead of saying real or made, the *Wasserstein* critic gives marks. If its slope were at most one, the data's mean mark above that of the points would be how far they have to be carried to become the data.",
      "Clipping its weights bounds the slope, but nobody knows at what. WGAN-GP pulls the slope towards one. The penalty here pulls it towards nothing, so that marks show where to go, but not how far it is.",
    ],
    attempt:
      "Try: after 300 steps set the slider to 0. Its marks grow without end, and every arrow gets as long as it can.",
    start: { ...START, loss: "wasserstein", r1: 0.5 },
  },
  {
    title: "Draw your own",
    text: [
      "Draw what is to be learned: spots, a line, a letter. Points that lie thinly are learned last; gaps between spots are where made points get lost on their way.",
      "What you see here is the training of the toolkit, with the same losses and the same penalty as for pictures. A picture only has more than two numbers.",
    ],
    attempt: "Try: two spots far apart, one with ten times as many points. Does it find both?",
    start: { ...START, shape: "drawn" },
  },
];

export const LOSSES = [
  {
    value: "relativistic",
    text: "Relativistic",
    year: 2018,
    about: "The critic says which of two looks more real, a made one or one of the data.",
  },
  {
    value: "nonsaturating",
    text: "Non-saturating",
    year: 2014,
    about: "What is made wants to be called real. The less it is, the harder the critic pulls.",
  },
  {
    value: "minimax",
    text: "Minimax",
    year: 2014,
    about: "One wins what the other loses. A critic that is sure hardly pulls any more.",
  },
  {
    value: "wasserstein",
    text: "Wasserstein",
    year: 2017,
    about: "The critic measures how far what is made lies from the data.",
  },
  {
    value: "hinge",
    text: "Hinge",
    year: 2017,
    about: "The critic gives marks, and rests where it tells both apart by enough.",
  },
] as const;

export const SHAPES: { value: Shape; text: string; points: [number, number][] }[] = [
  { value: "ring", text: "Eight spots on a ring", points: Array.from({ length: 8 }, (_, at) => around(at / 8, 18)) },
  {
    value: "grid",
    text: "Twenty-five spots on a grid",
    points: Array.from({ length: 25 }, (_, at) => [9 + 8 * (at % 5), 9 + 8 * Math.floor(at / 5)]),
  },
  { value: "line", text: "A line", points: Array.from({ length: 12 }, (_, at) => [9 + 2.9 * at, 41 - 2.9 * at]) },
  {
    value: "two",
    text: "Two spots",
    points: [
      [8, 24],
      [13, 19],
      [14, 27],
      [19, 23],
      [18, 31],
      [10, 32],
      [32, 20],
      [38, 17],
      [37, 25],
      [43, 22],
      [41, 30],
      [33, 28],
    ],
  },
  {
    value: "spiral",
    text: "A spiral",
    points: Array.from({ length: 24 }, (_, at) =>
      around(1.9 * Math.sqrt((at + 1) / 24), 19 * Math.sqrt((at + 1) / 24)),
    ),
  },
];

function around(turn: number, radius: number): [number, number] {
  return [25 + radius * Math.cos(2 * Math.PI * turn), 25 + radius * Math.sin(2 * Math.PI * turn)];
}
