// The playground: its lessons, and the way between them.

import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useTitle } from "../hooks.ts";
import { Empty } from "../parts/ui.tsx";
import { link } from "../router.ts";
import { AverageLesson } from "./average.tsx";
import { BatchesLesson } from "./batches.tsx";
import { CheckLesson } from "./check.tsx";
import { DecayLesson } from "./decay.tsx";
import { DepthLesson } from "./depth.tsx";
import { NetworkLesson } from "./network.tsx";
import { NeuronLesson } from "./neuron.tsx";
import { OptimizersLesson } from "./optimizers.tsx";
import { SearchLesson } from "./search.tsx";
import "./style.css";

interface Lesson {
  id: string;
  title: string;
  short: string;
  what: string;
  formula: ComponentChildren;
  page: ComponentType;
}

const LESSONS: Lesson[] = [
  { id: "network", title: "A network on the plane", short: "Network", what: "Build a small network, train it, and watch its boundary, units, weights and gradients.", formula: <>A<sup>[l]</sup> = g(W<sup>[l]</sup>A<sup>[l−1]</sup> + b<sup>[l]</sup>)</>, page: NetworkLesson },
  { id: "neuron", title: "Step by step through one example", short: "Step by step", what: "Forward to the loss and backward to each gradient, every formula with its numbers.", formula: <>dz = a − y, dw = x dz</>, page: NeuronLesson },
  { id: "depth", title: "Depth and the first weights", short: "Depth", what: "Activations and gradients that explode, vanish, or keep their size.", formula: <>1.5<sup>L</sup>, 0.5<sup>L</sup>, Var(w) = 1 / n</>, page: DepthLesson },
  { id: "average", title: "Exponentially weighted average", short: "Average", what: "A noisy series, β, and what bias correction corrects.", formula: <>v := βv + (1 − β)θ</>, page: AverageLesson },
  { id: "optimizers", title: "Optimisers side by side", short: "Optimisers", what: "Gradient descent, momentum, RMSprop and Adam down a ravine and a network’s own cost.", formula: <>θ := θ − α V̂ / (√Ŝ + ε)</>, page: OptimizersLesson },
  { id: "decay", title: "Learning-rate decay", short: "Decay", what: "The learning rate by epoch, of every schedule.", formula: <>α = α₀ / (1 + decay · epoch)</>, page: DecayLesson },
  { id: "search", title: "Grid against random search", short: "Search", what: "Two hyperparameters, of which one matters.", formula: <>α = 10<sup>r</sup>, r from U(−4, 0)</>, page: SearchLesson },
  { id: "batches", title: "Sizes of mini-batches", short: "Batches", what: "Cost curves of batches of 1, of 64 and of all.", formula: <>m / size steps an epoch</>, page: BatchesLesson },
  { id: "gradient-check", title: "Find the mistake in a gradient", short: "Gradient check", what: "Compare a backward pass with differences of the cost, and guess what is wrong.", formula: <>(J(θ + ε) − J(θ − ε)) / 2ε</>, page: CheckLesson },
];

export function PlaygroundPage({ id }: { id: string }) {
  const lesson = LESSONS.find((lesson) => lesson.id === id);
  useTitle(lesson ? `${lesson.title} · Playground` : "Playground");
  const nav = useRef<HTMLElement>(null);
  // On narrow pages the lesson's own tab may be out of sight.
  useEffect(() => nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [id]);
  if (id === "") return <Overview />;
  if (!lesson) {
    return (
      <Empty title="There is no such lesson">
        <p>
          <a href={link.play()}>All lessons</a>
        </p>
      </Empty>
    );
  }
  return (
    <div class="playground">
      <h1>{lesson.title}</h1>
      <nav class="tabs" aria-label="Lessons" ref={nav}>
        <a href={link.play()}>All</a>
        {LESSONS.map(({ id, short }) => (
          <a key={id} href={link.play(id)} aria-current={lesson.id === id ? "page" : undefined}>
            {short}
          </a>
        ))}
      </nav>
      <div class="tab">
        <lesson.page />
      </div>
    </div>
  );
}

function Overview() {
  return (
    <div class="playground">
      <div class="page-head">
        <h1>Playground</h1>
      </div>
      <p class="note">The course, to be tried. Every number is computed by the engine that trains your own networks; the address holds all settings, so a link repeats an experiment to the last digit, and each lesson shows the command that does the same in a terminal.</p>
      <ul class="lessons">
        {LESSONS.map(({ id, title, what, formula }) => (
          <li key={id} class="card">
            <h2>
              <a class="stretched" href={link.play(id)}>
                {title}
              </a>
            </h2>
            <p>{what}</p>
            <span class="math formula">{formula}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
