// Gradient checking, with a mistake to find.

import { useEffect, useState } from "preact/hooks";

import { number, short } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Button, Card, Command, Failure, Loading } from "../parts/ui.tsx";
import { asked, play, type Check } from "./api.ts";
import { Formula, Matrix, Seed, Select, Slider } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { seed: 0, epsilon: 1e-7 };

const MISTAKES: Record<string, string> = {
  nothing: "Nothing: it is right",
  missing_mean: "The 1/m is missing",
  wrong_sign: "The sign is wrong",
  forgotten_l2: "The L2 term λ/m W is forgotten",
  transposed: "It is transposed",
};

/** `W¹` for `layers.0.weight`. */
function symbol(name: string): string {
  const layer = Number(/\d+/.exec(name)?.[0] ?? 0) + 1;
  return `${name.endsWith("weight") ? "dW" : "db"}[${layer}]`;
}

const rowsOf = (values: (number | null)[], columns: number) => Array.from({ length: values.length / columns }, (_, i) => values.slice(i * columns, (i + 1) * columns));

export function CheckLesson() {
  const [settings, change] = useSettings("gradient-check", DEFAULTS);
  const { data, error, reload } = useLoad(asked(settings), () => play.compute<Check>("check", settings));
  const [guess, setGuess] = useState({ parameter: "", mistake: "" });
  const [answer, setAnswer] = useState<Check["answer"]>(null);
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    setAnswer(null);
    setGuess({ parameter: "", mistake: "" });
  }, [settings.seed]);
  const reveal = async () => {
    setAsking(true);
    try {
      setAnswer((await play.compute<Check>("check", { ...settings, reveal: true })).answer);
    } finally {
      setAsking(false);
    }
  };
  const right = answer !== null && guess.mistake === answer.mistake && (answer.mistake === "nothing" || guess.parameter === answer.parameter);
  const ready = guess.mistake === "nothing" || (guess.mistake !== "" && guess.parameter !== "");
  return (
    <>
      <Card
        title="A backward pass, and perhaps a mistake in it"
        note="A network of two hidden layers of 3 units, with the L2 term. Beside each gradient of the backward pass stands the two-sided difference of the cost. One of the gradients may be wrong: which, and how? Every seed is another puzzle."
      >
        <div class="play-row">
          <Slider label="ε" value={settings.epsilon} set={(epsilon) => change({ epsilon })} min={1e-11} max={0.1} log format={(value) => number(value, 2)} />
          <Seed seed={settings.seed} set={(seed) => change({ seed })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={8} />
      ) : (
        <>
          <Card title="Layer by layer" side={<span class="gap">of all: <b>{number(data.relative, 2)}</b></span>}>
            <div class="scroll" tabIndex={0} role="region" aria-label="Gradients by parameter">
              <table class="gradients">
                <thead>
                  <tr>
                    <th>Parameter</th>
                    <th>Backward pass dθ</th>
                    <th>Differences dθ≈</th>
                    <th class="r">‖dθ≈ − dθ‖ / (‖dθ≈‖ + ‖dθ‖)</th>
                  </tr>
                </thead>
                <tbody>
                  {data.parameters.map((parameter) => (
                    <tr key={parameter.name} class={answer && answer.mistake !== "nothing" && answer.parameter === parameter.name ? "culprit" : ""}>
                      <th scope="row">{symbol(parameter.name)}</th>
                      <td data-label="dθ">
                        <Matrix values={rowsOf(parameter.backward, parameter.columns)} />
                      </td>
                      <td data-label="dθ≈">
                        <Matrix values={rowsOf(parameter.numeric, parameter.columns)} />
                      </td>
                      <td class="r">{number(parameter.relative, 2)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <form
              class="guess"
              onSubmit={(event) => {
                event.preventDefault();
                void reveal();
              }}
            >
              <Select label="What is wrong" value={guess.mistake} options={[["", "Choose"], ...data.mistakes.map((name) => [name, MISTAKES[name] ?? name] as const)]} set={(mistake) => setGuess({ ...guess, mistake })} />
              {guess.mistake !== "nothing" && (
                <Select label="With which gradient" value={guess.parameter} options={[["", "Choose"], ...data.parameters.map(({ name }) => [name, symbol(name)] as const)]} set={(parameter) => setGuess({ ...guess, parameter })} />
              )}
              <Button kind="primary" type="submit" disabled={!ready || asking}>
                Check my guess
              </Button>
              <Button onClick={() => void reveal()} disabled={asking}>
                Tell me
              </Button>
            </form>
            <p class={`verdict ${answer ? (right ? "is-right" : "is-wrong") : ""}`} role="status">
              {answer && `${guess.mistake === "" ? "" : right ? "Right. " : "Not quite. "}${MISTAKES[answer.mistake]}${answer.mistake === "nothing" ? "." : `: ${symbol(answer.parameter)}.`}`}
            </p>
          </Card>
          <Card title="How to read it">
            <dl class="play-formulas">
              <Formula title="Two-sided difference" value={`f(θ) = θ³ at 1: ${number(data.cube.two_sided, 9)}`}>
                (J(θ + εe) − J(θ − εe)) / 2ε, which errs by O(ε²)
              </Formula>
              <Formula title="One-sided difference" value={`f(θ) = θ³ at 1: ${number(data.cube.one_sided, 9)}`}>
                (J(θ + ε) − J(θ)) / ε, which errs by O(ε); the derivative is 3
              </Formula>
              <Formula plain title="Relative difference">up to 10⁻⁷ great; 10⁻⁵ look closer; from 10⁻³ on a bug</Formula>
              <Formula title="With the L2 term" value={`λ / m = ${short(data.lambda / data.rows, 3)}`}>
                dW = 1/m dZ A<sup>T</sup> + λ / m W; biases have none
              </Formula>
              <Formula plain title="ε too small">numbers have about 16 digits: below 10⁻⁹ rounding is larger than the error of the formula</Formula>
            </dl>
          </Card>
        </>
      )}
      <Card title="Of a network on data, in a terminal" note="Without dropout, at the start and again after some training; when it fails, it names the layer and the parameter.">
        <Command text={`thalweg check sample:moons --layers 3,3 --activation tanh --l2 3 --seed ${settings.seed}`} />
      </Card>
    </>
  );
}
