// The network playground: points, a network, and how it learns them.

import { useMemo, useState } from "preact/hooks";

import { count, short } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Card, Command, Failure, Icon, Loading } from "../parts/ui.tsx";
import { asked, play, type Begun } from "./api.ts";
import { Diagram, Weights } from "./diagram.tsx";
import { Histograms } from "./histograms.tsx";
import { DEFAULTS, DataCard, OptionsCard, type Settings, type Table } from "./options.tsx";
import { PlaneCard } from "./plane-card.tsx";
import { useSettings } from "./settings.ts";
import { FormulaCard } from "./step-formulas.tsx";
import { useTraining } from "./training.ts";
import { Transport, metricFormat } from "./transport.tsx";

const hidden = (layers: string) => layers.split(",").map(Number).filter((units) => units > 0 && Number.isInteger(units));

export function NetworkLesson() {
  const [settings, change] = useSettings("network", DEFAULTS);
  const [table, setTable] = useState<Table | null>(null);
  const [pace, setPace] = useState("20");
  // On narrow pages they are folded away, unless there is something to choose first.
  const [wide] = useState(() => matchMedia("(min-width: 861px)").matches || settings.data === "csv");
  const { data: choices, error, reload } = useLoad("play choices", play.choices);
  const sent = useMemo(() => toSend(settings, table), [settings, table]);
  const training = useTraining(sent, Number(pace));
  if (choices === null) return error ? <Failure error={error} retry={reload} /> : <Loading />;
  const { begun, now } = training;
  return (
    <div class="play-network">
      <details class="play-settings" open={wide}>
        <summary>
          <Icon name="down" /> Points and settings
        </summary>
        <div class="play-side">
          <DataCard settings={settings} change={change} choices={choices} table={table} setTable={setTable} />
          <OptionsCard settings={settings} change={change} choices={choices} />
        </div>
      </details>
      <div class="play-main">
        {training.error && <Failure error={training.error} retry={training.reset} />}
        {sent === null && (
          <Card title="Your own points">
            <p class="muted">Choose a CSV file, two of its columns of numbers, and the column to predict.</p>
          </Card>
        )}
        {begun && now ? (
          <>
            <Transport training={training} begun={begun} now={now} pace={pace} setPace={setPace} />
            <div class="play-pictures">
              <Card title="Network" class="play-diagram">
                <Diagram begun={begun} now={now} layers={hidden(settings.layers)} limits={choices.limits} change={(layers) => change({ layers: layers.join(",") || "none" })} />
                <Weights begun={begun} now={now} />
              </Card>
              <PlaneCard begun={begun} now={now} />
            </div>
            <div class="pair">
              <Card title="Loss" side={<span class="muted">after each epoch</span>}>
                <Plot
                  title="Loss by epoch"
                  x={now.history.epochs}
                  xName="epoch"
                  height={200}
                  lines={[
                    { name: "train", colour: "train", y: now.history.train },
                    { name: "test", colour: "test", y: now.history.test },
                  ]}
                />
              </Card>
              <Card title={begun.metric === "accuracy" ? "Accuracy" : "Root mean squared error"}>
                <Plot
                  title={`${begun.metric} by epoch`}
                  x={now.history.epochs}
                  xName="epoch"
                  height={200}
                  lines={[
                    { name: "train", colour: "train", y: now.history.train_metric, format: metricFormat(begun) },
                    { name: "test", colour: "test", y: now.history.test_metric, format: metricFormat(begun) },
                  ]}
                  yFormat={begun.metric === "accuracy" ? (value) => `${short(100 * value, 3)} %` : (value) => short(value, 3)}
                />
              </Card>
            </div>
            <Histograms now={now} />
            <FormulaCard settings={settings} begun={begun} now={now} />
            <Card title="The same in a terminal" note={commandNote(settings, begun)}>
              <Command text={begun.command} />
              {settings.data !== "csv" && (
                <p class="muted small">
                  The points: <a href={`api/play/points.csv?${asked({ data: settings.data, rows: settings.rows, noise: settings.noise, seed: settings.seed })}`}>points.csv</a>
                </p>
              )}
            </Card>
          </>
        ) : (
          sent !== null && !training.error && <Loading lines={8} />
        )}
      </div>
    </div>
  );
}

function commandNote(settings: Settings, begun: Begun): string {
  const rows = settings.data === "csv" ? "the file’s rows" : "the same points";
  return `It trains the same network on ${rows} for ${count(begun.epochs)} epochs with the same steps, and ends with the losses and the ${begun.metric === "accuracy" ? "accuracy" : "error"} that stand here then.`;
}

/** The settings as the server takes them, or nothing as long as columns are to be chosen. */
function toSend(settings: Settings, table: Table | null): object | null {
  const { layers, init, init_scale, x, y, target, ...rest } = settings;
  const scaled = init === "normal" || init === "uniform";
  const sent = { ...rest, layers: hidden(layers), ...(init !== "" && { init }), ...(scaled && { init_scale }) };
  if (settings.data !== "csv") return sent;
  const chosen = [x, y, target];
  if (table === null || !chosen.every((name) => table.columns.includes(name)) || new Set(chosen).size < 3) return null;
  return { ...sent, csv: { name: table.name, text: table.text, inputs: [x, y], target } };
}
